"""What a model does on its own, nobody has agreed to: a mail to the wrong customer, a refund, a deleted folder.

A model misreads, is talked into things by the text it reads, and tries again. Whatever writes, sends, charges or deletes needs a
human's word for exactly this call; without it the tool has to refuse, and to say that a confirmation is required. What counts is
observed, not declared: what the peers, the mail server, the database and this machine got to see.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    STORES,
    Check,
    Effect,
    Finding,
    GateWalk,
    Judgement,
    NormalCall,
    Severity,
    Tool,
    Trial,
    Unproven,
    call_of,
    effects_of,
    likely_slips,
    named_as_reads,
)

check = Check(
    id="AR401",
    title="The tool acts on the world without anybody's confirmation",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Let it refuse until a human has approved exactly this call. Make a key of all arguments:\n"
        "    call = json.dumps([tool_name, user, arguments], sort_keys=True)\n"
        "    key = hashlib.sha256(call.encode()).hexdigest()\n"
        "and before the first write, with an approval that is used up (and expires, `SET key 1 EX 900`):\n"
        '    if not redis.getdel(f"approved:{key}"):\n'
        '        return {"status": "error", "error_type": "permanent", "retry_safe": False,\n'
        '                "message": "CONFIRMATION_REQUIRED: ask the user to confirm this call."}\n'
        "`pytest-agentready scaffold gate --into src/shop/` copies such a gate into your code. Name the function that records the "
        "approval in the tool's mark: `agent_tool(..., confirm=approve)`. What only reads, or is book-keeping, is named there too: "
        '`reads=["POST https://api.example.com/search", "process:kubectl get"]`, '
        '`bookkeeping=["redis:cache:*"]`.'
    ),
    since="0.1",
)


@check
def judge(tool: Tool, normal_call: NormalCall, gate_walk: GateWalk) -> Iterator[Judgement]:
    acting = [trial for trial in gate_walk.unconfirmed if trial.effects]
    confirmed = [] if gate_walk.confirmed is None else [gate_walk.confirmed.run]
    runs = (*normal_call.runs, *(trial.run for trial in gate_walk.unconfirmed), *confirmed)
    slips = likely_slips(tool.facts, [effect for run in runs for effect in effects_of(run)])
    if acting and gate_walk.broken and all(effect.kind in STORES for trial in acting for effect in trial.effects):
        yield Unproven(gate_walk.broken)  # they may be the gate's own
    elif acting:
        yield _finding(tool, acting, slips)
    elif gate_walk.gap or normal_call.blind:
        yield Unproven(gate_walk.gap or normal_call.obstacle)
    elif gate_walk.unconfirmed and not gate_walk.refuses and not gate_walk.acts and normal_call.missing:
        yield Unproven(normal_call.missing)
    elif slips:
        yield Unproven("; ".join(slips))


def _finding(tool: Tool, acting: list[Trial], slips: list[str]) -> Finding:
    first = acting[0]
    deeds = list(dict.fromkeys(trial.deeds for trial in acting))
    refused = [effect for trial in acting for effect in trial.effects if effect.refused]
    held = " (the world held it back)" if refused else ""
    held += "".join(f". {told}" for told in dict.fromkeys(_for_real(effect) for trial in acting for effect in trial.effects if effect.real))
    others = f"; with other arguments: {'; '.join(deeds[1:])}" if len(deeds) > 1 else ""
    slip = "".join(f". {each}" for each in slips)
    if not slip and (readings := named_as_reads(acting)):
        slip = f". If that only reads, say so in the mark: reads={readings}"
    return Finding(
        f"{call_of(tool.name, first.run.arguments)} did this at once, and nobody was asked: {first.deeds}{held}{others}{slip}",
        where=first.effects[0].where or tool.source,
        evidence={effect.story: effect.where for trial in acting for effect in trial.effects},
    )


def _for_real(effect: Effect) -> str:
    if effect.kind == "process":
        return f"{effect.target} is started for real, in each run: agentready_allow_processes names it"
    return f"{effect.target} is written for real, in each run: it was open before the test began"


MAIL = {"POST https://api.mail.example/send": {"id": "m-1"}}
APPROVED: set[str] = set()


def approve(to: str, subject: str, body: str) -> None:
    APPROVED.add(_key(to=to, subject=subject, body=body))


def _key(**arguments: str) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()


@check.passes(args={"to": "ada@example.com", "subject": "Hi", "body": "See you."}, backend=MAIL, confirm=approve)
def with_a_gate(to: str, subject: str, body: str) -> dict[str, object]:
    import requests

    key = _key(to=to, subject=subject, body=body)  # the SHA-256 of all arguments as JSON, as for the approval
    try:
        APPROVED.remove(key)  # in one step: of two calls, one finds it
    except KeyError:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the mail to {to} with the subject {subject!r}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    sent = requests.post("https://api.mail.example/send", json={"to": to, "subject": subject, "body": body}, timeout=5)
    return {"status": "success", "data": sent.json()}


@check.fails(args={"to": "ada@example.com", "subject": "Hi", "body": "See you."}, backend=MAIL)
def with_nobody_asked(to: str, subject: str, body: str) -> dict[str, object]:
    import requests

    sent = requests.post("https://api.mail.example/send", json={"to": to, "subject": subject, "body": body}, timeout=5)
    return {"status": "success", "data": sent.json()}
