"""WebSockets as their clients see them: the upgrade, messages both ways, and faults at either."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import websockets
import websockets.sync.client

from tests.world.entering import enter, exception

PRICES = "wss://stream.example.com/prices"
ECHO = "ws://echo.example.com/"
BACKEND: dict[str, Any] = {f"GET {PRICES}": ["one", b"two", {"price": 3}], f"GET {ECHO}": lambda message: [message, message]}


def listen() -> Any:
    with websockets.sync.client.connect(PRICES, open_timeout=5, close_timeout=5) as stream:
        return list(stream)


def first() -> Any:
    with websockets.sync.client.connect(PRICES, open_timeout=5, close_timeout=5) as stream:
        return stream.recv(timeout=5)


def test_a_list_is_sent_and_then_the_stream_ends() -> None:
    run = enter(listen, backend=BACKEND)
    assert run.value == ["one", b"two", '{"price": 3}']
    assert [(request.method, request.url, request.status, request.is_write) for request in run.requests] == [
        ("GET", PRICES, 101, False),
        ("LISTEN", PRICES, None, False),
    ]


@pytest.mark.parametrize("message", ["hello", b"\x00\x01", "x" * 200_000, ["a", "b", "c"]])
def test_a_callable_replies_to_each_message(message: Any) -> None:
    async def talk() -> Any:
        async with websockets.connect(ECHO) as stream:
            await stream.send(message)  # a list goes in fragments
            return await stream.recv(), await stream.recv()

    whole = "".join(message) if isinstance(message, list) else message
    run = enter(talk, backend=BACKEND)
    assert run.value == (whole, whole)
    assert [(request.method, request.is_write) for request in run.requests] == [("GET", False), ("SEND", True)]
    assert run.requests[1].body == (whole.encode() if isinstance(whole, str) else whole)


def test_pings_and_subprotocols_are_answered() -> None:
    async def talk() -> Any:
        async with websockets.connect(ECHO, subprotocols=["graphql-ws"]) as stream:  # type: ignore[list-item]
            await (await stream.ping())
            return stream.subprotocol

    assert enter(talk, backend=BACKEND).value == "graphql-ws"


def test_what_no_route_names_is_not_upgraded() -> None:
    run = enter(listen, backend={f"GET {ECHO}": []})
    assert exception(run) == "InvalidStatus"
    assert [(request.method, request.url, request.routed, request.status) for request in run.requests] == [("GET", PRICES, False, 404)]


@pytest.mark.parametrize(
    ("fault", "expected"), [("503", "InvalidStatus"), ("429", "InvalidStatus"), ("reset-before-answer", "InvalidMessage")]
)
def test_before_the_upgrade_a_fault_acts_as_on_http(fault: str, expected: str) -> None:
    run = enter(first, fault, backend=BACKEND)
    assert (exception(run), run.fired) == (expected, 1)


@pytest.mark.parametrize(
    ("fault", "expected", "seconds"),
    [
        ("response-hang", "TimeoutError", 10.0),  # five for the message, and five to take leave of each other
        ("trickle", "TimeoutError", 10.0),
        ("reset-before-answer", "ConnectionClosedError", 0.0),
        ("reset-during-answer", "ConnectionClosedError", 0.0),
        ("truncated-body", "ConnectionClosedError", 0.0),
        ("lost-response", "ConnectionClosedError", 0.0),
    ],
)
def test_after_the_upgrade_a_fault_meets_the_first_answer(fault: str, expected: str, seconds: float) -> None:
    run = enter(first, fault, backend=BACKEND, spared=1)
    assert exception(run) == expected
    assert run.virtual == pytest.approx(seconds, abs=0.1)
    assert [request.status for request in run.requests] == [101, None]


def test_after_the_upgrade_what_only_http_can_suffer_does_not_apply() -> None:
    run = enter(first, "503", backend=BACKEND, spared=1)
    assert (run.value, run.fired) == ("one", 0)


def test_without_a_deadline_a_silent_stream_is_waited_for_for_ever() -> None:
    async def wait() -> Any:
        async with websockets.connect(PRICES, ping_interval=None) as stream:
            return await stream.recv()

    run = enter(wait, "response-hang", backend=BACKEND, spared=1)
    assert run.ending is not None
    assert run.ending.kind == "stuck"


def test_a_callable_that_raises_is_the_backends_mistake() -> None:
    from pytest_agentready.world import BackendFailed

    async def talk() -> Any:
        async with websockets.connect(ECHO) as stream:
            await stream.send("x")
            return await asyncio.wait_for(stream.recv(), 5)

    with pytest.raises(BackendFailed, match="ZeroDivisionError"):
        enter(talk, backend={f"GET {ECHO}": lambda message: 1 / 0})
