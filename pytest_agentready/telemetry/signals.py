"""Which of the five alerts can be computed from spans, of which a collector makes metrics."""

from __future__ import annotations

from pytest_agentready.domain import Span, Telemetry, words_in
from pytest_agentready.telemetry.alerts import ATTACK, MONEY
from pytest_agentready.telemetry.dialects import read
from pytest_agentready.telemetry.sources import TITLES, Slug


def in_spans(telemetry: Telemetry) -> frozenset[Slug]:
    """The alerts that can be computed from spans: of what they count and how long they take, a collector makes metrics.

    What a session costs must stand on a span that is around the whole of it, and what was detected must have a name of its own.
    """
    readings = [read(span) for span in telemetry.spans]
    parts = [one.span for one in readings if one.kind in ("tool", "model")]
    around = {span.id: span for part in parts for span in telemetry.above(part)} | {
        one.span.id: one.span for one in readings if one.kind == "agent"
    }
    whole = [around[id] for id in around.keys() - {part.id for part in parts}]
    told = {
        "tool-errors": any(one.kind == "tool" for one in readings),
        "token-burn": any(one.input_tokens is not None and one.output_tokens is not None for one in readings),
        "duration-tail": bool(whole),
        "injections": any(_tells_of_attacks(span) for span in telemetry.spans),
        "cost-tail": any(not MONEY.isdisjoint(words_in(key)) for span in whole for key in span.attributes),
    }
    return frozenset(slug for slug in TITLES if told[slug])


def _tells_of_attacks(span: Span) -> bool:
    """By the names that it uses: what the values say may be the user's own text."""
    if str(span.attributes.get("openinference.span.kind", "")).upper() == "GUARDRAIL":
        return True
    names = (span.name, *span.attributes, *(event.name for event in span.events))
    return any(not ATTACK.isdisjoint(words_in(name)) for name in names)
