"""A session goes on spending past the limit that is declared for it.

A limit that nobody enforces is a number in a file. A session that has gone wrong, by a loop, a huge document or an attacker, spends
until somebody looks at the bill; the article's team had three incidents of more than $500 each before it had a breaker.

One session is charged a quarter of its limit again and again. A loop that only knows afterwards what a call has cost may pass the
limit by that one call; one that begins another when the limit is spent has no limit. A breaker is told what is to be spent, and
refuses what would pass it.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import AnySubject, Check, Judgement, Severity, Spending, unlimited

check = Check(
    id="AR601",
    title="A session spends more than its limit",
    severity=Severity.HIGH,
    profile="checklist",
    about=("loop", "breaker"),
    fix="Before each call of the model reserve what it may cost from what the session has left, and stop with a reason where that is less; "
    "after it settle with the usage that the answer reports.",
    since="0.1",
)


@check
def judge(subject: AnySubject, spending: Spending) -> Iterable[Judgement]:
    yield from unlimited(subject.source, spending, "session", "one session")


@check.passes(limits={"session": 0.50})
def counted(session_id: str, cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: B006
    if spent.get(session_id, 0) + cost_usd > 0.50:
        return False
    spent[session_id] = spent.get(session_id, 0) + cost_usd
    return True


@check.fails(limits={"session": 0.50})
def never_added_up(session_id: str, cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: B006
    if spent.get(session_id, 0) > 0.50:
        return False
    spent[session_id] = cost_usd
    return True
