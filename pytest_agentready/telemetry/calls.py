"""Which spans tell of which call: of a model, by the span in which its request was sent; of a tool, by its name.

Emitters differ. Some do not make their span the current one, or make it when all is over; two instrumentations tell of one call, one
within the other; an SDK asks three times within one span; and hand-made spans have names, and no attributes. A span that is not known
for what it is counts where it is about nothing but the call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from pytest_agentready.domain import ModelAnswer, ModelCall, Run, Span, Use, Watched, WatchedRuns
from pytest_agentready.telemetry.dialects import Reading, is_same, is_transport, names, read

ABOUT_TOOLS = re.compile(r"(?:^|[\W_])(?:tool|function[\W_]?call)(?:$|[\W_])", re.IGNORECASE)
NUMBERS = re.compile(r"\d+")  # `step 1` and `step 2` come from one place


@dataclass(frozen=True, slots=True)
class Told:
    """The spans that tell of one call, none within a call of its own; () where nothing does."""

    readings: tuple[Reading, ...] = ()

    @property
    def never_ended(self) -> Reading | None:
        """The one that should tell of it, where all of them are never ended."""
        return next(iter(self.readings), None) if all(reading.span.ended is None for reading in self.readings) else None

    @property
    def sampled_out(self) -> bool:
        return bool(self.readings) and not any(reading.span.sampled for reading in self.readings)


@dataclass(frozen=True)
class ModelUse:
    """One call of a model, with all the requests that were made for it."""

    run: Run
    calls: tuple[ModelCall, ...]
    told: Told

    @property
    def where(self) -> str:
        """The user's line that made the call."""
        return self.calls[-1].where

    @property
    def answered(self) -> bool:
        return any(isinstance(call.answer, ModelAnswer) for call in self.calls)


