"""What code emits, in short: its metrics by name, with their labels, and which of the alerts' signals stand in its spans."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from pytest_agentready.domain.conversation import Conversation
from pytest_agentready.domain.telemetry import Instrument, InstrumentKind, Measurement, MetricClient

# Labels whose values tell one kind of event from another; of all others, such as a user's id, the values are nobody's business.
TELLING = frozenset(
    {
        "status",
        "outcome",
        "result",
        "success",
        "ok",
        "state",
        "verdict",
        "error",
        "exception",
        "failed",
        "code",
        "type",
        "kind",
        "direction",
    }
    | {"operation", "method", "detected", "blocked", "flagged"}
)
WORD = re.compile(r"[\w./-]{0,48}")  # what such a value looks like
MANY = 16  # values of one label that are kept
RECORD = "agentready/emitted"  # the name in pytest's cache of what a session has seen emitted
VERSION = 1  # of its form


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as its name, its kind and its unit make it."""

    name: str
    kind: InstrumentKind
    unit: str = ""
    client: MetricClient = "opentelemetry"
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))  # of the telling ones, the values seen
    measured: bool = True  # False: the instrument is there, and was given nothing

    @property
    def words(self) -> frozenset[str]:
        """Of its name: `agent`, `session` and `cost` of `agent.session.cost`."""
        return words_in(self.name)

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.name, self.client, self.kind, self.unit)


@dataclass(frozen=True, slots=True)
class Emitted:
    """Of one run, of one subject, or of a whole session; sorted, so that the same code gives the same."""

    metrics: tuple[Metric, ...] = ()
    spans: frozenset[str] = frozenset()  # the alerts, by their slugs, whose signal stands in spans

    @classmethod
    def of(cls, measurements: Iterable[Measurement], declared: Iterable[Instrument] = (), spans: Iterable[str] = ()) -> Emitted:
        used = (Metric(one.name, one.kind, one.unit, one.client, _labels(one.attributes)) for one in measurements)
        there = (Metric(one.name, one.kind, one.unit, one.client, dict.fromkeys(one.labels, ()), measured=False) for one in declared)
        return cls(_merged((*used, *there)), frozenset(spans))

    def __or__(self, other: Emitted) -> Emitted:
        return Emitted(_merged((*self.metrics, *other.metrics)), self.spans | other.spans)

    def __bool__(self) -> bool:
        return bool(self.metrics or self.spans)

    def to_json(self) -> dict[str, Any]:
        metrics = [
            {
                "name": one.name,
                "kind": one.kind,
                "unit": one.unit,
                "client": one.client,
                "labels": {label: list(values) for label, values in one.labels.items()},
                "measured": one.measured,
            }
            for one in self.metrics
        ]
        return {"version": VERSION, "metrics": metrics, "spans": sorted(self.spans)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Emitted:
        """Raises KeyError, TypeError or ValueError for what `to_json` of this version has not made."""
        if given["version"] != VERSION:
            raise ValueError(f"version {given['version']}, and not {VERSION}")
        metrics = (
            Metric(
                str(one["name"]),
                cast(InstrumentKind, str(one["kind"])),
                str(one["unit"]),
                cast(MetricClient, str(one["client"])),
                {str(label): tuple(map(str, values)) for label, values in dict(one["labels"]).items()},
                bool(one["measured"]),
            )
            for one in given["metrics"]
        )
        return cls(_merged(metrics), frozenset(map(str, given["spans"])))


@dataclass(frozen=True, slots=True)
class Provoked:
    """What a loop did when its user tried an injection in plain words, and the instruments that its modules hold, used or not."""

    conversation: Conversation
    instruments: tuple[Instrument, ...]


@functools.lru_cache(maxsize=2_000)
def words_in(name: str) -> frozenset[str]:
    """`agentTool_errors.total` has four: agent, tool, errors and total."""
    return frozenset(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))


def _labels(attributes: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {str(label): _values(str(label), value) for label, value in attributes.items()}


def _values(label: str, value: Any) -> tuple[str, ...]:
    if TELLING.isdisjoint(words_in(label)):
        return ()
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return (text,) if WORD.fullmatch(text) else ()


def _merged(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    found: dict[tuple[str, str, str, str], Metric] = {}
    for one in metrics:
        known = found.get(one.key)
        if known is None:
            found[one.key] = one
            continue
        labels = dict(known.labels)
        for label, values in one.labels.items():
            labels[label] = tuple(sorted({*labels.get(label, ()), *values}))[:MANY]
        found[one.key] = Metric(one.name, one.kind, one.unit, one.client, labels, known.measured or one.measured)
    ordered = (found[key] for key in sorted(found))
    return tuple(Metric(one.name, one.kind, one.unit, one.client, dict(sorted(one.labels.items())), one.measured) for one in ordered)
