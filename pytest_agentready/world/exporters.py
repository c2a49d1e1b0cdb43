"""Exporters of telemetry: what they would send, print or store of a run is none of the run's doing, and stays unsaid.

An OTLP exporter has ten seconds of patience and tries again and again; where a processor exports at the end of each span it does so in the
middle of a tool. Its peer is none of the tool's, its attempts are not the tool's, what it prints is not what the user was told, and spans
and logs of simulated calls are not to mix with real ones in somebody's dashboard. So the SDK's processors hand nothing on to an exporter
that leaves the process, as long as the thread works for a run. Exporters that keep in memory what they get, and those that the user has
written, get everything; and so does that of a plugin that traces the tests themselves, for its spans are none of the user's code.

Metrics are not exported within a run either, but what was measured stays: the user's own provider adds it up, for a reader in memory that
a test may ask, and an exporter that is set up in the tests sends the sum at the next collection.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.telemetry.capture import Replacement
from pytest_agentready.world import active, stack

SPANS = "opentelemetry.sdk.trace.export"
LOGS = "opentelemetry.sdk._logs.export"
METRICS = "opentelemetry.sdk.metrics.export"
BATCHES = "opentelemetry.sdk._shared_internal"
# Where the SDK hands on what it has: the method, and what it gives where it does not. Older releases have some of them, newer ones others.
DOORS: dict[str, dict[str, dict[str, Any]]] = {
    SPANS: {
        "SimpleSpanProcessor": {"on_end": None},
        "BatchSpanProcessor": {"on_end": None, "force_flush": True, "_drain_queue": None},
    },
    LOGS: {
        "SimpleLogRecordProcessor": {"on_emit": None, "emit": None},
        "BatchLogRecordProcessor": {"on_emit": None, "emit": None, "force_flush": True, "_drain_queue": None},
    },
    BATCHES: {"BatchProcessor": {"_export": None}},
    METRICS: {"PeriodicExportingMetricReader": {"_receive_metrics": None}},
}
KEEPS = ("memory", "test", "fake", "mock", "dummy")  # in the name of an exporter that is there to be looked at


def _of(module: str) -> Iterator[Replacement]:
    for name, methods in DOORS[module].items():
        cls = getattr(sys.modules[module], name, None)
        for method, result in methods.items():
            if method in vars(cls or object):
                yield Replacement(cls, method, _kept_shut(vars(cls)[method], result))


MODULES: dict[str, Callable[[], Iterator[Replacement]]] = {module: functools.partial(_of, module) for module in DOORS}


def loaded() -> Iterator[Replacement]:
    for module, replacements in MODULES.items():
        if module in sys.modules:
            yield from replacements()


def _kept_shut(original: Callable[..., Any], result: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def hand_on(self: Any, *args: Any, **kwargs: Any) -> Any:
        world = active.world
        if world is None or not world.concerned or not _leaves(_exporter(self)):
            return original(self, *args, **kwargs)
        span = getattr(getattr(args[0], "context", None), "span_id", None) if args else None
        if span is not None and not world.telemetry.owns(span):
            return original(self, *args, **kwargs)
        return result

    return hand_on


def _exporter(processor: Any) -> Any:
    batches = getattr(processor, "_batch_processor", processor)
    return getattr(batches, "_exporter", None) or getattr(batches, "span_exporter", None)


def _leaves(exporter: Any) -> bool:
    """Does what it is given go to a peer, a file or the terminal? Those of libraries do, but for such as are made for tests.

    Not remembered: what is a library's depends on whose subject runs.
    """
    cls = type(exporter)
    exports = next((base for base in cls.__mro__ if "export" in vars(base)), cls)
    code = getattr(vars(exports).get("export"), "__code__", None)
    names = f"{exports.__module__}.{exports.__name__}".lower()
    return code is not None and not stack.is_users(code) and not any(word in names for word in KEEPS)
