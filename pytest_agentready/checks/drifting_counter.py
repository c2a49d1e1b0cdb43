"""Money is added up in binary fractions, and the sum drifts.

0.1 + 0.1 + 0.1 is 0.30000000000000004: a limit of 0.30 refuses the third charge, or admits a fourth, and which of them happens depends
on the store: Redis computes INCRBYFLOAT in another precision than Python does. Over thousands of charges the error grows, and the sum
agrees with no invoice.

The limit is used up to the last cent, in parts for which binary fractions are known to give more; and the store is seen to be asked
for INCRBYFLOAT.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_agentready.domain import (
    AnySubject,
    Check,
    ExactCharges,
    Finding,
    Judgement,
    NotApplicable,
    Request,
    Severity,
    Spending,
    Unproven,
)

check = Check(
    id="AR608",
    title="Money is added up in binary fractions",
    severity=Severity.LOW,
    profile="strict",
    about=("loop", "breaker"),
    fix="Count whole millionths of a dollar, `round(cost * 1_000_000)`, with INCRBY; or Decimal.",
    since="0.1",
)
FRACTIONS = re.compile(rb"\bH?INCRBYFLOAT\b", re.IGNORECASE)


@check
def judge(subject: AnySubject, spending: Spending, exact_charges: ExactCharges) -> Iterable[Judgement]:
    if spending.gap:
        yield Unproven(spending.gap)
        return
    requests = [request for series in spending.series for charge in series.charges for request in charge.run.requests]
    if (found := next((request for request in requests if _adds_fractions(request)), None)) is not None:
        command = FRACTIONS.search(found.body)
        assert command is not None
        yield Finding(f"money is added up by {command[0].decode().upper()}, in binary fractions", found.where or subject.source)
        return
    limit, parts = exact_charges.limit, exact_charges.parts
    exactly = all(charge.admitted for charge in exact_charges.halves)  # else it refuses to reach the limit, however that is counted
    if limit is not None and exactly and not parts[-1].admitted and all(charge.admitted for charge in parts[:-1]):
        yield Finding(
            f"{len(parts)} charges of ${exact_charges.part} are ${limit.dollars} ({limit.name}) to the cent, and the last one is refused: "
            "binary fractions add up to more",
            parts[-1].where or subject.source,
            evidence={"limit": limit.name, "part_usd": str(exact_charges.part)},
        )
    elif limit is None and not any(request.is_write and not request.is_http for request in requests):
        yield NotApplicable("nothing is seen of how it adds up: mark its breaker by itself, with `agent_breaker`")


def _adds_fractions(request: Request) -> bool:
    return not request.is_http and FRACTIONS.search(request.body) is not None


@check.passes(limits={"session": 0.30})
def in_millionths(session_id: str, cost_usd: float, spent: dict[str, int] = {}) -> bool:  # noqa: B006
    micros = spent.get(session_id, 0) + round(cost_usd * 1_000_000)
    if micros > 300_000:
        return False
    spent[session_id] = micros
    return True


@check.fails(limits={"session": 0.30})
def in_floats(session_id: str, cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: B006
    if spent.get(session_id, 0) + cost_usd > 0.30:
        return False
    spent[session_id] = spent.get(session_id, 0) + cost_usd
    return True
