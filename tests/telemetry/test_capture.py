"""Spans are captured whatever the set-up of the user's code, and nothing of that is touched."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Link, Status, StatusCode

from pytest_agentready.domain import Telemetry
from pytest_agentready.world import observe

module_level = trace.get_tracer("shop")


@pytest.fixture(autouse=True)
def _nothing_is_set() -> Iterator[None]:
    """What a test sets for the whole process goes with it."""
    yield
    forget_providers()
    module_level._real_tracer = None  # type: ignore[attr-defined]


def forget_providers() -> None:
    """As opentelemetry-test-utils does between the tests of a project that uses it."""
    trace._TRACER_PROVIDER_SET_ONCE = trace.Once()
    trace._TRACER_PROVIDER = None
    trace._PROXY_TRACER_PROVIDER = trace.ProxyTracerProvider()


def told(call: Any) -> Telemetry:
    telemetry = observe(call, {}).telemetry
    assert telemetry.loaded
    return telemetry


def spans_of(call: Any) -> list[tuple[str, bool]]:
    return [(span.name, span.sampled) for span in told(call).spans]


def traced(tracer: Any) -> Any:
    def call() -> None:
        with tracer.start_as_current_span("outer") as span:
            span.set_attribute("tool.name", "get_order")
            with tracer.start_as_current_span("inner"):
                pass

    return call


BOTH = [("outer", True), ("inner", True)]


def exported_by(sampler: Any = None, batch: bool = False) -> tuple[TracerProvider, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(BatchSpanProcessor(exporter) if batch else SimpleSpanProcessor(exporter))
    return provider, exporter


def names_in(exporter: InMemorySpanExporter) -> list[str]:
    return [span.name for span in exporter.get_finished_spans()]


# -- whose provider it is, and since when


def test_a_tracer_of_the_api_is_served_in_every_run_and_keeps_nothing_of_it() -> None:
    for _ in range(3):
        telemetry = told(traced(module_level))
        outer, inner = telemetry.spans
        assert (outer.name, outer.attributes, inner.parent) == ("outer", {"tool.name": "get_order"}, outer.id)
        assert (outer.scope, inner.scope) == ("shop", "shop")
        assert telemetry.reaches_root(inner)
        assert outer.where.startswith(__file__)
    assert module_level._real_tracer is None  # type: ignore[attr-defined]
    assert trace._TRACER_PROVIDER is None


def test_a_tracer_that_a_run_has_served_binds_itself_to_the_provider_that_is_set_later() -> None:
    assert spans_of(traced(module_level)) == BOTH
    provider, exporter = exported_by()
    trace.set_tracer_provider(provider)
    traced(module_level)()
    assert names_in(exporter) == ["inner", "outer"]
    assert spans_of(traced(module_level)) == BOTH
    assert names_in(exporter) == ["inner", "outer"] * 2


def test_a_provider_that_is_set_within_the_run_is_gone_with_it() -> None:
    def call() -> None:
        trace.set_tracer_provider(TracerProvider())
        traced(trace.get_tracer("shop"))()

    for _ in range(3):
        assert spans_of(call) == BOTH
        assert trace._TRACER_PROVIDER is None


def test_the_second_provider_is_refused_as_ever_and_its_spans_are_seen(caplog: pytest.LogCaptureFixture) -> None:
    first, _ = exported_by()
    second, exporter = exported_by()
    trace.set_tracer_provider(first)
    trace.set_tracer_provider(second)
    assert "Overriding of current TracerProvider is not allowed" in caplog.text
    assert spans_of(traced(second.get_tracer("shop"))) == BOTH
    assert spans_of(traced(trace.get_tracer("shop"))) == BOTH
    assert names_in(exporter) == ["inner", "outer"]


@pytest.mark.parametrize("batch", [True, False])
def test_a_private_provider_keeps_its_own_exporter(batch: bool) -> None:
    provider, exporter = exported_by(batch=batch)
    assert spans_of(traced(provider.get_tracer("shop"))) == BOTH
    assert names_in(exporter) == ([] if batch else ["inner", "outer"])
    provider.force_flush()
    assert names_in(exporter) == ["inner", "outer"]
    provider.shutdown()


def test_a_provider_that_was_shut_down_hides_nothing() -> None:
    provider, exporter = exported_by()
    provider.shutdown()
    assert spans_of(traced(provider.get_tracer("shop"))) == BOTH
    assert names_in(exporter) == []


def test_a_provider_that_the_run_shuts_down_hides_nothing() -> None:
    def call() -> None:
        provider, _ = exported_by(batch=True)
        traced(provider.get_tracer("shop"))()
        provider.shutdown()
        traced(provider.get_tracer("shop"))()

    assert spans_of(call) == BOTH * 2


def test_a_reset_of_the_globals_between_two_tests_loses_nothing() -> None:
    """As opentelemetry-test-utils does it: the module's tracer stays with the provider of the first test."""
    for times in range(1, 4):
        provider, exporter = exported_by()
        trace.set_tracer_provider(provider)
        assert spans_of(traced(module_level)) == BOTH
        assert bool(names_in(exporter)) == (times == 1)
        forget_providers()


