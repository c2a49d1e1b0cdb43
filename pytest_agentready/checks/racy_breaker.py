"""Two sessions at the same time are both admitted, where there is money for one.

A breaker that reads what was spent, compares, and adds to it afterwards has a gap in the middle, and whoever comes in between reads the
old sum. In a test on one machine that hardly ever happens; with a store across the network and fifty requests a second it happens all
day, and most of all in the incident that the limit is for. So it does with a loop that checks, calls the model for some seconds, and
records the cost only then: everybody who asks meanwhile is admitted.

Money is spent until there is enough for one charge and not for two. Then there are two: each request of the first one (a command of
Redis, a statement, the call of the model) is held back in turn, and the second one runs whole meanwhile. There is no chance in it: the
same schedules are tried each time. A breaker that reserves before the call, in one step (a Lua script, WATCH and MULTI, or an INCRBY
that is taken back; BEGIN IMMEDIATE, or one UPDATE that compares), refuses one of the two in all of them.

A lock in memory makes the second one wait, and it is of one process only. So it is tried once more as if that came from another worker,
which has locks and connections of its own: what keeps the two apart then is in the store.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import (
    AnySubject,
    Check,
    Finding,
    Judgement,
    NotApplicable,
    RacedCharges,
    RacedLimit,
    Schedule,
    Severity,
    Spending,
    Unproven,
)

check = Check(
    id="AR604",
    title="Two charges at the same time pass the limit",
    severity=Severity.HIGH,
    profile="checklist",
    about=("loop", "breaker"),
    fix="Check and add in one step that the store carries out whole: a Lua script, an INCRBY that is taken back where the sum is too "
    "high; in SQL one `UPDATE ... WHERE spent + :cost <= :limit`, or `BEGIN IMMEDIATE` before the SELECT. Reserve before the call of the "
    "model, and settle after it. `pytest-agentready scaffold breaker --into src/shop/` copies such a breaker into your code.",
    since="0.1",
)
OF_ITS_KIND = {"session": "AR601", "user": "AR602", "global": "AR603"}
IN_MEMORY = "it counts in the memory of its own process, and asks nobody in between: another process, or a restart, begins from nothing"


@check
def judge(subject: AnySubject, spending: Spending, raced_charges: RacedCharges) -> Iterable[Judgement]:
    if raced_charges.gap:
        yield Unproven(raced_charges.gap)
        return
    for series in spending.series:
        if not series.is_kept:
            see = OF_ITS_KIND[series.limit.whose]
            yield NotApplicable(f"{series.limit.name} is not seen to be kept by one after the other: see {see}")
    for raced in raced_charges.limits:
        yield from _word(subject, raced)


def _word(subject: AnySubject, raced: RacedLimit) -> Iterable[Judgement]:
    ended = next(
        (charge.run.ending for schedule in raced.schedules for charge in (schedule.first, schedule.second) if charge.run.ending), None
    )
    if raced.lost is not None:
        yield _finding(subject, raced, raced.lost, "two charges at the same time")
    elif raced.lost_apart is not None:
        yield _finding(subject, raced, raced.lost_apart, _apart(raced))
    elif raced.gap:
        yield Unproven(raced.gap)
    elif ended is not None:
        yield Unproven(f"two charges at the same time do not end: {ended.story}")
    elif not raced.schedules or (raced.belongs_to_a_thread and not raced.is_shared):
        yield NotApplicable(IN_MEMORY)
    elif raced.shares_connection:
        yield Unproven("both charges share one connection, and take turns for it: let the client have more of them")
    elif (raced.waits_in_process or raced.belongs_to_a_thread) and raced.is_shared and raced.shows_nothing_apart:
        yield Unproven("the second of two charges waits for the first one in memory; what a second process would be let do is not seen")


def _apart(raced: RacedLimit) -> str:
    if raced.belongs_to_a_thread:
        return "its connection belongs to one thread of one process, and two charges in two processes"
    return "it holds in one process only, where the second of two charges waits in memory for the first one: in two processes they"


def _finding(subject: AnySubject, raced: RacedLimit, lost: Schedule, who: str) -> Finding:
    spent = f"${lost.first.spent:.4g} and ${lost.second.spent:.4g}"
    return Finding(
        f"{who} are both admitted, {spent}, with ${raced.left:.4g} of {raced.limit.name} left: the second one came {lost.between}",
        where=lost.where or subject.source,
        evidence={"limit": raced.limit.name, "left_usd": str(raced.left), "between": [lost.after, lost.held]},
    )


@check.passes(limits={"session": 0.50})
def added_first_and_taken_back(session_id: str, cost_usd: float) -> bool:
    import redis

    store = redis.Redis(host="redis.internal")
    key, micros = f"cost:session:{session_id}", round(cost_usd * 1_000_000)
    with store.pipeline() as pipe:
        pipe.incrby(key, micros)
        pipe.expire(key, 86_400)
        spent = pipe.execute()[0]
    if spent > 500_000:
        store.decrby(key, micros)
        return False
    return True


@check.fails(limits={"session": 0.50})
def read_compared_and_added(session_id: str, cost_usd: float) -> bool:
    import redis

    store = redis.Redis(host="redis.internal")
    key = f"cost:session:{session_id}"
    if float(store.get(key) or 0) + cost_usd > 0.50:
        return False
    store.incrbyfloat(key, cost_usd)
    store.expire(key, 86_400)
    return True
