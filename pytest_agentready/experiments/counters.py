"""What charges leave in the stores: for how long it is kept, also where the connection is lost in the middle of one, and whether a charge
renews the window of all those before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from pytest_agentready.domain import Breaker, Charge, ChargeSeries, Counters, Limit, Loop, LostConnection, Renewal, Spending, Stored
from pytest_agentready.experiments.charging import Till, at_the_till, somebody
from pytest_agentready.experiments.racing import named
from pytest_agentready.experiments.spending import portion_of, when_it_has_passed
from pytest_agentready.experiments.store_outage import stores_of
from pytest_agentready.world.faults import FAULTS
from pytest_agentready.world.stdio import muted

SMALL = Decimal("0.02")  # of the smallest limit
PART = Decimal("0.3")  # of a limit, in each window
STEP = 0.9  # of a window, from one part to the next
WINDOWS = 6
MOST = 60  # charges in which it is tried whether a window is renewed
ABOUT_NOW = 4e7  # seconds: a number as close to the clock's is a moment, and no money
DAY = 86_400.0
RECOVERY = 120.0  # seconds, in which a lock that was left expires


def run(subject: Loop | Breaker, spending: Spending) -> Counters:
    if spending.gap:
        return Counters(gap=spending.gap)
    with muted():
        found = at_the_till(subject, lambda till: _left(till, subject))
        renewals = [_renewal(subject, series) for series in spending.series if not series.own_clocks]
    clocks = dict.fromkeys(name for series in spending.series for name in series.own_clocks)
    return replace(found, renewals=tuple(renewal for renewal in renewals if renewal is not None), own_clocks=tuple(clocks))


def _renewal(subject: Loop | Breaker, series: ChargeSeries) -> Renewal | None:
    """None where it is no window at all: it is not free again when it has passed."""
    limit = series.limit
    if not any(charge.admitted for charge in (*series.later, *series.much_later, *series.rested)):
        return None
    found = at_the_till(subject, lambda till: _renewed(till, subject, limit))
    if found is not None and found.refused is not None:
        return found
    asked = series.later  # of a day somebody has asked in the meantime already
    if not series.soon:
        asked = at_the_till(subject, lambda till: when_it_has_passed(till, subject, limit, asks_meanwhile=True))
    refused = next((charge for charge in asked if not charge.admitted), None)
    return found if refused is None else Renewal(limit, limit.dollars, 1, refused, by_refusals=True)


def _left(till: Till, subject: Loop | Breaker) -> Counters:
    """The numbers that are stored, those that stay for ever, and what a lost connection leaves."""
    dollars = min(limit.dollars for limit in subject.facts.limits) * SMALL
    till.charge(somebody(), somebody("session"), dollars)
    known = _places(_numbers(till))
    charge = till.charge(somebody(), somebody("session"), dollars)
    lost = tuple(_lost(till, subject, dollars, charge))
    till.world.fault(None)
    till.world.pause(RECOVERY)
    before = _places(_numbers(till))  # what the lost connections have left is told apart
    till.charge(somebody(), somebody("session"), dollars)
    kept = _numbers(till)
    till.world.pause(DAY + 60)
    till.charge(somebody(), somebody("session"), dollars)
    kept += _numbers(till)
    immortal = dict.fromkeys(each.place for each in kept if not each.expires and each.place not in known | before)
    writes = next((request.where for request in reversed(charge.run.requests) if request.is_write and not request.to_model), "")
    return Counters(kept, tuple(immortal), lost, where=writes)


def _lost(till: Till, subject: Loop | Breaker, dollars: Decimal, well: Charge) -> Iterator[LostConnection]:
    """The connection breaks before each command in turn, and stays broken."""
    stores = stores_of(subject, well.run)
    others = {request.host for request in well.run.requests} - stores
    broken = next(fault for fault in FAULTS if fault.slug == "reset-before-answer")
    for place, request in enumerate(well.run.requests):
        if request.host not in stores or till.world.over:
            continue
        till.world.fault(None)
        till.world.pause(RECOVERY)
        before = _places(_numbers(till))
        till.world.fault(broken, spared=place, but=others)
        till.charge(somebody(), somebody("session"), dollars)
        left = tuple(each.place for each in _numbers(till) if not each.expires and each.place not in before)
        if left:
            yield LostConnection(named(request), named(well.run.requests[place - 1]) if place else "", left, request.where)


def _renewed(till: Till, subject: Loop | Breaker, limit: Limit) -> Renewal | None:
    """None where that takes too many charges."""
    part = limit.dollars * PART
    dollars = portion_of(subject, limit, part)
    times = math.ceil(part / dollars)
    if times * WINDOWS > MOST or limit.seconds is None:
        return None
    user = somebody()
    for window in range(WINDOWS):
        for _ in range(times):
            charge = till.charge(somebody() if limit.whose == "global" else user, somebody("session"), part / times)
            if not charge.admitted:
                return Renewal(limit, part, window, charge)
        till.world.pause(limit.seconds * STEP)
    return Renewal(limit, part, WINDOWS, None)


def _numbers(till: Till) -> tuple[Stored, ...]:
    """What may be money: no moments."""
    moment = till.world.began
    return tuple(
        each
        for each in till.world.stored()
        if each.is_number and all(abs(float(each.value) / scale - moment) > ABOUT_NOW for scale in (1, 1e3, 1e6))
    )


def _places(stored: tuple[Stored, ...]) -> frozenset[str]:
    return frozenset(each.place for each in stored)