def test_the_base_class_of_opentelemetrys_own_test_utilities_gets_its_spans() -> None:
    utilities = pytest.importorskip("opentelemetry.test.test_base")

    class ATest(utilities.TestBase):  # type: ignore[misc,name-defined]
        def runTest(self) -> None:
            assert spans_of(traced(trace.get_tracer("shop"))) == BOTH
            assert [span.name for span in self.get_finished_spans()] == ["inner", "outer"]

    for _ in range(2):
        assert ATest().run().wasSuccessful()


# -- what is not exported


def test_what_a_sampler_drops_is_seen_and_still_not_exported() -> None:
    provider, exporter = exported_by(ALWAYS_OFF)
    assert spans_of(traced(provider.get_tracer("shop"))) == [("outer", False), ("inner", False)]
    assert names_in(exporter) == []
    with provider.get_tracer("shop").start_as_current_span("after") as span:
        assert not span.is_recording()


class Everything(SpanProcessor):
    """Looks at no flag."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        self.seen.append(f"+{span.name}")

    def on_end(self, span: Any) -> None:
        self.seen.append(f"-{span.name}")


def test_no_processor_gets_to_see_what_a_sampler_drops() -> None:
    provider, processor = TracerProvider(sampler=ALWAYS_OFF), Everything()
    provider.add_span_processor(processor)
    assert len(spans_of(traced(provider.get_tracer("shop")))) == 2
    assert processor.seen == []
    kept = TracerProvider()
    kept.add_span_processor(processor)
    traced(provider.get_tracer("shop"))
    assert spans_of(traced(kept.get_tracer("shop"))) == BOTH
    assert processor.seen == ["+outer", "+inner", "-inner", "-outer"]


@pytest.mark.parametrize("sampler", [TraceIdRatioBased(0.01), ParentBased(TraceIdRatioBased(0.01)), ParentBased(ALWAYS_OFF)])
def test_within_the_root_a_ratio_lets_everything_through(sampler: Sampler) -> None:
    """The root's trace is the same each time, and sampled: what is seen does not depend on chance."""
    provider, _ = exported_by(sampler)
    assert spans_of(traced(provider.get_tracer("shop"))) == BOTH


def test_a_processor_that_raises_hides_nothing() -> None:
    class Broken(SpanProcessor):
        def on_start(self, span: Span, parent_context: Any = None) -> None:
            raise RuntimeError("no room left")

    provider = TracerProvider()
    provider.add_span_processor(Broken())
    run = observe(traced(provider.get_tracer("shop")), {})
    assert [(span.name, span.ended) for span in run.telemetry.spans] == [("outer", None)]
    assert run.raised is not None
    assert run.raised.message == "no room left"


def test_a_span_that_is_never_ended_says_so() -> None:
    def call() -> None:
        module_level.start_span("forgotten")

    (span,) = told(call).spans
    assert (span.ended, span.seconds) == (None, None)


