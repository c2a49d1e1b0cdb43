"""grpc.aio: its calls are built around a C object that does the work; in a run, a stand-in of the same shape does it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import grpc._common as common
import grpc.aio._call as calls
import grpc.aio._channel as channels
from grpc._cython import cygrpc

from pytest_agentready.world import active, crowd, guard, runs
from pytest_agentready.world.foreign import rpc
from pytest_agentready.world.foreign.grpc import listed, read, refuse_stream
from pytest_agentready.world.patching import Patch, Patches

NUMBERS: dict[str, int] = {code.name: code.value[0] for code in grpc.StatusCode}


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    with Patches(_patches()).in_place():
        yield


def _patches() -> Iterator[Patch]:
    for cls in (calls.UnaryUnaryCall, calls.UnaryStreamCall):
        yield Patch(cls, "__init__", _building(cls.__init__))
    for cls in (calls.StreamUnaryCall, calls.StreamStreamCall):
        yield Patch(cls, "__init__", _refusing(cls.__init__))
    yield Patch(channels.Channel, "__init__", _opening(channels.Channel.__init__))
    yield Patch(channels.Channel, "get_state", _get_state(channels.Channel.get_state))
    yield Patch(channels.Channel, "channel_ready", _channel_ready(channels.Channel.channel_ready))
    yield Patch(channels.Channel, "wait_for_state_change", _wait_for_state_change(channels.Channel.wait_for_state_change))


def _opening(original: Callable[..., None]) -> Callable[..., None]:
    """With the first channel grpc.aio starts a thread that sits in C for ever: it is no part of the run, and waited for by nobody."""

    def open_(self: Any, *args: Any, **kwargs: Any) -> None:
        before = set(threading.enumerate())
        with runs.bypassed():
            original(self, *args, **kwargs)
        crowd.harness.update(thread.ident for thread in set(threading.enumerate()) - before if thread.ident is not None)

    return open_


def _building(original: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(original)

    def build(self: Any, *args: Any, **kwargs: Any) -> None:
        world = active.mine()
        if world is None:
            original(self, *args, **kwargs)
            return
        given = signature.bind(self, *args, **kwargs).arguments
        deadline, request, loop = given["deadline"], given["request"], given["loop"]
        timeout = None if deadline is None else max(0.0, deadline - time.time())
        body = common.serialize(request, given["request_serializer"])
        asked = rpc.Asked(request, body, given["metadata"], timeout, bool(given["wait_for_ready"]))
        made = rpc.Call(world, common.decode(given["channel"].target), common.decode(given["method"]), asked)
        if timeout is not None:
            loop.call_later(timeout, made.expire)
        given["channel"] = _Channel(_Call(made, loop))
        given["response_deserializer"] = _reading(given["response_deserializer"])
        original(**given)

    return build


def _reading(deserializer: Any) -> Callable[[Any], Any]:
    return lambda answer: read(answer, deserializer)


def _refusing(original: Callable[..., None]) -> Callable[..., None]:
    def build(self: Any, *args: Any, **kwargs: Any) -> None:
        if active.mine() is not None:
            refuse_stream("of grpc.aio")
        original(self, *args, **kwargs)

    return build


class _Channel:
    """Only what a call asks of its channel."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    def call(self, *_: Any) -> _Call:
        return self._call


class _Call:
    """The C object's methods, as far as calls with one request use them."""

    def __init__(self, call: rpc.Call, loop: asyncio.AbstractEventLoop) -> None:
        self._made, self._loop = call, loop
        self._settled: asyncio.Future[None] = loop.create_future()
        self._locally_cancelled = False
        self._left: Iterator[Any] | None = None
        self._initial_metadata: tuple[()] = ()
        call.when_done(self._wake)

    def _wake(self) -> None:
        """An event happens in whichever thread lets it, also while the loop waits in its selector."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        if not self._settled.done():
            self._settled.set_result(None)

    async def _settle(self) -> None:
        await asyncio.shield(self._settled)

    @property
    def _status(self) -> Any:
        return cygrpc.AioRpcStatus(NUMBERS[self._made.code], self._made.details, (), "")

    async def unary_unary(self, *_: Any) -> Any:
        await self._settle()
        return self._made.answer

    async def initiate_unary_stream(self, *_: Any) -> None:
        await asyncio.sleep(0)

    async def receive_serialized_message(self) -> Any:
        await self._settle()
        if self._left is None:
            self._left = iter(listed(self._made.answer) if self.is_ok() else ())
        return next(self._left, cygrpc.EOF)

    async def status(self) -> Any:
        await self._settle()
        return self._status

    async def initial_metadata(self) -> tuple[()]:
        return ()

    def is_ok(self) -> bool:
        return self._made.code == "OK"

    def done(self) -> bool:
        return self._made.done

    def cancelled(self) -> bool:
        return self._made.code == "CANCELLED"

    def is_locally_cancelled(self) -> bool:
        return self._locally_cancelled

    def cancel(self, details: str) -> None:
        self._locally_cancelled = True
        self._made.finish("CANCELLED", details)

    def set_internal_error(self, error: str) -> None:
        self._made.finish("INTERNAL", error)

    def time_remaining(self) -> float | None:
        return self._made.left

    def add_done_callback(self, callback: Callable[[], object]) -> None:
        self._made.when_done(callback)


# -- whether a channel is ready


def _get_state(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_state(self: Any, try_to_connect: bool = False) -> Any:
        world = active.mine()
        if world is None:
            return original(self, try_to_connect)
        ready: list[str] = []
        if try_to_connect or rpc.is_reached(world, *_address(self)):
            rpc.reach(world, *_address(self), ready.append)
        return grpc.ChannelConnectivity.READY if ready == [""] else grpc.ChannelConnectivity.IDLE

    return get_state


def _channel_ready(original: Callable[..., Any]) -> Callable[..., Any]:
    async def channel_ready(self: Any) -> None:
        world = active.mine()
        if world is None:
            await original(self)
            return
        loop = asyncio.get_running_loop()
        ready = loop.create_future()  # never set where the peer cannot be reached: grpc goes on trying

        def told(obstacle: str) -> None:
            if not obstacle:
                ready.set_result(None)

        rpc.reach(world, *_address(self), told)
        await ready

    return channel_ready


def _wait_for_state_change(original: Callable[..., Any]) -> Callable[..., Any]:
    async def wait_for_state_change(self: Any, last_observed_state: Any) -> None:
        if active.mine() is not None:
            guard.refuse("a wait for a change of a gRPC channel's state: use `channel_ready()`")
        await original(self, last_observed_state)

    return wait_for_state_change


def _address(channel: Any) -> tuple[str, int]:
    return rpc.address(common.decode(channel._channel.target))
