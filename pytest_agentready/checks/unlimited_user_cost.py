"""A user spends more in a day than the limit allows, session after session; or one user's limit stops another one.

A limit for each session stops no user who opens the next one. And a limit that is kept in one place for all of them lets the first who
reaches it lock everybody else out.

One user is charged in session after session, on one day, until that is refused. Then another user has to be admitted.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import AnySubject, Check, Finding, Judgement, Severity, Spending, unlimited

check = Check(
    id="AR602",
    title="A user spends more than the limit, or is stopped by another one's",
    severity=Severity.HIGH,
    profile="checklist",
    about=("loop", "breaker"),
    fix="Count what each user spends under a key of the user and the day, such as `user:ada:2026-11-28`, and check it before each call.",
    since="0.1",
)


@check
def judge(subject: AnySubject, spending: Spending) -> Iterable[Judgement]:
    yield from unlimited(subject.source, spending, "user", "one user, in session after session,")
    for series in spending.series:
        if series.limit.whose == "user" and not series.is_too_early:
            for charge in series.beside:
                if not charge.admitted:
                    spent = f"after one user had spent ${series.spent:.2f} of ${series.limit.dollars:.2f}"
                    yield Finding(f"another user is refused {spent}: the limit is everybody's", where=charge.where or subject.source)


@check.passes(limits={"user_daily": 5.00})
def by_user_and_day(user_id: str, cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: B006
    import datetime

    key = f"{user_id}:{datetime.datetime.now(datetime.timezone.utc).date()}"
    if spent.get(key, 0) + cost_usd > 5:
        return False
    spent[key] = spent.get(key, 0) + cost_usd
    return True


@check.fails(limits={"user_daily": 5.00})
def by_day_alone(user_id: str, cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: ARG001, B006
    import datetime

    key = str(datetime.datetime.now(datetime.timezone.utc).date())
    if spent.get(key, 0) + cost_usd > 5:
        return False
    spent[key] = spent.get(key, 0) + cost_usd
    return True
