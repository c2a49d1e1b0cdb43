"""A tool that cannot be cancelled goes on when nobody waits for it any more.

A deadline around a tool, a user who closes the window, a server that shuts down: each of them cancels the task and counts on its
end. A `CancelledError` that is caught and not raised again (`except BaseException`, a bare `except:`, a retry of everything) turns
all of them off: the deadline passes, the task works on, and its answer or its next attempt arrives in a world that has moved on.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Cancellation,
    CancelledCalls,
    Check,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Severity,
    Unproven,
    mishaps,
)

check = Check(
    id="AR208",
    title="Cancelling the tool does not end it",
    severity=Severity.MEDIUM,
    profile="standard",
    fix=(
        "Catch `Exception` rather than everything, for `CancelledError` is none. Where cancellation needs a clean-up, do it in `finally`, "
        "or in `except asyncio.CancelledError:` with a bare `raise` at its end, and retry only errors of the peer."
    ),
    since="0.1",
    async_only=True,
)


@check
def judge(normal_call: NormalCall, fault_matrix: FaultMatrix, cancelled_call: CancelledCalls) -> Iterator[Judgement]:
    causes: dict[str, list[Cancellation]] = {}
    for cancellation in cancelled_call.reached:
        if not cancellation.obeyed:
            causes.setdefault(cancellation.kept or cancellation.where, []).append(cancellation)
    for where, found in causes.items():
        yield Finding(
            f"cancelled after {found[0].at:.1f} s, {_story(found)}",
            where=where,
            evidence={cancellation.run.mishap_slug or "normal": cancellation.how for cancellation in found},
        )
    if not cancelled_call.reached:
        yield _of_no_use(normal_call, fault_matrix, cancelled_call)
    elif fault_matrix.gap:
        yield Unproven(fault_matrix.gap)


def _story(found: list[Cancellation]) -> str:
    """What it did, and under which circumstances."""
    done: dict[str, list[Cancellation]] = {}
    for cancellation in found:
        done.setdefault(_did(cancellation), []).append(cancellation)
    parts = []
    for did, alike in done.items():
        befell = mishaps(cancellation.run for cancellation in alike)
        parts.append(f"{did} ({befell})" if befell else did)
    return ", or ".join(parts)


def _did(cancellation: Cancellation) -> str:
    if cancellation.requests:
        return "it asks again"
    match cancellation.how:
        case "returned":
            return f"it returns {_article(cancellation.what)} as if nothing had happened"
        case "raised":
            return f"it raises {cancellation.what} in the place of CancelledError"
        case "cancelled":
            return "it takes a pause, and has to be cancelled again"
        case "unended":
            return "it goes on, and so it does when it is cancelled again"


def _article(kind: str) -> str:
    return "None" if kind == "NoneType" else f"a result ({kind})"


def _of_no_use(normal_call: NormalCall, fault_matrix: FaultMatrix, cancelled_call: CancelledCalls) -> Judgement:
    """Why no cancellation met the tool while it waited."""
    runs = (*normal_call.runs, *fault_matrix.runs)
    if any(wait.in_loop for run in runs for wait in run.waits):
        return NotApplicable("see AR206: it blocks the event loop, so that no cancellation can reach it")
    if obstacle := normal_call.obstacle or fault_matrix.gap:
        return Unproven(obstacle)
    if cancelled_call.cancellations:
        return Unproven("it was over before it could be cancelled")
    return NotApplicable("it waits for nothing")


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
async def raised_again(order_id: str) -> str:
    import asyncio

    import httpx

    try:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"https://api.example.com/orders/{order_id}")).text
    except asyncio.CancelledError:
        print(f"the look-up of order {order_id} was called off")
        raise
    except httpx.HTTPError:
        return "The order service could not be reached."


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
async def taken_for_an_error(order_id: str) -> str:
    import httpx

    try:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"https://api.example.com/orders/{order_id}")).text
    except BaseException:
        return "The order service could not be reached."
