"""What a run told the people who watch it: spans, measurements and lines of a log, in no dialect yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

InstrumentKind = Literal["counter", "updowncounter", "histogram", "gauge", "summary"]
MetricClient = Literal["opentelemetry", "prometheus"]


SWITCHED_OFF = (
    "OpenTelemetry is switched off (by OTEL_SDK_DISABLED or a NoOpTracerProvider), so that no span is made: leave it on in the tests"
)


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that a span says happened on its way, such as an exception."""

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One span as its code made it, sampled or not."""

    name: str
    id: int
    trace: int
    parent: int | None = None  # the id of the span above it; None for a root
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    links: tuple[int, ...] = ()  # the ids of spans that it refers to
    status: Literal["unset", "ok", "error"] = "unset"
    description: str = ""  # of the status
    kind: str = "internal"  # or client, server, producer, consumer
    scope: str = ""  # the name of the tracer that made it
    by_library: bool = False  # that tracer is an installed package's, such as an instrumentation's, and not the project's own
    began: float = 0.0  # virtual seconds since the run began
    ended: float | None = None  # None: it was never ended, and no exporter would get it
    sampled: bool = True  # False: no exporter would get it
    where: str = ""  # the user's line that began it
    thread: str = ""  # in which it began

    @property
    def seconds(self) -> float | None:
        """Of virtual time."""
        return None if self.ended is None else self.ended - self.began


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value that an instrument of metrics was given."""

    name: str  # as the code has it; of a counter of prometheus_client without its `_total`
    kind: InstrumentKind
    unit: str
    value: float  # of a gauge that was moved: by how much
    attributes: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0  # virtual seconds since the run began
    where: str = ""
    client: MetricClient = "opentelemetry"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One that the code has made, used or not."""

    name: str
    kind: InstrumentKind
    unit: str = ""
    client: MetricClient = "opentelemetry"
    labels: tuple[str, ...] = ()  # as far as they are declared
    observed: bool = False  # it gives its values by a callback, which is never called here


@dataclass(frozen=True, slots=True)
class LogLine:
    """A record of `logging`, or of OpenTelemetry's logs, whether or not its level lets it out."""

    logger: str
    level: str  # "INFO"
    text: str  # formatted, with its traceback
    attributes: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""  # OpenTelemetry's name of the event; "" for none
    span: int | None = None  # the id of the one in which it was written
    at: float = 0.0  # virtual seconds since the run began
    where: str = ""  # the user's line
    held_back: bool = False  # by the present level, which would let it out in production
    by_library: bool = False  # it is no line of the user's own code that has it written


@dataclass(frozen=True, slots=True)
class Telemetry:
    """All of it, in the order in which it began."""

    spans: tuple[Span, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    logs: tuple[LogLine, ...] = ()
    loaded: bool = False  # was OpenTelemetry imported at all?
    disabled: bool = False  # by OTEL_SDK_DISABLED, or a provider that makes no spans: there is nothing to see, whatever the code does
    root: int | None = None  # the id of the span of ours in which the run took place; None: it had none
    provided: bool = False  # a provider of spans is set: what makes them unasked has somebody who takes them
    thread: str = ""  # in which the run was begun; "" where it had no span of ours

    def above(self, span: Span) -> Iterator[Span]:
        """The spans around this one, from the inside out, as far as the chain holds."""
        known = {one.id: one for one in self.spans}
        seen = {span.id}
        while span.parent is not None and span.parent in known and span.parent not in seen:
            span = known[span.parent]
            seen.add(span.id)
            yield span

    def reaches_root(self, span: Span) -> bool:
        """Does the chain of its parents lead to the run's own span?"""
        return self.root is not None and [span, *self.above(span)][-1].parent == self.root
