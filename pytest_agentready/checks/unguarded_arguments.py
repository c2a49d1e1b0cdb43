"""A model makes arguments up, and some of them are wrong: null for an id, a sentence for a number, a list for a name.

A tool that looks at them first says so, and the model corrects itself. One that does not either crashes deep inside, with a
message that says nothing about the argument, or carries the call out: a refund of 1.5 cents, a DELETE of the user "None".
Providers check neither types nor bounds unless asked to, and a framework checks only what its own schema says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_agentready.domain import (
    Check,
    Finding,
    HostileArguments,
    HostileCall,
    Judgement,
    NormalCall,
    NotApplicable,
    Raised,
    Request,
    Run,
    Severity,
    Tool,
    Unproven,
    shortened,
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

Identity = tuple[str, str, bytes]  # of a request: method, URL, body
SHOWN = 120  # characters of an exception's message
# Last parts of an address to which a POST only asks.
ASKING = re.compile(r"\b(?:authorize|completions|count|embeddings|filter|find|get|list|login|lookup|oauth|query|search|token)\b")


@dataclass(frozen=True, slots=True)
class Harm:
    """What one call did that it should not have done."""

    story: str  # "crashes with TypeError: ..."
    where: str
    cause: str  # the same for calls that one guard would mend


@check
def judge(tool: Tool, normal_call: NormalCall, hostile_arguments: HostileArguments) -> Iterator[Judgement]:
    if hostile_arguments.nothing:
        yield NotApplicable(hostile_arguments.nothing)
        return
    if normal_call.obstacle:
        yield Unproven(normal_call.obstacle)
        return
    usual = frozenset(_identity(request) for request in normal_call.runs[0].requests)
    causes: dict[str, list[tuple[HostileCall, Harm]]] = {}
    for call in hostile_arguments.calls:
        if (harm := _harm(call, usual)) is not None:
            causes.setdefault(harm.cause, []).append((call, harm))
    name = tool.name.rpartition(".")[2]
    for found in causes.values():
        call, harm = found[0]
        others = [other for other in dict.fromkeys(call.parameter for call, _ in found) if other != call.parameter]
        also = f"; the same with wrong values of {', '.join(others)}" if others else ""
        yield Finding(
            f"{name}({_argument(call)}) {harm.story}{also}",
            where=harm.where or tool.source,
            evidence={f"{name}({_argument(call)})": harm.story for call, harm in found},
        )
    if hostile_arguments.gap:
        yield Unproven(hostile_arguments.gap)


def _argument(call: HostileCall) -> str:
    return f"{call.parameter}={call.value!r}"


def _harm(call: HostileCall, usual: Set[Identity]) -> Harm | None:
    run = call.run
    if (effect := _effect(run, usual)) is not None:
        return Harm(f"is carried out: {effect.method} {effect.url} was sent", effect.where, f"effect at {effect.where}")
    if run.ending is not None:
        return Harm(f"does not end: {run.ending.story}", run.ending.where, f"ending at {run.ending.where}")
    if run.raised is not None and _is_crash(run.raised, run):
        return Harm(f"crashes with {_told(run.raised)}", run.raised.where, f"crash at {run.raised.where} by {call.parameter}")
    return None


def _effect(run: Run, usual: Set[Identity]) -> Request | None:
    """The first write that a peer carried out, other than the normal call's own: there the argument was mended, or is not used.

    A refusal of the peer's own is no effect; that the backend has no answer for it is not a refusal.
    """
    for request in run.requests:
        refused = request.routed is not False and request.status is not None and request.status >= 400
        if request.is_write and request.committed and not refused and not _only_asks(request) and _identity(request) not in usual:
            return request
    return None


def _identity(request: Request) -> Identity:
    return request.method, request.url, request.body


def _only_asks(request: Request) -> bool:
    """A search, a token or an answer of a model is asked for by POST, too."""
    if request.method != "POST":
        return False
    last = urlsplit(request.url).path.rstrip("/").rpartition("/")[2]
    words = re.sub(r"[^a-z]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower())
    return bool(ASKING.search(words)) or ("graphql" in words and b"mutation" not in request.body)


def _is_crash(raised: Raised, run: Run) -> bool:
    """A slip of the code below the door. After an error of the peer's the slip is about that, and AR102 speaks of it."""
    if raised.refusal or any(status >= 400 for status in run.statuses):
        return False
    return raised.accidental or raised.fatal


def _told(raised: Raised) -> str:
    kind, message = raised.kind.rpartition(".")[2], " ".join(raised.message.split())
    return f"{kind}: {shortened(message, SHOWN)}" if message else kind


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
