"""grpc and grpc.aio in the world: deadlines in virtual time, statuses, streams, and channels that are older than the run."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world import Backend, BackendError
from tests.world.entering import enter, exception, line_of

TARGET = "pricing.internal:50051"
GET, LIST = "/shop.Pricing/GetPrice", "/shop.Pricing/ListPrices"
SHOP = {f"grpc://{TARGET}{GET}": lambda sku: f"12.50 for {sku}".encode(), f"grpc://{TARGET}{LIST}": [b"12.50", b"7.80"]}
CHANNEL = grpc.insecure_channel(TARGET)  # as a module of a project makes it
GET_PRICE = CHANNEL.unary_unary(GET, request_serializer=str.encode, response_deserializer=bytes.decode)


def sync(**options: Any) -> Callable[[], Any]:
    def ask() -> Any:
        return GET_PRICE("BOLT-8", **options)

    return ask


def asynchronous(**options: Any) -> Callable[[], Any]:
    async def ask() -> Any:
        async with grpc.aio.insecure_channel(f"dns:///{TARGET}") as channel:
            get_price = channel.unary_unary(GET, request_serializer=str.encode, response_deserializer=bytes.decode)
            return await get_price("BOLT-8", **options)

    return ask


CLIENTS = pytest.mark.parametrize("client", [sync, asynchronous])


def ask(call: Callable[[], Any], fault: str = "") -> Run:
    return enter(call, fault, backend=SHOP)


def code(run: Run) -> str:
    assert run.raised is not None
    return run.raised.message.partition("StatusCode.")[2].partition("\n")[0]


@CLIENTS
def test_a_call_is_answered_by_the_backend_and_recorded(client: Callable[..., Any]) -> None:
    run = ask(client(timeout=5, metadata=(("x-tenant", "acme"),)))
    assert run.value == "12.50 for BOLT-8"
    (request,) = run.requests
    assert (request.url, request.body, request.committed, request.is_write) == (f"grpc://{TARGET}{GET}", b"BOLT-8", True, False)
    assert ("x-tenant", "acme") in request.headers
    assert request.where == line_of(client, '("BOLT-8", **options)')
    assert run.peers == (TARGET,)


# fault -> status and virtual seconds without a deadline, and with one of 5 s. As measured with grpcio against real sockets.
TRUTH: dict[str, tuple[tuple[str, float], tuple[str, float]]] = {
    "dns-failure": (("UNAVAILABLE", 0), ("UNAVAILABLE", 0)),
    "refused": (("UNAVAILABLE", 0), ("UNAVAILABLE", 0)),
    "connect-hang": (("UNAVAILABLE", 20), ("DEADLINE_EXCEEDED", 5)),
    "accept-hang": (("UNAVAILABLE", 20), ("DEADLINE_EXCEEDED", 5)),
    "response-hang": (("", 0), ("DEADLINE_EXCEEDED", 5)),
    "trickle": (("", 0), ("DEADLINE_EXCEEDED", 5)),
    "reset-before-answer": (("UNAVAILABLE", 0), ("UNAVAILABLE", 0)),
    "lost-response": (("UNAVAILABLE", 0), ("UNAVAILABLE", 0)),
    "401": (("UNAUTHENTICATED", 0), ("UNAUTHENTICATED", 0)),
    "403": (("PERMISSION_DENIED", 0), ("PERMISSION_DENIED", 0)),
    "404": (("NOT_FOUND", 0), ("NOT_FOUND", 0)),
    "429": (("RESOURCE_EXHAUSTED", 0), ("RESOURCE_EXHAUSTED", 0)),
    "500": (("INTERNAL", 0), ("INTERNAL", 0)),
    "503": (("UNAVAILABLE", 0), ("UNAVAILABLE", 0)),
    "504": (("DEADLINE_EXCEEDED", 0), ("DEADLINE_EXCEEDED", 0)),
}


@CLIENTS
@pytest.mark.parametrize("deadline", [False, True], ids=["no deadline", "deadline"])
@pytest.mark.parametrize("fault", TRUTH)
def test_a_call_meets_a_fault_as_it_would_in_real_time(client: Callable[..., Any], fault: str, deadline: bool) -> None:
    status, seconds = TRUTH[fault][deadline]
    run = ask(client(timeout=5) if deadline else client(), fault)
    assert run.fired
    assert run.virtual == pytest.approx(seconds, abs=0.1)
    if status:
        assert run.ending is None
        assert exception(run) in ("_InactiveRpcError", "AioRpcError")
        assert code(run) == status
    else:
        assert run.ending is not None
        assert run.ending.kind == "stuck"
        assert [wait.peer for wait in run.waits if wait.outcome == "unbounded"] == [TARGET]


@CLIENTS
@pytest.mark.parametrize("fault", ["malformed-json", "truncated-body", "redirect-loop"])
def test_a_fault_that_grpc_does_not_know_is_not_met(client: Callable[..., Any], fault: str) -> None:
    run = ask(client(), fault)
    assert (run.fired, run.value) == (0, "12.50 for BOLT-8")


def test_who_waits_for_the_peer_to_be_ready_waits_to_the_deadline() -> None:
    run = ask(sync(timeout=30, wait_for_ready=True), "refused")
    assert (code(run), round(run.virtual)) == ("DEADLINE_EXCEEDED", 30)


def test_a_wait_is_recorded_with_its_bound() -> None:
    (wait,) = ask(sync(timeout=5), "response-hang").waits
    assert (wait.primitive, wait.peer, wait.outcome) == ("grpc", TARGET, "timeout")
    assert wait.bound == pytest.approx(5, abs=0.1)


def test_a_stream_of_answers_is_read() -> None:
    def tool() -> list[str]:
        with grpc.insecure_channel(TARGET) as channel:
            return list(channel.unary_stream(LIST, response_deserializer=bytes.decode)(b"", timeout=4))

    async def aio_tool() -> list[str]:
        async with grpc.aio.insecure_channel(TARGET) as channel:
            await channel.channel_ready()
            return [price async for price in channel.unary_stream(LIST, response_deserializer=bytes.decode)(b"", timeout=4)]

    for call in (tool, aio_tool):
        assert ask(call).value == ["12.50", "7.80"]
        assert ask(call, "response-hang").virtual == pytest.approx(4, abs=0.1)


def test_a_future_and_a_channels_readiness_are_waited_for_in_virtual_time() -> None:
    def tool() -> Any:
        with grpc.insecure_channel(TARGET) as channel:
            grpc.channel_ready_future(channel).result(timeout=3)
            return channel.unary_unary(GET, request_serializer=str.encode).future("BOLT-8", timeout=2).result()

    assert ask(tool).value == b"12.50 for BOLT-8"
    assert exception(ask(tool, "refused")) == "FutureTimeoutError"
    assert ask(tool, "response-hang").virtual == pytest.approx(2, abs=0.1)


def test_a_deadline_of_the_event_loop_is_seen() -> None:
    async def tool() -> Any:
        return await asyncio.wait_for(asynchronous()(), 3)

    run = ask(tool, "response-hang")
    assert (exception(run), round(run.virtual)) == ("TimeoutError", 3)


def test_interceptors_of_the_user_run_above_the_world() -> None:
    class Retry(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
        def intercept_unary_unary(self, go_on: Any, details: Any, request: Any) -> Any:
            for _ in range(3):
                answer = go_on(details, request)
                if answer.exception() is None:
                    break
            return answer

    def tool() -> Any:
        with grpc.intercept_channel(grpc.insecure_channel(TARGET), Retry()) as channel:
            return channel.unary_unary(GET, request_serializer=str.encode)("BOLT-8", timeout=1)

    run = ask(tool, "503")
    assert len(run.requests) == 3
    assert code(run) == "UNAVAILABLE"


def test_a_stream_of_requests_is_refused() -> None:
    run = ask(lambda: CHANNEL.stream_unary("/shop.Pricing/Upload")(iter([b"1"])))
    assert run.refused
    assert "streams its requests" in run.refused[0]


def test_an_unknown_procedure_is_unimplemented_and_named() -> None:
    run = ask(lambda: CHANNEL.unary_unary("/shop.Pricing/Forget")(b""))
    assert code(run) == "UNIMPLEMENTED"
    assert run.requests[0].routed is False


def test_a_server_of_this_machine_sees_nothing_of_a_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        older = grpc.insecure_channel("{}:{}".format(*listener.getsockname()))
        for fault in ("", "refused", "response-hang"):
            enter(lambda: older.unary_unary(GET)(b"", timeout=1), fault)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_key_that_names_no_procedure_is_refused() -> None:
    with pytest.raises(BackendError, match="names no procedure"):
        Backend.parse({"grpc://pricing.internal:50051/GetPrice": b""})


def test_what_was_replaced_is_put_back() -> None:
    from grpc import _channel

    before = dict(vars(_channel._UnaryUnaryMultiCallable)), dict(vars(grpc.aio._call.UnaryUnaryCall))
    ask(sync())
    ask(asynchronous(), "refused")
    assert (dict(vars(_channel._UnaryUnaryMultiCallable)), dict(vars(grpc.aio._call.UnaryUnaryCall))) == before


def test_a_run_does_not_need_an_event_loop_because_grpc_aio_is_imported() -> None:
    asyncio.set_event_loop(None)
    assert enter(lambda: 7).value == 7
    assert ask(asynchronous()).value == "12.50 for BOLT-8"
