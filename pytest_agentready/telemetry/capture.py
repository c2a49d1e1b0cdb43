"""Every span is seen where it begins and ends, in the SDK's own class: whichever provider it belongs to, and however that was set up.

Nothing of the user's set-up is touched. No provider is set, no processor is added, so that neither a shutdown, nor a private provider, nor
one that was refused hides a span. Where no provider is set, as in most test suites, a stand-in serves the tracers of the API, and is
forgotten after the run: a tracer that has used it binds itself to the user's provider later, as if nothing had been. What a sampler
drops is recorded, and neither the user's processors nor an exporter get to see it.

OpenTelemetry may be imported at any time. What of it is replaced stands by module, and is asked for when that has been executed.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

from pytest_agentready.telemetry.recording import API, ROOT_SPAN, SDK, Recording

CONTEXT = "opentelemetry.context"
ROOT_TRACE = 0xA6E27_000_0000_0000_0000_0000_0000_001  # of the span of ours in which a run takes place: the same each time
OF_THE_ROOT = ("set_span_in_context", "SpanContext", "TraceFlags", "NonRecordingSpan")  # what of the API it takes to make that span

recording: Recording | None = None  # of the world that runs


class Replacement(NamedTuple):
    owner: Any
    name: str
    new: Any


class _Call:
    """One call of the user's code: what it does happens in our root, wherever OpenTelemetry's context is still the one it began with."""

    __slots__ = ("began_in", "recording", "root")

    def __init__(self, recording: Recording, began_in: Any) -> None:
        self.recording = recording
        self.began_in = began_in  # a Context; None where OpenTelemetry was not loaded yet
        self.root: Any = None  # that Context with our root in it, once it was asked for


# A variable of our own goes where OpenTelemetry's goes, into tasks and `to_thread`, and needs nothing of it to be there yet.
_call: ContextVar[_Call | None] = ContextVar("agentready_call", default=None)
_decided = threading.local()  # `dropped`: the sampler wants nothing of the span that this thread is about to begin


def replacements() -> Iterator[Replacement]:
    """Of what is loaded: nobody pays for what a project does not use. Where the API is, the SDK is loaded too."""
    if API not in sys.modules:
        return
    importlib.import_module(SDK)
    for found in MODULES.values():
        yield from found()


def current() -> int | None:
    """The id of the span in which the calling code runs; None for none, and as long as the API is still being imported."""
    asked = getattr(sys.modules.get(API), "get_current_span", None)
    if asked is None or recording is None:
        return None
    return asked().get_span_context().span_id or None


@contextlib.contextmanager
def rooted() -> Iterator[None]:
    """The code within runs in a span of ours, also where it is itself the first to import OpenTelemetry."""
    seen = recording
    if seen is None:
        yield
        return
    seen.rooted, seen.thread = True, threading.current_thread().name
    asked = getattr(sys.modules.get(CONTEXT), "get_current", None)
    token = _call.set(_Call(seen, None if asked is None else asked()))
    try:
        yield
    finally:
        _call.reset(token)


def _of_context() -> Iterator[Replacement]:
    context = sys.modules[CONTEXT]
    runtime = type(context._RUNTIME_CONTEXT)
    yield Replacement(runtime, "get_current", _in_root(runtime.get_current, context.get_current()))


def _of_api() -> Iterator[Replacement]:
    proxy = sys.modules[API].ProxyTracer
    yield Replacement(proxy, "_tracer", property(_served(proxy._tracer.fget)))


def _of_sdk() -> Iterator[Replacement]:
    sdk = sys.modules[SDK]
    yield Replacement(sdk.Span, "start", _beginning(sdk.Span.start, sdk.SpanProcessor()))
    yield Replacement(sdk.Span, "end", _ending(sdk.Span.end))
    decision = sdk.sampling.Decision
    yield Replacement(decision, "is_recording", _recorded_too(decision.is_recording))


MODULES: dict[str, Callable[[], Iterator[Replacement]]] = {CONTEXT: _of_context, API: _of_api, SDK: _of_sdk}


def _concerned() -> Recording | None:
    seen = recording  # read once: another thread may end the run meanwhile
    return seen if seen is not None and seen.concerns() else None


def _in_root(original: Callable[[Any], Any], beginning: Any) -> Callable[[Any], Any]:
    """`beginning` is the Context of whoever imports OpenTelemetry within a call: nobody has attached another one by then."""

    @functools.wraps(original)
    def get_current(self: Any) -> Any:
        found = original(self)
        call = _call.get()
        if call is None or call.recording is not recording or found is not (call.began_in if call.began_in is not None else beginning):
            return found
        if call.root is None:
            call.root = _root(found)
        return found if call.root is None else call.root

    return get_current


def _root(around: Any) -> Any:
    """None as long as the API is still being imported."""
    api = sys.modules.get(API)
    if not all(hasattr(api, name) for name in OF_THE_ROOT):
        return None
    assert api is not None
    flags = api.TraceFlags(api.TraceFlags.SAMPLED)
    root = api.NonRecordingSpan(api.SpanContext(ROOT_TRACE, ROOT_SPAN, is_remote=False, trace_flags=flags))
    return api.set_span_in_context(root, around)


def _beginning(original: Callable[..., Any], nobody: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def start(self: Any, start_time: int | None = None, *args: Any, **kwargs: Any) -> Any:
        if (seen := _concerned()) is not None:
            seen.begun(self, start_time)  # before any processor of the user's, which may raise
            if getattr(_decided, "dropped", False):
                self._span_processor = nobody
        return original(self, start_time, *args, **kwargs)

    return start


def _ending(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def end(self: Any, end_time: int | None = None, *args: Any, **kwargs: Any) -> Any:
        seen = recording  # read once: another thread may end the run meanwhile
        if seen is not None:
            seen.ended(self, end_time)
        return original(self, end_time, *args, **kwargs)

    return end


def _recorded_too(original: Callable[..., Any]) -> Callable[..., Any]:
    """Asked by the SDK just before it makes a span, in the thread that begins it."""

    @functools.wraps(original)
    def is_recording(self: Any) -> bool:
        wanted = bool(original(self))
        _decided.dropped = not wanted
        return wanted or _concerned() is not None

    return is_recording


def _served(original: Callable[..., Any]) -> Callable[..., Any]:
    """The tracer behind one of the API's: the user's provider has it where there is one, else the stand-in."""

    def tracer(self: Any) -> Any:
        seen = _concerned()
        if seen is None or self._real_tracer is not None or sys.modules[API]._TRACER_PROVIDER is not None:
            return original(self)
        return seen.tracer_behind(self)

    return tracer
