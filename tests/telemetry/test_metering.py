"""Measurements are seen whatever the set-up of the user's code, each once, and nothing of that is touched."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import _internal as api
from opentelemetry.metrics._internal.instrument import _ProxyCounter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics._internal import instrument as sdk
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client import metrics as prometheus

from pytest_agentready.domain import Instrument
from pytest_agentready.telemetry.metering import declared, instrument_of
from pytest_agentready.world import observe

module_level = metrics.get_meter("shop").create_counter("Shop.orders", unit="{order}")
Seen = list[tuple[str, str, float, dict[str, Any]]]


def measured(call: Callable[[], object]) -> Seen:
    return [(one.name, one.kind, one.value, dict(one.attributes)) for one in observe(call, {}).telemetry.measurements]


def exported(reader: InMemoryMetricReader) -> dict[str, float]:
    data: Any = reader.get_metrics_data()
    found = [metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics] if data else []
    return {metric.name: getattr(point, "value", None) or point.sum for metric in found for point in metric.data.data_points}


def test_an_instrument_of_the_api_is_seen_in_every_run_where_no_provider_is_set() -> None:
    for _ in range(2):
        assert measured(lambda: module_level.add(2, {"user": "ada"})) == [("shop.orders", "counter", 2, {"user": "ada"})]
    assert module_level._real_instrument is None  # type: ignore[attr-defined]
    assert api._METER_PROVIDER is None


def test_it_counts_once_where_it_has_an_instrument_of_the_sdk_behind_it() -> None:
    reader = InMemoryMetricReader()
    proxy = _ProxyCounter("shop.sales")
    proxy.on_meter_set(MeterProvider([reader]).get_meter("shop"))
    assert measured(lambda: proxy.add(3)) == [("shop.sales", "counter", 3, {})]
    assert exported(reader) == {"shop.sales": 3}


def test_each_kind_of_the_sdk_is_seen_and_still_exported() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("shop")
    counter, level = meter.create_counter("orders"), meter.create_up_down_counter("open")
    histogram, gauge = meter.create_histogram("seconds", unit="s"), meter.create_gauge("queue")

    def call() -> None:
        counter.add(amount=1, attributes={"kind": "book"})
        level.add(-1)
        histogram.record(0.5)
        gauge.set(7)

    first: Seen = [("orders", "counter", 1, {"kind": "book"}), ("open", "updowncounter", -1, {})]
    assert measured(call) == [*first, ("seconds", "histogram", 0.5, {}), ("queue", "gauge", 7, {})]
    assert exported(reader) == {"orders": 1, "open": -1, "seconds": 0.5, "queue": 7}


def test_each_kind_of_prometheus_client_is_seen_and_still_collected() -> None:
    registry = CollectorRegistry()
    counter = Counter("calls_total", "Calls.", ["tool"], registry=registry)
    gauge, summary = Gauge("open", "Open.", registry=registry), Summary("size", "Size.", registry=registry)
    histogram = Histogram("seconds", "Time.", registry=registry)

    def call() -> None:
        counter.labels("buy").inc()
        counter.labels(tool="buy").inc(amount=2)
        gauge.inc()
        gauge.dec(3)
        gauge.set(value=5)
        summary.observe(8)
        histogram.observe(amount=0.25)

    moved: Seen = [("open", "gauge", 1, {}), ("open", "gauge", -3, {}), ("open", "gauge", 5, {})]
    bought: Seen = [("calls", "counter", 1, {"tool": "buy"}), ("calls", "counter", 2, {"tool": "buy"})]
    assert measured(call) == [*bought, *moved, ("size", "summary", 8, {}), ("seconds", "histogram", 0.25, {})]
    assert registry.get_sample_value("calls_total", {"tool": "buy"}) == 3
    assert registry.get_sample_value("open") == 5


def test_what_a_library_refuses_or_lets_go_is_no_measurement() -> None:
    counter = MeterProvider().get_meter("shop").create_counter("orders")
    labelled = Counter("refusals", "None.", ["tool"], registry=CollectorRegistry())

    def call() -> str:
        counter.add(-1)
        try:
            labelled.inc()
        except ValueError as refused:
            return str(refused)
        return ""

    assert measured(call) == []


def test_what_the_sdk_measures_of_itself_is_left_out() -> None:
    counter = MeterProvider().get_meter("opentelemetry-sdk").create_counter("otel.sdk.span.started")
    assert measured(lambda: counter.add(1)) == []


def test_a_thread_of_the_call_counts_and_one_beside_it_does_not() -> None:
    go, done = threading.Event(), threading.Event()

    def beside() -> None:
        while not done.wait(0.01):
            if go.is_set():
                module_level.add(100)

    heartbeat = threading.Thread(target=beside, daemon=True)
    heartbeat.start()

    def call() -> None:
        go.set()
        worker = threading.Thread(target=module_level.add, args=(1,))
        worker.start()
        worker.join()

    try:
        assert [value for _, _, value, _ in measured(call)] == [1]
    finally:
        done.set()
        heartbeat.join()


def test_the_classes_are_as_they_were_after_a_run() -> None:
    def methods() -> list[Any]:
        return [sdk.Counter.add, sdk.Histogram.record, _ProxyCounter.add, prometheus.Counter.inc, prometheus.Gauge.set]

    before, during = methods(), []
    observe(lambda: during.extend(methods()), {})
    assert methods() == before
    assert all(one is not other for one, other in zip(before, during, strict=True))


def test_instruments_are_named_whether_or_not_they_are_used_and_no_callback_is_called() -> None:
    meter = importlib.import_module("opentelemetry.metrics").get_meter("shop")  # as it is now: a test before may have reset it
    kept = meter.create_counter("Shop.orders", unit="{order}")
    meter.create_observable_gauge("shop.queue", [lambda _: 1 / 0])
    found = declared()
    assert instrument_of(kept) in found
    assert Instrument("shop.orders", "counter", "{order}") in found
    assert Instrument("shop.queue", "gauge", observed=True) in found
    assert instrument_of(Counter("x_total", "X.", ["tool"], registry=CollectorRegistry())) == Instrument(
        "x", "counter", client="prometheus", labels=("tool",)
    )
    assert instrument_of(MeterProvider()) is None
    assert instrument_of("a counter") is None


def test_nothing_is_imported_that_the_code_has_not_imported() -> None:
    code = (
        "import sys; from pytest_agentready.world import observe; observe(lambda: None, {}); "
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'prometheus_client'))])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert finished.stdout.strip() == "[]"