def test_a_span_that_was_begun_before_the_run_is_none_of_it() -> None:
    provider, exporter = exported_by()
    span = provider.get_tracer("shop").start_span("long")

    def call() -> None:
        span.set_attribute("seen", True)
        span.end()

    assert told(call).spans == ()
    assert names_in(exporter) == ["long"]


# -- switched off


def test_a_disabled_sdk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    telemetry = told(traced(module_level))
    assert (telemetry.spans, telemetry.disabled) == ((), True)


def test_a_provider_that_was_made_while_the_sdk_was_disabled_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    trace.set_tracer_provider(TracerProvider())
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    telemetry = told(traced(module_level))
    assert telemetry.spans == ()
    assert telemetry.disabled or not hasattr(TracerProvider, "_disabled")


@pytest.mark.parametrize("within", [True, False])
def test_a_provider_that_makes_no_spans_is_said(within: bool) -> None:
    def call() -> None:
        if within:
            trace.set_tracer_provider(trace.NoOpTracerProvider())
        traced(trace.get_tracer("shop"))()

    if not within:
        trace.set_tracer_provider(trace.NoOpTracerProvider())
    telemetry = told(call)
    assert (telemetry.spans, telemetry.disabled) == ((), True)


def test_nothing_is_switched_off_by_default() -> None:
    assert not told(traced(module_level)).disabled


# -- what a span says


def test_events_links_status_and_exceptions_are_kept() -> None:
    def call() -> None:
        with module_level.start_as_current_span("asked", kind=trace.SpanKind.CLIENT) as asked:
            asked.add_event("retried", {"attempt": 2})
        try:
            with module_level.start_as_current_span("failed", links=[Link(asked.get_span_context())]) as span:
                span.set_attributes({"sizes": [1, 2], "name": "x"})
                raise TimeoutError("too slow")
        except TimeoutError:
            pass
        with module_level.start_as_current_span("told") as span:
            span.set_status(Status(StatusCode.OK))
            span.record_exception(ValueError("odd"))
            span.update_name("renamed")

    asked, failed, renamed = told(call).spans
    assert (asked.kind, [(event.name, event.attributes) for event in asked.events]) == ("client", [("retried", {"attempt": 2})])
    assert (failed.links, failed.status, failed.description) == ((asked.id,), "error", "TimeoutError: too slow")
    assert failed.attributes == {"sizes": (1, 2), "name": "x"}
    assert failed.events[0].name == "exception"
    assert failed.events[0].attributes["exception.type"] == "TimeoutError"
    assert (renamed.name, renamed.status, renamed.events[0].attributes["exception.message"]) == ("renamed", "ok", "odd")


def test_a_span_lasts_as_long_as_the_virtual_clock_says() -> None:
    import time

    def call() -> None:
        time.sleep(2)
        with module_level.start_as_current_span("slow"):
            time.sleep(30)

    (span,) = told(call).spans
    assert span.began == pytest.approx(2)
    assert span.seconds == pytest.approx(30)


def test_the_users_own_ids_and_chance_are_not_touched() -> None:
    """The root has an id of its own, so that no random number is drawn for it."""

    def drawn(call: Any) -> float:
        random.seed(7)
        call()
        return random.random()

    provider, _ = exported_by()
    inside: list[float] = []
    observe(lambda: inside.append(drawn(lambda: provider.get_tracer("shop").start_span("a").end())), {})
    assert inside[0] == drawn(lambda: provider.get_tracer("shop").start_span("a", context=sampled_parent()).end())


def sampled_parent() -> Any:
    context = trace.SpanContext(1, 1, is_remote=False, trace_flags=trace.TraceFlags(1))
    return trace.set_span_in_context(trace.NonRecordingSpan(context))


def test_a_span_that_is_made_afterwards_lasts_as_long_as_it_says() -> None:
    """As some instrumentations do: the request is over, and its span is begun with the moment at which that was sent."""
    import time

    def call() -> None:
        time.sleep(10)
        began = time.time_ns()
        time.sleep(3)
        ended = time.time_ns()
        time.sleep(4)
        module_level.start_span("afterwards", start_time=began).end(ended)

    (span,) = told(call).spans
    assert (span.began, span.seconds) == (pytest.approx(10), pytest.approx(3))
