"""Counters of money stay in the store for ever, or a window is made longer by each charge.

A key for each session, user or day that never expires fills the store until it evicts keys of its own choice, or takes no more: and then
the breaker fails. It is enough that the connection is lost between the command that counts and the one that sets the time to live.
A time to live that each charge sets anew has no window at all: who spends a little every day adds it all up, and is locked out for good.

What stands in the Redis after charges is looked at; the connection is lost before each command of a charge in turn; and a third of a
limit is spent in one window after the other, which has to go on for ever. Who has used it up, and asks again before its window has
passed, has to be free at the end of that window like everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import (
    CLOCK,
    AnySubject,
    Check,
    Counters,
    Finding,
    Judgement,
    NotApplicable,
    Renewal,
    Severity,
    Unproven,
    listed,
)

check = Check(
    id="AR605",
    title="A counter of money never expires",
    severity=Severity.MEDIUM,
    profile="standard",
    about=("loop", "breaker"),
    fix="Count and set the time to live in one step, a Lua script or MULTI, under a key that has the date of its window in it.",
    since="0.1",
)
SHOWN = 3


@check
def judge(subject: AnySubject, counters: Counters) -> Iterable[Judgement]:
    where = counters.where or subject.source
    if counters.gap:
        yield Unproven(counters.gap)
        return
    if counters.own_clocks:
        yield Unproven(CLOCK.format(listed(counters.own_clocks)))
    if not counters.kept and not counters.renewals:
        yield NotApplicable("it keeps no numbers in a Redis, and no limit has a window that it keeps to")
    if counters.immortal:
        some = listed(counters.immortal[:SHOWN])
        yield Finding(
            f"each charge of somebody new leaves keys that never expire: {some}", where=where, evidence={"keys": list(counters.immortal)}
        )
    elif counters.lost:
        lost = counters.lost[0]
        moment = f"between {lost.after} and {lost.before}" if lost.after else f"before {lost.before}"
        yield Finding(
            f"where the connection is lost {moment}, {listed(lost.left[:SHOWN])} never expires",
            where=lost.where or where,
            evidence={"keys": list(lost.left), "before": lost.before},
        )
    for renewal in counters.renewals:
        if renewal.refused is not None:
            evidence = {"limit": renewal.limit.name, "windows": renewal.windows}
            yield Finding(_story(renewal), where=renewal.refused.where or where, evidence=evidence)


def _story(renewal: Renewal) -> str:
    limit = renewal.limit
    if renewal.by_refusals:
        return (
            f"each charge that is refused makes the window longer: who goes on asking when {limit.name} is used up is locked out for good, "
            "and who keeps silent is free again when it has passed"
        )
    return (
        f"each charge makes the window longer: who spends ${renewal.part:.2f} of ${limit.dollars:.2f} ({limit.name}) in each one "
        f"is refused in window {renewal.windows + 1}"
    )


@check.passes(limits={"session": 0.50})
def counted_and_dated_in_one_step(session_id: str, cost_usd: float) -> bool:
    import redis

    store = redis.Redis(host="redis.internal")
    with store.pipeline() as pipe:
        pipe.incrby(f"cost:session:{session_id}", round(cost_usd * 1_000_000))
        pipe.expire(f"cost:session:{session_id}", 86_400)
        return bool(pipe.execute()[0] <= 500_000)


@check.fails(limits={"session": 0.50})
def never_expires(session_id: str, cost_usd: float) -> bool:
    import redis

    store = redis.Redis(host="redis.internal")
    return bool(store.incrby(f"cost:session:{session_id}", round(cost_usd * 1_000_000)) <= 500_000)
