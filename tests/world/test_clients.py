"""Users' own calls, unmodified: what they do with a healthy peer, and how each kind of silence ends for them."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pytest_agentready.domain import Run
from tests.world import clients
from tests.world.clients import ACCEPT, CONNECT, RESPONSE, TRICKLE, Client, every
from tests.world.entering import ORDER, enter, exception

each = pytest.mark.parametrize(
    "client",
    [pytest.param(client, id=client.name) for client in every()],
)
MEASURED = 0.1  # virtual seconds within which a truth is known


def agrees(run: Run, truth: str) -> bool:
    what, _, seconds = truth.partition(" ")
    if run.ending is not None:
        return run.ending.kind == what
    low, _, high = seconds.partition("-")
    return exception(run) == what and float(low) - MEASURED <= run.virtual <= float(high or low) + MEASURED


def told(run: Run) -> str:
    return run.ending.kind if run.ending is not None else f"{exception(run)} {run.virtual:.2f}"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and asyncio.TaskGroup came with Python 3.11")
def test_the_timeouts_of_newer_pythons_are_among_the_calls() -> None:
    assert {"timeout_of_asyncio", "task_group_of_asyncio"} <= {client.name for client in every()}


@each
def test_a_healthy_peer_answers_at_once(client: Client) -> None:
    run = enter(client.call, backend=client.backend)
    assert (run.value, run.raised, run.ending) == (client.healthy, None, None)
    assert run.virtual < 0.1
    assert [(request.status, request.committed) for request in run.requests] == [(200, True)]


@pytest.mark.filterwarnings("ignore:The executor did not finishing joining:RuntimeWarning")  # asyncio.run after its 300 s
@pytest.mark.parametrize("silence", [CONNECT, ACCEPT, RESPONSE, TRICKLE])
@each
def test_a_silent_peer_holds_a_client_for_as_long_as_in_reality(client: Client, silence: str) -> None:
    run = enter(client.call, silence, backend=client.backend)
    assert run.fired > 0
    assert agrees(run, client.truths[silence]), f"{told(run)}, not {client.truths[silence]}"


@pytest.mark.parametrize("call", [clients.session_of_the_module, clients.httpx_of_the_module, clients.httpx_async_of_the_module])
def test_a_client_of_the_module_is_right_in_every_run_of_a_row(call: Any) -> None:
    silences = ["", RESPONSE, "", "500", "refused", "", "reset-during-answer", "", ACCEPT, ""]
    runs = [enter(call, silence) for silence in silences]
    assert [run.value for run in runs if run.fault is None] == [ORDER] * 5
    assert [round(run.virtual, 1) for run in runs if run.fault and run.fault.family == "silence"] == [5.0, 5.0]
    assert all(run.fired for run in runs if run.fault is not None)


def test_twenty_calls_at_once_wait_together() -> None:
    async def all_at_once() -> list[Any]:
        import asyncio

        import httpx

        async with httpx.AsyncClient(timeout=5) as session:
            return await asyncio.gather(*(session.get(clients.HTTP) for _ in range(20)), return_exceptions=True)

    run = enter(all_at_once, RESPONSE)
    assert {type(found).__name__ for found in run.value} == {"ReadTimeout"}  # type: ignore[attr-defined]
    assert run.virtual == pytest.approx(5.0, abs=MEASURED)