@dataclass
class Trace:
    """The spans of one run, beside its calls. `common` are the names of spans around more than one call, as far as they are known."""

    run: Run
    common: frozenset[str] = frozenset()
    readings: tuple[Reading, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.readings = tuple(read(span) for span in self.run.telemetry.spans)
        self._known = {reading.span.id: reading for reading in self.readings}

    def around(self, span: int | None) -> tuple[Reading, ...]:
        """The span of this id and those around it, from the inside out."""
        found = self._known.get(span) if span is not None else None
        return () if found is None else (found, *(self._known[above.id] for above in self.run.telemetry.above(found.span)))

    def within(self, span: Span, inner: Span) -> bool:
        return span.id != inner.id and any(above.id == span.id for above in self.run.telemetry.above(inner))

    @cached_property
    def _in_use(self) -> frozenset[int]:
        """The ids of spans that were ever the current one, as far as can be seen."""
        parents = {reading.span.parent for reading in self.readings}
        sent = {call.span for call in self.run.model_calls} | {request.span for request in self.run.requests}
        return frozenset(id for id in parents | sent if id is not None)

    def covers(self, span: Span, moment: float, sent: int | None) -> bool:
        """Does it enclose what was sent at this moment, in the span `sent`? One that never was the current one does so by its time."""
        if span.id in self._in_use:
            return any(reading.span.id == span.id for reading in self.around(sent))
        return span.began <= moment and (span.ended is None or moment <= span.ended)

    @cached_property
    def sites(self) -> frozenset[str]:
        """The names of spans that enclose more than one answer of a model, or one and what a tool asked for."""
        calls = [call for call in self.run.model_calls if isinstance(call.answer, ModelAnswer)]
        asked = [request for request in self.run.requests if request.is_http and not request.to_model]
        found = set()
        for reading in self.readings:
            span = reading.span
            models = sum(self.covers(span, call.at, call.span) for call in calls)
            others = any(self.covers(span, request.at, request.span) for request in asked)
            known = any(one.kind in ("tool", "agent") and self.within(span, one.span) for one in self.readings)
            if models > 1 or (models and (others or known)):
                found.add(site(span))
        return frozenset(found)

    @cached_property
    def models(self) -> tuple[ModelUse, ...]:
        """The calls of models, in the order of their first requests; those of one span are one, up to the first answer."""
        uses: list[tuple[list[ModelCall], tuple[Reading, ...]]] = []
        for call in self.run.model_calls:
            spans = self._of_model(call)
            open_ones = [
                (calls, told)
                for calls, told in uses
                if spans and told[:1] == spans[:1] and not any(isinstance(one.answer, ModelAnswer) for one in calls)
            ]
            if open_ones:
                open_ones[0][0].append(call)
            else:
                taken = any(told[:1] == spans[:1] for _, told in uses if spans)
                uses.append(([call], () if taken else spans))
        return tuple(ModelUse(self.run, tuple(calls), Told(told)) for calls, told in self._with_those_beside(uses))

    def _of_model(self, call: ModelCall) -> tuple[Reading, ...]:
        """The spans around this request that are about it alone."""
        around = [reading for reading in self.around(call.span) if reading.kind in ("model", "other")]
        alone = [reading for reading in around if self._is_alone(reading)]
        known = [reading for reading in around if reading.kind == "model"]
        return tuple([reading for reading in alone if reading.kind == "model"] or alone or known[:1])

    def _is_alone(self, reading: Reading) -> bool:
        """Is it around no more than one call of a model, here and wherever its like was seen?"""
        span = reading.span
        return not is_transport(span) and site(span) not in self.common | self.sites

    def _with_those_beside(
        self, uses: list[tuple[list[ModelCall], tuple[Reading, ...]]]
    ) -> list[tuple[list[ModelCall], tuple[Reading, ...]]]:
        """Spans that were never made the current one, or that were made when all was over: each for one call that no other tells of."""
        taken = {reading.span.id for _, told in uses for reading in told}
        beside = [
            reading
            for reading in self.readings
            if reading.span.id not in taken | self._in_use and (reading.kind == "model" or self._may_be_a_models(reading))
        ]
        found: list[tuple[list[ModelCall], tuple[Reading, ...]]] = []
        for calls, told in uses:
            own = told or self._taken_from(beside, calls[0])
            last = found[-1] if found else None
            same = last is not None and own and last[1] == own and not any(isinstance(call.answer, ModelAnswer) for call in last[0])
            if same and last is not None:
                last[0].extend(calls)
            else:
                found.append((calls, own))
            if own and own[0] in beside and any(isinstance(call.answer, ModelAnswer) for call in calls):
                beside.remove(own[0])
        return found

    def _taken_from(self, beside: list[Reading], call: ModelCall) -> tuple[Reading, ...]:
        """One that was open meanwhile, else the first that came after: what is made in a callback comes late."""
        at = call.at
        meanwhile = (one for one in beside if one.span.began <= at and (one.span.ended is None or at <= one.span.ended))
        later = (one for one in beside if one.kind == "model" and one.span.began >= at)
        found = next(meanwhile, None) or next(later, None)
        return () if found is None else (found,)

    def _may_be_a_models(self, reading: Reading) -> bool:
        span = reading.span
        covered = [call for call in self.run.model_calls if self.covers(span, call.at, call.span)]
        return reading.kind == "other" and bool(covered) and self._is_alone(reading)

    def of_tool(self, tool: str, tools: Iterable[str], uses: Iterable[Use] = ()) -> tuple[Reading, ...]:
        """The spans that tell of calls of this tool, one of `tools`, wherever they are."""
        others = [one for one in tools if not is_same(one, tool)]
        asking = {reading.span.id for use in uses if use.asked is not None for reading in self.around(use.asked.span)}
        return tuple(reading for reading in self.readings if reading.span.id not in asking and self._is_about(reading, tool, others))

    def innermost(self, readings: Iterable[Reading]) -> tuple[Reading, ...]:
        """Of two around each other the inner one: a framework and an instrumentation tell of one call twice."""
        found = tuple(readings)
        return tuple(one for one in found if not any(self.within(one.span, other.span) for other in found))

    def _is_about(self, reading: Reading, tool: str, others: Iterable[str]) -> bool:
        span = reading.span
        if reading.kind == "tool" and reading.tool:
            return not any(is_same(reading.tool, other) for other in others)  # who is called by another name here is one of them there
        if reading.kind == "model" or is_transport(span):
            return False
        if names(span, tool) or any(isinstance(value, str) and is_same(value, tool) for value in span.attributes.values()):
            return True
        named = any(names(span, other) or other in span.attributes.values() for other in others)
        return not named and (reading.kind == "tool" or (reading.kind == "other" and ABOUT_TOOLS.search(span.name) is not None))


def site(span: Span) -> str:
    """What spans of one kind have in common: the name, without its numbers."""
    return NUMBERS.sub("", span.name)


def traces(*observed: WatchedRuns) -> dict[int, Trace]:
    """Of each whole run, by the id of its record; what one of them shows of a name holds for all."""
    whole: list[Watched] = [watched for each in observed for watched in each.whole]
    common = frozenset(name for watched in whole if not watched.mishap for name in Trace(watched.run).sites)
    return {id(watched.run): Trace(watched.run, common) for watched in whole}
