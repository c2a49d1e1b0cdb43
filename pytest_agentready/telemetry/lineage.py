"""Which spans of calls do not hang where they belong: below the run's own span, and below the agent's span in which they were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain import Run, Span, Watched
from pytest_agentready.telemetry.calls import Trace
from pytest_agentready.telemetry.dialects import Reading

Fate = Literal["lost", "elsewhere", "beside", "orphaned"]


@dataclass(frozen=True, slots=True)
class Stray:
    """The span of a call, and what is wrong with its descent.

    lost: a trace begins with it, or with one above it; elsewhere: the span above is none of this run; beside: it hangs next to the
    agent's span that asked for it; orphaned: a span above is never ended, and gets to no exporter.
    """

    span: Span
    fate: Fate
    about: Span  # the topmost span that is known above it; of `beside` the agent's; of `orphaned` the one that is never ended
    run: Run
    thread: str = ""  # in which the context was lost; "" for that of the run


def strays(watched: Watched, trace: Trace, tools: Iterable[str]) -> tuple[Stray, ...]:
    """Of one run, each call's span once."""
    telemetry = watched.run.telemetry
    models = [reading for use in trace.models for reading in use.told.readings[:1]]
    called = {tool: trace.innermost(trace.of_tool(tool, tools, watched.uses)) for tool in tools}
    known = [*models, *(reading for found in called.values() for reading in found)]
    known += [reading for reading in trace.readings if reading.kind in ("tool", "model")]
    spans = {reading.span.id: reading.span for reading in known}
    found = {stray.span.id: stray for span in spans.values() for stray in _detached(span, trace)}
    if (
        len(found) == len(spans)
        and len({span.trace for span in spans.values()}) == 1
        and all(one.fate == "elsewhere" for one in found.values())
    ):
        found = {}  # the run goes on with a trace that was begun before it
    for stray in _beside(watched, trace, called):
        found.setdefault(stray.span.id, stray)
    for span in spans.values():
        unended = next((above for above in telemetry.above(span) if above.ended is None), None)
        if unended is not None and span.ended is not None:
            found.setdefault(span.id, Stray(span, "orphaned", unended, watched.run))
    return tuple(found.values())


def _detached(span: Span, trace: Trace) -> Iterator[Stray]:
    telemetry = trace.run.telemetry
    if telemetry.reaches_root(span):
        return
    chain = [span, *telemetry.above(span)]
    top = chain[-1]
    if top.parent is not None:
        yield Stray(span, "elsewhere", top, trace.run)
    elif top is span or top.thread != telemetry.thread or not _is_agents(top, trace):
        lost = next((one for one in reversed(chain) if one.thread != telemetry.thread), None)
        yield Stray(span, "lost", top, trace.run, lost.thread if lost is not None else "")


def _is_agents(span: Span, trace: Trace) -> bool:
    """Is it around a model's call, and none of a call? One that begins a trace in the run's own thread does so on purpose."""
    around = [reading for call in trace.run.model_calls for reading in trace.around(call.span)]
    return any(reading.span.id == span.id and reading.kind in ("agent", "other") for reading in around)


def _beside(watched: Watched, trace: Trace, called: dict[str, tuple[Reading, ...]]) -> Iterator[Stray]:
    """Whom an agent's span asked for, and whose answer went back into it, belongs below it."""
    calls = watched.run.model_calls
    for use in watched.uses:
        if use.asked is None:
            continue
        later = calls[calls.index(use.asked) + 1 :]
        going_on = {one.span.id for call in later for one in trace.around(call.span)}
        outer = next((one.span for one in reversed(trace.around(use.asked.span)) if one.span.id in going_on), None)
        for reading in called.get(use.tool, ()) if outer is not None else ():
            span = reading.span
            assert outer is not None
            if span.id != outer.id and span.began >= use.asked.at and not trace.within(outer, span):
                yield Stray(span, "beside", outer, watched.run, span.thread if span.thread != outer.thread else "")
