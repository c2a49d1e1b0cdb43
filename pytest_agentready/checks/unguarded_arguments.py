"""A model makes arguments up, and some of them are wrong: null for an id, a sentence for a number, a list for a name.

A tool that looks at them first says so, and the model corrects itself. One that does not either crashes deep inside, with a
message that says nothing about the argument, or carries the call out: a refund of 1.5 cents, a DELETE of the user "None".
Providers check neither types nor bounds unless asked to, and a framework checks only what its own schema says.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Finding,
    Harm,
    HostileArguments,
    HostileCall,
    Judgement,
    NormalCall,
    NotApplicable,
    Severity,
    Tool,
    Unproven,
    harm_of,
    identities,
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

SHOWN = 120  # characters of an argument


@check
def judge(tool: Tool, normal_call: NormalCall, hostile_arguments: HostileArguments) -> Iterator[Judgement]:
    if hostile_arguments.nothing:
        yield NotApplicable(hostile_arguments.nothing)
        return
    if normal_call.missing:
        yield Unproven(normal_call.missing)
        return
    usual = identities(normal_call.usual)
    causes: dict[str, list[tuple[HostileCall, Harm]]] = {}
    for call in hostile_arguments.calls:
        if (harm := harm_of(call, usual, tool.facts)) is not None:
            causes.setdefault(harm.cause, []).append((call, harm))
    name = tool.name.rpartition(".")[2]
    for found in causes.values():
        call, harm = found[0]
        others = [other for other in dict.fromkeys(call.parameter for call, _ in found) if other != call.parameter]
        also = f"; the same with wrong values of {', '.join(others)}" if others else ""
        yield Finding(
            f"{name}({_arguments(call)}) {harm.story}{also}",
            where=harm.where or tool.source,
            evidence={f"{name}({_arguments(call)})": harm.story for call, harm in found},
        )
    if gap := normal_call.obstacle or hostile_arguments.gap:  # what it makes of a program's words is not seen
        yield Unproven(gap)


def _arguments(call: HostileCall) -> str:
    return ", ".join(f"{name}={shortened(repr(value), SHOWN)}" for name, value in call.changed.items())


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
