"""One "yes" is meant for one action, and for now; an approval that stays is a standing order that nobody gave.

A model that repeats a call, because the answer was lost or because it was told to, sends the second mail by the approval of the first.
So do two calls at the same time, as an executor makes them, where the approval is looked for in one step and taken away in another.
One that is never used lies there for weeks, until some other conversation leads to the same call.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import Check, Finding, GateWalk, Judgement, RacedApproval, Severity, Tool, Unproven

check = Check(
    id="AR405",
    title="One approval serves twice, or for ever",
    severity=Severity.MEDIUM,
    profile="standard",
    fix=(
        "Take the approval away in the same step that looks for it (`redis.getdel(key)`, `DELETE ... RETURNING`, `set.remove`), and let it "
        "expire after some minutes (`SET key 1 EX 900`, or a time stamp that is looked at)."
    ),
    since="0.1",
)


@check
def judge(tool: Tool, gate_walk: GateWalk, raced_approval: RacedApproval) -> Iterator[Judgement]:
    walk = gate_walk
    if why := walk.not_opened:
        yield why
        return
    assert walk.confirmed is not None
    assert walk.again is not None
    assert walk.later is not None
    if walk.again.effects:
        yield Finding(
            f"the same call, made twice after one approval, acts twice: {walk.again.deeds} once more",
            where=walk.again.effects[0].where or tool.source,
            evidence={"second call": walk.again.deeds},
        )
    elif (twice := raced_approval.deeds_of_two(walk.confirmed)) is not None:
        yield Finding(
            f"two calls at the same time, after one approval, both go through: {twice.deeds}. Both looked for it before one took it away",
            where=twice.effects[0].where or tool.source,
            evidence={"both calls": twice.deeds},
        )
    elif raced_approval.gap:
        yield Unproven(raced_approval.gap)
    if walk.later.effects:
        yield Finding(
            f"an approval that was given a day ago, and not used, still opens the gate: {walk.later.deeds}",
            where=walk.later.effects[0].where or tool.source,
            evidence={"a day later": walk.later.deeds},
        )


PAYMENT = {"POST https://api.bank.example/payments": {"id": "p-1"}}
STORE = "redis://approvals.internal"


def approve(account: str, cents: int) -> None:
    import redis

    store = redis.Redis.from_url(STORE, socket_timeout=2)
    store.set(f"approved:{account}:{cents}", 1, ex=900)


@check.passes(args={"account": "NO93", "cents": 1500}, backend=PAYMENT, confirm=approve)
def with_an_approval_that_is_taken_away(account: str, cents: int) -> dict[str, object]:
    import redis
    import requests

    if not redis.Redis.from_url(STORE, socket_timeout=2).getdel(f"approved:{account}:{cents}"):
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the payment of {cents} cents to {account}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    paid = requests.post("https://api.bank.example/payments", json={"account": account, "cents": cents}, timeout=5)
    return {"status": "success", "data": paid.json()}


@check.fails(args={"account": "NO93", "cents": 1500}, backend=PAYMENT, confirm=approve)
def with_an_approval_that_stays(account: str, cents: int) -> dict[str, object]:
    import redis
    import requests

    if not redis.Redis.from_url(STORE, socket_timeout=2).get(f"approved:{account}:{cents}"):
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the payment of {cents} cents to {account}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    paid = requests.post("https://api.bank.example/payments", json={"account": account, "cents": cents}, timeout=5)
    return {"status": "success", "data": paid.json()}
