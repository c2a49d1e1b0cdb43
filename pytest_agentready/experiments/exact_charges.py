"""A limit that is used up to the last cent, by charges whose sum in binary fractions is a little more than that."""

from __future__ import annotations

import itertools
from decimal import Decimal

from pytest_agentready.domain import Breaker, Charge, ExactCharges, Loop, Spending
from pytest_agentready.experiments.charging import Till, at_the_till, somebody
from pytest_agentready.world.stdio import muted

MOST = 60  # charges
CENT = Decimal("0.01")


def run(subject: Loop | Breaker, spending: Spending) -> ExactCharges:
    if spending.gap:
        return ExactCharges(gap=spending.gap)
    kept = [series.limit for series in spending.series if series.is_kept]
    if isinstance(subject, Loop) or not kept:
        return ExactCharges()
    limit = min(kept, key=lambda limit: limit.dollars)
    times = next((times for times in range(2, MOST + 1) if _drifts(limit.dollars, times)), None)
    if times is None:
        return ExactCharges()
    with muted():
        halves, parts = (
            at_the_till(subject, lambda till, each=each: _charged(till, limit.dollars / each, each))  # type: ignore[misc]
            for each in (2, times)
        )
    return ExactCharges(limit, limit.dollars / times, halves, parts)


def _drifts(whole: Decimal, times: int) -> bool:
    """Is the sum of so many equal parts more than the whole, in binary fractions?"""
    part = whole / times
    return part % CENT == 0 and part * times == whole and list(itertools.accumulate([float(part)] * times))[-1] > float(whole)


def _charged(till: Till, dollars: Decimal, times: int) -> tuple[Charge, ...]:
    user, session = somebody(), somebody("session")
    return tuple(till.charge(user, session, dollars) for _ in range(times))
