"""The names that Prometheus knows metrics and labels by: those of prometheus_client as they are, those of OpenTelemetry as its exporters
write them, with the dots and the units spelled out (`gen_ai.execute_tool.duration` in `s` is `gen_ai_execute_tool_duration_seconds`)."""

from __future__ import annotations

import re

from pytest_agentready.domain import Metric

TIMES = {"d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
SIZES = {"By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "KBy": "kilobytes", "MBy": "megabytes"}
OTHERS = {"GBy": "gigabytes", "m": "meters", "Hz": "hertz", "Cel": "celsius", "%": "percent", "1": ""}
UNITS = TIMES | SIZES | OTHERS  # UCUM, as the rules of OpenTelemetry's compatibility with Prometheus spell it out
PER = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
REMARK = re.compile(r"\{.*\}")  # `{token}` is no unit, and is not written


def base(metric: Metric) -> str:
    """The name of the family, without `_total`, `_bucket` and the like."""
    if metric.client == "prometheus":
        return metric.name
    name = re.sub(r"[^a-zA-Z0-9:]+", "_", metric.name)
    if name[:1].isdigit():
        name = f"_{name[1:]}"
    if metric.kind == "counter":
        name = name.removesuffix("_total")
    unit = _unit(metric.unit)
    return name if not unit or name.endswith(f"_{unit}") else f"{name}_{unit}"


def series(metric: Metric) -> str:
    """What it is looked up by: that of a histogram in a query is one of `_bucket`, `_count` and `_sum` behind it."""
    return f"{base(metric)}_total" if metric.kind == "counter" else base(metric)


def label(name: str) -> str:
    made = re.sub(r"[^a-zA-Z0-9]+", "_", name)
    return f"_{made[1:]}" if made[:1].isdigit() else made


def _unit(unit: str) -> str:
    unit = REMARK.sub("", unit)
    if unit in UNITS:
        return UNITS[unit]
    above, slash, below = unit.partition("/")
    if slash and below:
        above, below = UNITS.get(above, _plain(above)), PER.get(below, _plain(below))
        return f"{above}_per_{below}" if above else f"per_{below}"
    return _plain(unit)


def _plain(unit: str) -> str:
    return re.sub(r"[^a-zA-Z0-9:]+", "_", unit).strip("_")
