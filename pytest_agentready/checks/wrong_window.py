"""The hour or the day of a limit is not what it should be: it goes by local time, begins too soon, or never anew.

A window in local time is another one on each machine: workers in two zones have two limits. And when summer time ends, the hour from one
to two comes twice: what was spent in the first one counts in the second, and everybody is refused for an hour. In spring an hour is
missing, and days have 23 hours or 25.

A limit is used up at 01:30 in New York, in the night in which summer time ends. At the same moment on a machine in Honolulu, and (of a
day) an hour later, it still has to be used up; when the window has passed, it has to be free again. A counter that lives in memory belongs
to one machine: it is not asked in Honolulu, but it has to get through that night, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import (
    CLOCK,
    AnySubject,
    ChargeSeries,
    Check,
    Finding,
    Judgement,
    NotApplicable,
    Severity,
    Spending,
    Unproven,
    listed,
)

check = Check(
    id="AR606",
    title="The window of a limit is not the hour, or the day, that it should be",
    severity=Severity.MEDIUM,
    profile="standard",
    about=("loop", "breaker"),
    fix="Name the window by UTC: `datetime.now(timezone.utc).strftime('%Y-%m-%dT%H')` for an hour, `%Y-%m-%d` for a day.",
    since="0.1",
)
OF_ITS_KIND = {"user": "AR602", "global": "AR603"}
UNIT = {"hourly": "hour", "daily": "day"}


@check
def judge(subject: AnySubject, spending: Spending) -> Iterable[Judgement]:
    if spending.gap:
        yield Unproven(spending.gap)
        return
    windows = [series for series in spending.series if series.limit.seconds is not None]
    if not windows:
        yield NotApplicable("no limit by the hour or by the day is declared")
    for series in windows:
        if not series.later or series.is_too_early:
            yield NotApplicable(f"{series.limit.name} is not seen to be kept: see {OF_ITS_KIND[series.limit.whose]}")
        else:
            yield from _word(subject, series)


def _word(subject: AnySubject, series: ChargeSeries) -> Iterable[Judgement]:
    limit, unit = series.limit, UNIT[series.limit.window]
    evidence = {"limit": limit.name}
    used_up = f"{limit.name} is used up, ${series.spent:.2f} of ${limit.dollars:.2f}, and"
    where = series.charges[0].where or subject.source
    if series.is_shared and any(charge.admitted for charge in series.elsewhere):
        yield Finding(
            f"{used_up} at the same moment a machine in another time zone admits more: its {unit} goes by local time", where, evidence
        )
    if series.own_clocks:
        yield Unproven(CLOCK.format(listed(series.own_clocks)))
        return
    if any(charge.admitted for charge in series.soon):
        yield Finding(f"{used_up} 70 minutes later, on the same day, more is admitted: its window is shorter than a day", where, evidence)
    if any(charge.admitted for charge in series.later):
        return
    if series.is_renewed_by_refusals:
        yield NotApplicable(f"{limit.name} is free again when its {unit} has passed in silence, but a refused charge renews it: see AR605")
        return
    refused = series.later[0].where or where
    if any(charge.admitted for charge in series.much_later) and limit.window == "hourly":
        message = "an hour later everybody is refused still: when summer time ends, the hour from one to two comes twice by local time"
        yield Finding(f"{used_up} {message}", refused, evidence)
    else:
        yield Finding(f"{used_up} is not free again when the {unit} has passed", refused, evidence)


@check.passes(limits={"global_hourly": 2.00})
def by_the_hour_in_utc(cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: B006
    import datetime

    hour = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H")
    if spent.get(hour, 0) + cost_usd > 2:
        return False
    spent[hour] = spent.get(hour, 0) + cost_usd
    return True


@check.fails(limits={"global_hourly": 2.00})
def by_the_hour_of_the_machine(cost_usd: float, spent: dict[str, float] = {}) -> bool:  # noqa: B006
    import datetime

    hour = datetime.datetime.now().strftime("%Y-%m-%dT%H")
    if spent.get(hour, 0) + cost_usd > 2:
        return False
    spent[hour] = spent.get(hour, 0) + cost_usd
    return True
