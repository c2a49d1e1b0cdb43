"""A model can act on a failure only if the result says that it is one.

Raw text, raw JSON and bare values look alike whether the call worked or not. A typed result says `status`, and for an
error `error_type`, `retry_safe` and a `message`: the model then knows whether to go on, to wait, or to give up. In the
incident behind this checklist an error that read like an order's status was asked for 43,000 times.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import Check, Finding, Judgement, NormalCall, Severity, Tool, Unproven, shortened

check = Check(
    id="AR101",
    title="A normal call returns something that is not a typed result",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Return an object with `status`, and for an error `error_type`, `retry_safe` and `message`: a pydantic model, a dataclass or a "
        "TypedDict of your own, or the `ToolResult` that `pytest-agentready scaffold results --into src/shop/` copies into your code."
    ),
    since="0.1",
)

SHOWN = 60  # characters of the value


@check
def judge(tool: Tool, normal_call: NormalCall) -> Iterator[Judgement]:
    for run in (*normal_call.runs, *normal_call.stood_in):
        if run.answer is not None and not run.answer.typed:
            text = shortened(run.answer.text, SHOWN)
            kind = run.answer.kind
            yield Finding(
                f"a normal call returns {_with_article(kind)} ({text}), which says neither that it is a success nor that it is an error",
                where=tool.source,
                evidence={"type": kind, "value": text},
            )
            return
    if normal_call.missing:
        yield Unproven(normal_call.missing)


def _with_article(kind: str) -> str:
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_a_status_of_its_own(order_id: str) -> dict[str, object]:
    import requests

    order = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).json()
    return {"status": "success", "data": order["state"]}


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"status": "shipped"}})
def with_the_bare_text(order_id: str) -> str:
    import requests

    order: dict[str, str] = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).json()
    return order["status"]
