"""Everybody together spends more in an hour than the limit allows.

Limits for sessions and users stop no crowd: a launch, a bot that registers users, or a fault that hits every session spends all of them
at the same time. A team spent $11,000 in 48 hours that way.

New users in new sessions are charged until that is refused, all within a few minutes.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import AnySubject, Check, Judgement, Severity, Spending, unlimited

check = Check(
    id="AR603",
    title="Everybody together spends more than the limit",
    severity=Severity.HIGH,
    profile="checklist",
    about=("loop", "breaker"),
    fix="Count what is spent in all under a key of the hour in UTC, such as `cost:global:2026-11-28T02`, and check it before each call.",
    since="0.1",
)


@check
def judge(subject: AnySubject, spending: Spending) -> Iterable[Judgement]:
    yield from unlimited(subject.source, spending, "global", "all users together")


@check.passes(limits={"global_hourly": 100.00})
def by_the_hour(cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: B006
    import datetime

    key = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H")
    if spent.get(key, 0) + cost_usd > 100:
        return False
    spent[key] = spent.get(key, 0) + cost_usd
    return True


@check.fails(limits={"global_hourly": 100.00})
def by_nobody(cost_usd: float) -> bool:
    return cost_usd < 100
