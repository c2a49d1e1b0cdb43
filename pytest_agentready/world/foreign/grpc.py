"""grpc: the multi-callables of a channel, below the user's interceptors, whenever channel and stub were made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import grpc
import grpc._channel as core
import grpc._common as common

from pytest_agentready.world import active, guard
from pytest_agentready.world.foreign import rpc
from pytest_agentready.world.patching import Patch, Patches

STREAMING = ("_StreamUnaryMultiCallable", "_StreamStreamMultiCallable")


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    with Patches(_patches()).in_place():
        yield


def _patches() -> Iterator[Patch]:
    unary = core._UnaryUnaryMultiCallable
    for name, answer in (("__call__", _result), ("with_call", _result_and_call), ("future", _future)):
        yield Patch(unary, name, _calling(getattr(unary, name), answer))
    for stream in (core._UnaryStreamMultiCallable, core._SingleThreadedUnaryStreamMultiCallable):
        yield Patch(stream, "__call__", _calling(stream.__call__, _Messages))
    for cls in (getattr(core, name) for name in STREAMING):
        for name in ("__call__", "with_call", "future"):
            if name in vars(cls):
                yield Patch(cls, name, _refusing(getattr(cls, name)))
    yield Patch(core.Channel, "subscribe", _subscribing(core.Channel.subscribe))


def _calling(original: Callable[..., Any], answer: Callable[[rpc.Call, Any], Any]) -> Callable[..., Any]:
    def call(
        self: Any, request: Any, timeout: float | None = None, metadata: Any = None, credentials: Any = None,
        wait_for_ready: bool | None = None, compression: Any = None,
    ) -> Any:  # fmt: skip
        world = active.mine()
        if world is None:
            return original(self, request, timeout, metadata, credentials, wait_for_ready, compression)
        body = common.serialize(request, self._request_serializer)
        if body is None:
            raise _error("INTERNAL", "Exception serializing request!")
        target, method = common.decode(self._target), common.decode(self._method)
        made = rpc.Call(world, target, method, rpc.Asked(request, body, metadata, timeout, bool(wait_for_ready)))
        return answer(made, self._response_deserializer)

    return call


def _refusing(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if active.mine() is None:
            return original(self, *args, **kwargs)
        return refuse_stream(common.decode(self._method))

    return call


def refuse_stream(method: str) -> NoReturn:
    guard.refuse(f"the gRPC call {method}, which streams its requests: the world plays calls with a single request")


def read(answer: Any, deserializer: Callable[[bytes], Any] | None) -> Any:
    """The backend's message as it comes out of the wire."""
    body = answer.SerializeToString() if hasattr(answer, "SerializeToString") else answer
    return common.deserialize(body, deserializer) if isinstance(body, bytes) else answer


def listed(answer: Any) -> list[Any]:
    """The messages of a stream: a backend may give one, or several."""
    return list(answer) if isinstance(answer, (list, tuple, Iterator)) else [answer]


def _error(code: str, details: str) -> grpc.RpcError:
    error: grpc.RpcError = core._InactiveRpcError(core._RPCState((), (), (), grpc.StatusCode[code], details))
    return error


def _result(call: rpc.Call, deserializer: Any) -> Any:
    call.wait()
    if call.code != "OK":
        raise _error(call.code, call.details)
    return read(call.answer, deserializer)


def _result_and_call(call: rpc.Call, deserializer: Any) -> tuple[Any, Any]:
    return _result(call, deserializer), _Future(call, deserializer)


def _future(call: rpc.Call, deserializer: Any) -> Any:
    call.expire_in_time()
    return _Future(call, deserializer)


class _Status(grpc.RpcError, grpc.RpcContext):  # type: ignore[misc]
    """What is common to everything that stands for a call: its status, and its deadline. It is its own exception."""

    def __init__(self, call: rpc.Call, deserializer: Any) -> None:
        super().__init__()
        self._call, self._deserializer = call, deserializer

    def code(self) -> Any:
        self._call.wait()
        return grpc.StatusCode[self._call.code]

    def details(self) -> str:
        self._call.wait()
        return self._call.details

    def debug_error_string(self) -> str:
        return self._call.details

    def initial_metadata(self) -> tuple[()]:
        return ()

    def trailing_metadata(self) -> tuple[()]:
        return ()

    def is_active(self) -> bool:
        return not self._call.done

    def time_remaining(self) -> float | None:
        return self._call.left

    def cancel(self) -> bool:
        was_active = self.is_active()
        self._call.finish("CANCELLED", "Locally cancelled by application!")
        return was_active

    def add_callback(self, callback: Callable[[], None]) -> bool:
        if self._call.done:
            return False
        self._call.when_done(callback)
        return True

    def __str__(self) -> str:
        return f'<{type(self).__qualname__} of RPC with status = {self._call.code or "pending"}, details = "{self._call.details}">'


class _Future(_Status, grpc.Call, grpc.Future):  # type: ignore[misc]
    """A call whose answer is asked for later."""

    __module__, __qualname__ = core.__name__, "_MultiThreadedRendezvous"  # as a finding names it

    def result(self, timeout: float | None = None) -> Any:
        self._settle(timeout)
        if self._call.code != "OK":
            raise self
        return read(self._call.answer, self._deserializer)

    def exception(self, timeout: float | None = None) -> Any:
        self._settle(timeout)
        return None if self._call.code == "OK" else self

    def traceback(self, timeout: float | None = None) -> Any:
        error = self.exception(timeout)
        return None if error is None else error.__traceback__

    def _settle(self, timeout: float | None) -> None:
        if not self._call.wait(timeout):
            raise grpc.FutureTimeoutError
        if self.cancelled():
            raise grpc.FutureCancelledError

    def done(self) -> bool:
        return self._call.done

    def running(self) -> bool:
        return not self._call.done

    def cancelled(self) -> bool:
        return self._call.code == "CANCELLED"

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        self._call.when_done(lambda: fn(self))


class _Messages(_Status, grpc.Call):  # type: ignore[misc]
    """The answers of a call that streams them."""

    __module__, __qualname__ = core.__name__, "_MultiThreadedRendezvous"
    _left: Iterator[Any] | None = None

    def __iter__(self) -> _Messages:
        return self

    def __next__(self) -> Any:
        if self._left is None:
            self._call.wait()
            if self._call.code != "OK":
                raise self
            self._left = iter(listed(self._call.answer))
        return read(next(self._left), self._deserializer)


def _subscribing(original: Callable[..., None]) -> Callable[..., None]:
    """Who waits for a channel to be ready is told so as soon as its peer can be reached."""

    def subscribe(self: Any, callback: Callable[[Any], None], try_to_connect: bool | None = None) -> None:
        world = active.mine()
        if world is None:
            original(self, callback, try_to_connect)
            return
        world.time.at(0, lambda: callback(grpc.ChannelConnectivity.IDLE))
        if try_to_connect:
            rpc.reach(world, *rpc.address(self._target), lambda obstacle: world.time.at(0, lambda: callback(_STATES[not obstacle])))

    return subscribe


_STATES = {True: grpc.ChannelConnectivity.READY, False: grpc.ChannelConnectivity.TRANSIENT_FAILURE}
