"""The store of the counters is down, or silent, and money is spent all the same.

A breaker that lets everything through when it cannot count has no limit in exactly the hour in which things go wrong: an overloaded
Redis and a run-away agent come together. Nobody sees what is spent then, for it is counted nowhere.

The store refuses connections, and in another run takes the commands and answers none; a database of SQLite is locked by somebody who does
not come to an end. One session is charged again and again meanwhile. Refusing
is right, and so is counting in memory meanwhile: what passes the limit unseen is not. Whether the user is told why is a matter of other
checks.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import AnySubject, Check, Finding, Judgement, NotApplicable, Severity, StoreOutage, Unproven

check = Check(
    id="AR607",
    title="Money is spent unseen while the store of the counters is down",
    severity=Severity.HIGH,
    profile="standard",
    about=("loop", "breaker"),
    fix="Refuse where the store does not answer within a short timeout, and say that the limit cannot be checked; "
    "or count in memory until it does.",
    since="0.1",
)
IN_MEMORY = "it asks no store about money: what it counts in cannot be down"


@check
def judge(subject: AnySubject, store_outage: StoreOutage) -> Iterable[Judgement]:
    if store_outage.gap:
        yield Unproven(store_outage.gap)
    elif not store_outage.outages:
        yield NotApplicable(IN_MEMORY)
    for outage in store_outage.outages:
        if outage.spent > outage.limit.dollars:
            yield Finding(
                f"its store is not there ({outage.mishap}), and one session spends ${outage.spent:.2f} of a limit of "
                f"${outage.limit.dollars:.2f} ({outage.limit.name})",
                where=outage.charges[-1].where or subject.source,
                evidence={"limit": outage.limit.name, "spent_usd": str(outage.spent), "mishap": outage.mishap},
            )


@check.passes(limits={"session": 0.50})
def refuses_without_its_store(session_id: str, cost_usd: float) -> bool:
    import redis

    try:
        store = redis.Redis(host="redis.internal", socket_timeout=1)
        with store.pipeline() as pipe:
            pipe.incrby(f"cost:session:{session_id}", round(cost_usd * 1_000_000))
            pipe.expire(f"cost:session:{session_id}", 86_400)
            return bool(pipe.execute()[0] <= 500_000)
    except redis.RedisError:
        return False


@check.fails(limits={"session": 0.50})
def lets_all_through_without_its_store(session_id: str, cost_usd: float) -> bool:
    import redis

    try:
        store = redis.Redis(host="redis.internal", socket_timeout=1)
        with store.pipeline() as pipe:
            pipe.incrby(f"cost:session:{session_id}", round(cost_usd * 1_000_000))
            pipe.expire(f"cost:session:{session_id}", 86_400)
            return bool(pipe.execute()[0] <= 500_000)
    except redis.RedisError:
        return True
