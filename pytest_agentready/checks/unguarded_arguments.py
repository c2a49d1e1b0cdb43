"""A model makes arguments up, and some of them are wrong: null for an id, a sentence for a number, a list for a name.

A tool that looks at them first says so, and the model corrects itself. One that does not either crashes deep inside, with a
message that says nothing about the argument, or carries the call out: a refund of 1.5 cents, a DELETE of the user "None".
Providers check neither types nor bounds unless asked to, and a framework checks only what its own schema says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pytest_agentready.domain import (
    Check,
    Finding,
    HostileArguments,
    HostileCall,
    Judgement,
    NormalCall,
    NotApplicable,
    Request,
    Run,
    Severity,
    Tool,
    Unproven,
)

check = Check(
    id="AR107",
    title="Arguments that violate the tool's own schema crash it, or are carried out",
    severity=Severity.HIGH,
    profile="standard",
    fix=(
        "Check the arguments before anything else happens: decorate the tool with pydantic's `@validate_call`, or look at each one and "
        "return a permanent error that names it."
    ),
    since="0.1",
)

SHOWN = 120  # characters of an exception's message
# Last parts of an address to which a POST only asks.
ASKING = frozenset(["authorize", "completions", "count", "embeddings", "filter", "find", "get", "list", "login", "lookup", "oauth", "query", "search", "token"])


@check
def judge(tool: Tool, normal_call: NormalCall, hostile_arguments: HostileArguments) -> Iterator[Judgement]:
    if hostile_arguments.nothing:
        yield NotApplicable(hostile_arguments.nothing)
        return
    if normal_call.obstacle:
        yield Unproven(normal_call.obstacle)
        return
    name = tool.name.rpartition(".")[2]
    carried_out: dict[str, list[HostileCall]] = {}
    crashed: dict[tuple[str, str], list[HostileCall]] = {}
    endless: list[HostileCall] = []
    for call in hostile_arguments.calls:
        if (effect := _effect(call.run, normal_call.runs[0])) is not None:
            carried_out.setdefault(effect.where, []).append(call)
        elif call.run.ending is not None:
            endless.append(call)
        elif _is_crash(call.run) and call.run.raised is not None:
            crashed.setdefault((call.run.raised.where, call.parameter), []).append(call)
    for where, calls in carried_out.items():
        yield _finding(name, calls, f"is carried out: {_sent(calls[0].run)}", where)
    for (where, _), calls in crashed.items():
        yield _finding(name, calls, f"crashes with {_told(calls[0].run)}", where)
    if endless:
        ending = endless[0].run.ending
        yield _finding(name, endless, f"does not end: {ending.story if ending else ''}", (ending.where if ending else "") or tool.source)
    if hostile_arguments.gap:
        yield Unproven(hostile_arguments.gap)


def _finding(name: str, calls: list[HostileCall], what: str, where: str) -> Finding:
    others = list(dict.fromkeys(call.parameter for call in calls[1:] if call.parameter != calls[0].parameter))
    also = f"; so are wrong values of {', '.join(others)}" if others and "carried out" in what else ""
    evidence = {f"{name}({_argument(call)})": _outcome(call.run) for call in calls}
    return Finding(f"{name}({_argument(calls[0])}) {what}{also}", where=where, evidence=evidence)


def _argument(call: HostileCall) -> str:
    return f"{call.parameter}={call.value!r}"


def _effect(run: Run, normal: Run | None = None) -> Request | None:
    """The first write that a peer carried out, other than what the normal call writes, too: that argument was mended, or is not used.

    A refusal of the peer's own is no effect; that the backend has no answer for it is not a refusal.
    """
    usual = {_identity(request) for request in normal.requests} if normal else set()
    for request in run.requests:
        refused = request.routed is not False and request.status is not None and request.status >= 400
        if request.is_write and request.committed and not refused and not _only_asks(request) and _identity(request) not in usual:
            return request
    return None


def _identity(request: Request) -> tuple[str, str, bytes]:
    return request.method, request.url, request.body


def _only_asks(request: Request) -> bool:
    """A search, a token or an answer of a model is asked for by POST, too."""
    if request.method != "POST":
        return False
    last = urlsplit(request.url).path.rstrip("/").rpartition("/")[2]
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last).lower())
    return bool(ASKING & set(words)) or ("graphql" in words and b"mutation" not in request.body)


def _is_crash(run: Run) -> bool:
    """A slip of the code below the door. After an error of the peer's the slip is about that, and AR102 speaks of it."""
    if run.raised is None or run.raised.refusal or any(status >= 400 for status in run.statuses):
        return False
    return run.raised.accidental or run.raised.fatal


def _sent(run: Run) -> str:
    effect = _effect(run)
    return f"{effect.method} {effect.url} was sent" if effect else ""


def _told(run: Run) -> str:
    if run.raised is None:
        return ""
    message = " ".join(run.raised.message.split())
    shown = message if len(message) <= SHOWN else f"{message[:SHOWN]}..."
    return f"{run.raised.kind.rpartition('.')[2]}: {shown}" if shown else run.raised.kind.rpartition(".")[2]


def _outcome(run: Run) -> str:
    return _sent(run) or _told(run) or (run.ending.story if run.ending else "")


ORDERS = {"DELETE https://api.example.com/orders/{id}": {"deleted": True}}


@check.passes(args={"order_id": "7"}, backend=ORDERS)
def with_a_guard(order_id: str) -> dict[str, object]:
    import requests

    if not isinstance(order_id, str) or not order_id.isdigit():
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "order_id is a number, such as '1001'."}
    response = requests.delete(f"https://api.example.com/orders/{order_id}", timeout=5)
    return {"status": "success", "data": response.json()}


@check.fails(args={"order_id": "7"}, backend=ORDERS)
def with_blind_trust(order_id: str) -> dict[str, object]:
    import requests

    response = requests.delete(f"https://api.example.com/orders/{order_id}", timeout=5)
    return {"status": "success", "data": response.json()}
