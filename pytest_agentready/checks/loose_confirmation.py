"""The user agrees to one thing, and another is done in their name.

An approval whose key leaves an argument out lets the model change it afterwards: the same recipient and subject, another text; the same
order, another amount. Whoever writes the text that the model reads can then have anything done by one harmless "yes". An approval
belongs to exactly one call, with all its arguments, and to the user who gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_agentready.domain import (
    Change,
    Check,
    Finding,
    GateWalk,
    Judgement,
    Severity,
    Tool,
    Unproven,
    does_another_thing,
    listed,
)

check = Check(
    id="AR403",
    title="A confirmation of one action lets another one through",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Make the key of all arguments, and of the user: "
        "`hashlib.sha256(json.dumps([tool_name, user, arguments], sort_keys=True).encode()).hexdigest()`."
    ),
    since="0.1",
)


@check
def judge(tool: Tool, gate_walk: GateWalk) -> Iterator[Judgement]:
    walk = gate_walk
    if why := walk.not_opened:
        yield why
        return
    assert walk.confirmed is not None
    usual = (walk.confirmed.effects, walk.sample.effects if walk.sample is not None else ())
    users = tool.facts.user if isinstance(tool.facts.user, str) else getattr(tool.facts.user, "name", "")

    def passes(change: Change) -> bool:
        if not change.trial.effects:
            return False
        approved, sample = change.reference or usual
        of_the_user = users != "" and not change.how and change.argument.partition(".")[0].partition("[")[0] == users
        return of_the_user or does_another_thing(change.trial.effects, approved, sample)

    loose = list(_first_of_each(change for change in walk.changes if passes(change)))
    if loose:
        names = listed(change.name for change in loose)
        first = loose[0]
        yield Finding(
            f"the approval does not cover {names}: after it was given, the call with {first.story} went through: {first.trial.deeds}",
            where=first.trial.effects[0].where or tool.source,
            evidence={change.argument: f"{change.story}: {change.trial.deeds}" for change in loose},
        )
    if walk.untried:
        yield Unproven(walk.untried)
    moot = [change for change in walk.changes if change.moot]
    if moot:
        said = moot[0].trial.told
        yield Unproven(
            f"no other value of {listed(dict.fromkeys(change.argument for change in moot))} came as far as the gate ({said[:100]}): "
            "let the backend answer for other values, too"
        )


def _first_of_each(changes: Iterable[Change]) -> Iterator[Change]:
    """One for each argument, or part of one: that another value comes through says more than that one in capitals does."""
    known: set[str] = set()
    for change in sorted(changes, key=lambda change: change.how != ""):
        root = re.split(r"[.\[]", change.argument)[0]
        if change.argument not in known and not (change.how and known & {root, *change.argument.split(" and ")}):
            known |= {change.argument, root} if change.how == "" else {change.argument}
            yield change


MAIL = {"POST https://api.mail.example/send": {"id": "m-1"}}
APPROVED: set[str] = set()


def approve(to: str, subject: str, body: str) -> None:
    APPROVED.update((f"{to}:{subject}", _key(to=to, subject=subject, body=body)))


def _key(**arguments: str) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()


@check.passes(args={"to": "ada@example.com", "subject": "Hi", "body": "See you."}, backend=MAIL, confirm=approve)
def with_a_key_of_all_arguments(to: str, subject: str, body: str) -> dict[str, object]:
    import requests

    key = _key(to=to, subject=subject, body=body)
    try:
        APPROVED.remove(key)  # in one step: of two calls, one finds it
    except KeyError:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the mail to {to} with the subject {subject!r}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    sent = requests.post("https://api.mail.example/send", json={"to": to, "subject": subject, "body": body}, timeout=5)
    return {"status": "success", "data": sent.json()}


@check.fails(args={"to": "ada@example.com", "subject": "Hi", "body": "See you."}, backend=MAIL, confirm=approve)
def with_the_body_left_out(to: str, subject: str, body: str) -> dict[str, object]:
    import requests

    key = f"{to}:{subject}"
    if key not in APPROVED:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm the mail to {to} with the subject {subject!r}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    APPROVED.discard(key)
    sent = requests.post("https://api.mail.example/send", json={"to": to, "subject": subject, "body": body}, timeout=5)
    return {"status": "success", "data": sent.json()}
