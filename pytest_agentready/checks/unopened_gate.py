"""A gate that stays shut, or that nobody is told of, is worked around: people take it out, and models try again and again.

The user has confirmed, and the action does not happen, for the key of the approval is not the one that is looked up; or it happens
twice. Or the refusal does not say that a confirmation is needed, so that the model calls it a failure and nobody is ever asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_agentready.domain import (
    STORES,
    Check,
    Finding,
    GateWalk,
    Judgement,
    Severity,
    Tool,
    Trial,
    Unjudgeable,
    Unproven,
    call_of,
    effects_of,
    listed,
    shortened,
)

check = Check(
    id="AR402",
    title="A confirmed action does not happen exactly once",
    severity=Severity.MEDIUM,
    profile="checklist",
    fix=(
        "Make the key of the approval in one function that both sides use, of the same arguments in the same order, with the defaults "
        "filled in; carry the action out once for each approval."
    ),
    since="0.1",
)

RELAYED = (
    "Refuse with a permanent error whose message says that a confirmation is required, and of what: the model passes it on to the user, "
    "and does not try again by itself."
)
NOTHING = (
    "{confirm} approves nothing: it gives nothing back, nothing can be seen that it leaves behind (in a module's memory, in a store, at a "
    "peer), and the tool refuses as before. Let it record the approval where {tool} looks it up"
)
HELD_BACK = (
    "{confirm} wants {what}, which the world does not let out, and the tool refuses as before: give one that records the approval as your "
    "user interface would after the user has agreed"
)
SHOWN = 120  # characters of what a tool says


@check
def judge(tool: Tool, gate_walk: GateWalk) -> Iterator[Judgement]:
    walk = gate_walk
    if walk.broken and walk.confirming is not None and walk.confirming.refused:
        yield Unproven(walk.broken)
        return
    if walk.broken:
        raise Unjudgeable(walk.broken)
    if why := walk.nothing_to_confirm:
        yield why
        return
    if walk.stays_shut and walk.traceless:
        raise Unjudgeable(NOTHING.format(confirm=walk.confirm_name, tool=tool.name.rpartition(".")[2]))
    yield from _refusal(tool, walk.unconfirmed[0])
    confirmed = walk.confirmed
    assert confirmed is not None
    if not confirmed.effects:
        yield _unopened(tool, confirmed, walk)
        return
    twice = [effect for effect, count in Counter(effect.identity for effect in confirmed.effects).items() if count > 1]
    if twice:
        yield Finding(
            f"one confirmed call of {call_of(tool.name, confirmed.run.arguments)} acts more than once: {confirmed.deeds}",
            where=confirmed.effects[-1].where or tool.source,
            evidence={"effects": [effect.story for effect in confirmed.effects]},
        )


def _unopened(tool: Tool, confirmed: Trial, walk: GateWalk) -> Judgement:
    said = shortened(confirmed.told, SHOWN)
    if walk.stays_shut and walk.confirming is not None and walk.confirming.refused:
        return Unproven(HELD_BACK.format(confirm=walk.confirm_name, what=walk.confirming.refused[0]))
    if walk.stays_shut:
        done = [effect.story for effect in effects_of(walk.confirming) if effect.kind not in STORES] if walk.confirming else []
        hint = f". {walk.confirm_name} itself did {listed(done)}: if that is the action, let it record the approval alone" if done else ""
        return Finding(
            f"{call_of(tool.name, confirmed.run.arguments)} is confirmed, and refuses all the same: {said}{hint}",
            where=confirmed.run.raised.where if confirmed.run.raised and confirmed.run.raised.where else tool.source,
            evidence={"answer": said},
        )
    return Unproven(f"the confirmed call does nothing ({said}): give it arguments and a backend with which it acts")


def _refusal(tool: Tool, refusal: Trial) -> Iterator[Finding]:
    """Can a model make anything of it?"""
    answer, said = refusal.run.answer, shortened(refusal.told, SHOWN)
    if not refusal.asks:
        claim = "as a success" if answer is not None and answer.status == "success" else "without saying that a confirmation is required"
        yield Finding(
            f"without a confirmation it comes back {claim}: {said}",
            where=refusal.run.raised.where if refusal.run.raised and refusal.run.raised.where else tool.source,
            evidence={"answer": said},
            fix=RELAYED,
        )
    elif answer is not None and answer.is_error and (answer.retry_safe or answer.error_type in ("transient", "rate_limit")):
        kind = f"error_type {answer.error_type!r}, retry_safe {answer.retry_safe}"
        yield Finding(
            f"without a confirmation it invites the model to try again by itself ({kind}): {said}",
            where=tool.source,
            evidence={"answer": said},
            fix=RELAYED,
        )


PAYMENT = {"POST https://api.bank.example/payments": {"id": "p-1"}}
APPROVED: set[str] = set()


def approve(account: str, cents: int) -> None:
    APPROVED.add(f"{account}:{cents}")


@check.passes(args={"account": "NO93", "cents": 1500}, backend=PAYMENT, confirm=approve)
def with_one_key(account: str, cents: int) -> dict[str, object]:
    import requests

    try:
        APPROVED.remove(f"{account}:{cents}")  # in one step: of two calls, one finds it
    except KeyError:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the payment of {cents} cents to {account}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    paid = requests.post("https://api.bank.example/payments", json={"account": account, "cents": cents}, timeout=5)
    return {"status": "success", "data": paid.json()}


@check.fails(args={"account": "NO93", "cents": 1500}, backend=PAYMENT, confirm=approve)
def with_a_key_of_its_own(account: str, cents: int) -> dict[str, object]:
    import requests

    if f"{account}:{cents / 100:.2f}" not in APPROVED:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the payment of {cents} cents to {account}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    paid = requests.post("https://api.bank.example/payments", json={"account": account, "cents": cents}, timeout=5)
    return {"status": "success", "data": paid.json()}
