"""What was captured in one world, until it is frozen."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

from pytest_agentready.domain import ADDRESS, LogLine, Measurement, Span, SpanEvent, Telemetry

API = "opentelemetry.trace"
SDK = "opentelemetry.sdk.trace"
ROOT_SPAN = 0xA6E27_000_0000_001  # the id of the span of ours in which a call takes place: the same each time
READINGS = 10  # of a span that is being written to, at most
INSTALLED = tuple({sysconfig.get_paths()[key] for key in ("purelib", "platlib")})


class Reach(NamedTuple):
    """How much of each belongs to what was before."""

    spans: int = 0
    measurements: int = 0
    logs: int = 0


class _Live:
    """A span whose attributes may still change."""

    __slots__ = ("began", "ended", "span", "thread", "where")

    def __init__(self, span: Any, began: float, where: str) -> None:
        self.span = span
        self.began = began
        self.ended: float | None = None
        self.where = where
        self.thread = threading.current_thread().name


class Recording:
    """`now` gives the virtual seconds of the world, `here` the user's line, `concerns` whether the calling thread acts for the run.

    `is_users` says of a file of code whether the user wrote it.
    """

    def __init__(
        self, now: Callable[[], float], here: Callable[[], str], concerns: Callable[[], bool], is_users: Callable[[str], bool]
    ) -> None:
        self.now = now
        self.here = here
        self.concerns = concerns
        self.is_users = is_users
        self._spans: dict[int, _Live] = {}  # by the id of the object, in the order of their beginnings
        self._own: set[int] = set()  # the ids of those that were begun at a line of the user's
        self._measurements: list[Measurement] = []
        self._logs: list[LogLine] = []
        self._off = self._provided = False  # as its world ended
        self.rooted = False  # the calls take place in a span of ours
        self.thread = ""  # in which the last of them was begun
        self._provider: Any = None  # serves where the user has set none
        self._tracers: dict[int, tuple[Any, Any]] = {}  # by the id of the API's, which is kept with them

    def tracer_behind(self, proxy: Any) -> Any:
        """That of a provider which exports nothing."""
        if self._provider is None:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider

            self._provider = TracerProvider(resource=Resource.get_empty(), shutdown_on_exit=False)
        if id(proxy) not in self._tracers:
            asked = (proxy._instrumenting_module_name, proxy._instrumenting_library_version, proxy._schema_url, proxy._attributes)
            self._tracers[id(proxy)] = (proxy, self._provider.get_tracer(*asked))
        return self._tracers[id(proxy)][1]

    def begun(self, span: Any, at: int | None = None) -> None:
        """`at`: where its code itself says when, as one does that makes a span afterwards; in ns since the epoch, by the world's clock."""
        live = self._spans[id(span)] = _Live(span, self.now() - _ago(at), self.here())
        if live.where:
            self._own.add(span.get_span_context().span_id)

    def owns(self, span: int) -> bool:
        """Was the span of this id begun by the user's code, in this world? One of a plugin that traces tests was not."""
        return span in self._own

    def ended(self, span: Any, at: int | None = None) -> None:
        live = self._spans.get(id(span))
        if live is not None and live.ended is None:
            live.ended = self.now() - _ago(at)

    def measured(self, measurement: Measurement) -> None:
        self._measurements.append(measurement)

    def logged(self, line: LogLine) -> None:
        """It says when and where it was written. What it was given beside its text is kept as texts: an object may be a connection."""
        if line.attributes or " at 0x" in line.text:  # an object's address, which is another one in each run
            told = {name: _told(value) for name, value in line.attributes.items()}
            line = replace(line, text=ADDRESS.sub("", line.text), attributes=told)
        self._logs.append(line)

    def close(self) -> None:
        """The world ends, and what the run has set and put into the environment with it."""
        self._off, self._provided = _is_off(), _is_provided()

    def reach(self) -> Reach:
        return Reach(len(self._spans), len(self._measurements), len(self._logs))

    def frozen(self, since: Reach, moment: float) -> Telemetry:
        """What came since then; its moments count from `moment`."""
        return Telemetry(
            spans=tuple(self._frozen(live, moment) for live in tuple(self._spans.values())[since.spans :]),
            measurements=tuple(replace(one, at=one.at - moment) for one in self._measurements[since.measurements :]),
            logs=tuple(replace(one, at=one.at - moment) if moment else one for one in self._logs[since.logs :]),
            loaded=API in sys.modules,
            disabled=self._off or _is_off(),
            provided=self._provided or _is_provided(),
            root=ROOT_SPAN if self.rooted and API in sys.modules else None,
            thread=self.thread,
        )

    def _frozen(self, live: _Live, moment: float) -> Span:
        """A thread that outlives the run may write to the span meanwhile, and then it is read again. Raises what that meets at last."""
        for _ in range(READINGS - 1):
            with contextlib.suppress(KeyError, RuntimeError):
                return _frozen(live, moment, self.is_users)
        return _frozen(live, moment, self.is_users)


def _ago(at: int | None) -> float:
    """Seconds since then."""
    return 0.0 if at is None else (time.time_ns() - at) / 1e9


def _is_provided() -> bool:
    """Has the code set a provider for the whole process? Nobody has as long as the API is still being imported."""
    return getattr(sys.modules.get(API), "_TRACER_PROVIDER", None) is not None


def _is_off() -> bool:
    """Has somebody switched it off: for the whole process, or by a provider that makes no spans?"""
    api = sys.modules.get(API)
    if api is None:
        return False
    provider = getattr(api, "_TRACER_PROVIDER", None)
    off = isinstance(provider, getattr(api, "NoOpTracerProvider", ())) or getattr(provider, "_disabled", False)
    return off or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _frozen(live: _Live, moment: float, is_users: Callable[[str], bool]) -> Span:
    span = live.span
    context, parent, scope = span.get_span_context(), span.parent, span.instrumentation_scope
    status = span.status.status_code.name.lower()
    return Span(
        name=span.name,
        id=context.span_id,
        trace=context.trace_id,
        parent=parent.span_id if parent is not None else None,
        attributes=_plain(span.attributes),
        events=tuple(SpanEvent(event.name, _plain(event.attributes)) for event in span.events),
        status=cast(Any, status if status in ("ok", "error") else "unset"),
        description=span.status.description or "",
        links=tuple(link.context.span_id for link in span.links),
        kind=span.kind.name.lower(),
        scope=scope.name if scope is not None else "",
        by_library=scope is not None and _is_installed(scope.name, is_users),
        began=live.began - moment,
        ended=None if live.ended is None else live.ended - moment,
        sampled=context.trace_flags.sampled,
        where=live.where,
        thread=live.thread,
    )


def _is_installed(scope: str, is_users: Callable[[str], bool]) -> bool:
    """Is a tracer of this name, which is that of a module by convention, an installed package's? The subject may be installed itself."""
    package = sys.modules.get(scope.partition(".")[0].replace("-", "_"))
    folders = (os.path.join(folder, "") for folder in getattr(package, "__path__", ()))
    files = (*folders, getattr(package, "__file__", None) or "")
    return any(file.startswith(INSTALLED) and not is_users(file) for file in files)


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return dict(attributes or {})


def _told(value: object) -> object:
    if value is None or type(value) in (str, int, float, bool):
        return value
    try:
        return ADDRESS.sub("", str(value))
    except Exception:  # of the project's own class
        return type(value).__name__
