"""What the spans of calls that failed say about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain import Run, Span, Watched, WatchedRuns
from pytest_agentready.telemetry.calls import Trace, traces
from pytest_agentready.telemetry.coverage import Judgeable
from pytest_agentready.telemetry.dialects import Reading, tells_of_exception

# recorded: as it should be; silent: no word of it; untyped: it failed, and nobody says with what; unended: the span gets to no exporter;
# missing: there is no span; unknowing: made by an installed package, which cannot tell a failure from a result.
Record = Literal["recorded", "silent", "untyped", "unended", "missing", "unknowing"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One call that failed."""

    tool: str  # its name; "" for a call of a model
    mishap: str
    record: Record
    readings: tuple[Reading, ...]
    where: str  # the user's line: of the span, else of the call
    run: Run

    @property
    def span(self) -> Span | None:
        return self.readings[0].span if self.readings else None


def failures(ordinary: WatchedRuns, failed: WatchedRuns, judged: Judgeable) -> Iterator[Failure]:
    """Of the calls whose like leaves a span in good health."""
    known = traces(ordinary, failed)
    for watched in failed.whole:
        trace = known[id(watched.run)]
        yield from _of_tools(watched, trace, failed.tools, judged.tools)
        if judged.models:
            yield from _of_models(watched, trace)


def _of_tools(watched: Watched, trace: Trace, tools: frozenset[str], judged: frozenset[str]) -> Iterator[Failure]:
    for use in watched.uses:
        if use.failed and use.tool in judged:
            readings = trace.of_tool(use.tool, tools, watched.uses)
            record = _record(watched.run, readings)
            if record == "silent" and all(reading.span.by_library for reading in readings):
                record = "unknowing"
            line = use.asked.where if use.asked is not None else ""
            yield Failure(use.tool, watched.mishap, record, readings, readings[0].span.where if readings else line, watched.run)


def _of_models(watched: Watched, trace: Trace) -> Iterator[Failure]:
    """What was tried again within the span, and went well, did not fail."""
    for use in trace.models:
        if not use.answered:
            readings = use.told.readings
            line = readings[0].span.where if readings else use.calls[0].where
            yield Failure("", watched.mishap, _record(watched.run, readings), readings, line, watched.run)


def _record(run: Run, readings: tuple[Reading, ...]) -> Record:
    if not readings:
        return "missing"
    if all(reading.span.ended is None for reading in readings):
        return "unended"
    if not any(reading.failed for reading in readings):
        return "silent"
    spans = {reading.span.id for reading in readings}
    logged = any(line.span in spans and tells_of_exception(line) for line in run.telemetry.logs)
    return "recorded" if logged or any(reading.error for reading in readings) else "untyped"
