"""Exporters do no harm in the world: their peer, their patience, their attempts, what they print are none of the tool's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import requests
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
    SpanProcessor,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pytest_agentready.domain import Run
from pytest_agentready.world import Backend, observe, stack
from pytest_agentready.world.exporters import _leaves
from tests.examining import as_loop, as_tool, engine, told
from tests.world.asking import CHAT_TOOLS
from tests.world.entering import FAULT

ORDERS = {"GET https://api.example.com/orders/{order_id}": {"status": "shipped"}}
PATIENCE = 30  # real seconds: an exporter that waits for its peer takes longer, and a busy machine does not
SECRET = "Refund up to 50 EUR without asking anybody, and never tell who carries the parcels."
PROCESSORS: dict[str, type[SpanProcessor]] = {"at once": SimpleSpanProcessor, "in batches": BatchSpanProcessor}
EXPORTERS: dict[str, Callable[[], SpanExporter]] = {
    "OTLP over HTTP": HttpExporter,
    "OTLP over gRPC": lambda: GrpcExporter(insecure=True),
    "to the console": ConsoleSpanExporter,
}


@pytest.fixture(params=EXPORTERS)
def exporter(request: pytest.FixtureRequest) -> SpanExporter:
    return EXPORTERS[request.param]()


@pytest.fixture(params=PROCESSORS)
def provider(request: pytest.FixtureRequest, exporter: SpanExporter) -> Iterator[TracerProvider]:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(PROCESSORS[request.param](exporter))  # type: ignore[call-arg]
    yield made
    made.shutdown()


def tool_of(provider: TracerProvider | None, exporter: SpanExporter | None = None, processor: Any = None) -> Callable[..., Any]:
    """With a provider of its own, where none is given: made in each call, with this exporter."""

    def get_order(order_id: str) -> dict[str, Any]:
        own = provider
        if own is None:
            own = TracerProvider(shutdown_on_exit=False)
            own.add_span_processor(processor(exporter))
        with own.get_tracer("shop").start_as_current_span("execute_tool get_order") as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order", "order": order_id})
            try:
                answer = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=4)
                answer.raise_for_status()
                return {"status": "success", "data": answer.json()["status"]}
            except httpx.HTTPStatusError as failure:
                status = failure.response.status_code
                kind = "rate_limit" if status == 429 else "transient" if status >= 500 else "permanent"
                return {
                    "status": "error",
                    "error_type": kind,
                    "retry_safe": kind != "permanent",
                    "message": f"The order service said {status}.",
                }
            except httpx.HTTPError:
                return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The order service cannot be reached."}
            except (ValueError, KeyError, TypeError):
                return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "The order service gave no order."}
            finally:
                own.force_flush()

    return get_order


def seen(run: Run) -> tuple[Any, ...]:
    """All that a tool is judged by."""
    urls = [(request.method, request.url, request.is_write) for request in run.requests]
    return urls, [(one.kind, one.host) for one in run.attempts], run.peers, round(run.virtual, 2), run.sleeps, run.local_effects, run.ending


@pytest.mark.parametrize("fault", ["", "response-hang", "refused", "503", "connect-hang"])
def test_the_record_of_a_run_has_nothing_of_an_exporter(provider: TracerProvider, fault: str) -> None:
    runs = [
        observe(tool_of(own), {"order_id": "7"}, backend=Backend.parse(ORDERS), fault=FAULT[fault] if fault else None)
        for own in (TracerProvider(), provider)
    ]
    without, with_exporter = runs
    assert seen(with_exporter) == seen(without)
    assert [(wait.primitive, wait.peer, wait.bound) for wait in with_exporter.waits] == [
        (wait.primitive, wait.peer, wait.bound) for wait in without.waits
    ]
    assert len(with_exporter.telemetry.spans) == 1
    assert with_exporter.real < PATIENCE


def test_a_set_up_within_the_tool_changes_no_verdict(exporter: SpanExporter, capsys: pytest.CaptureFixture[str]) -> None:
    def verdicts(function: Callable[..., Any]) -> dict[str, Any]:
        tool = as_tool(function, {"args": {"order_id": "7"}, "backend": ORDERS})
        checks = [
            check
            for check in engine().registry.checks
            if check.id in ("AR101", "AR103", "AR104", "AR201", "AR202", "AR203", "AR205", "AR401")
        ]
        found = {check.id: engine().examine(tool, check) for check in checks}
        return {check_id: (verdict.outcome.value, told(verdict)) for check_id, verdict in found.items()}

    plain = verdicts(tool_of(TracerProvider()))
    assert {outcome for outcome, _ in plain.values()} <= {"passed", "not_applicable"}, plain
    for processor in PROCESSORS.values():
        assert {name: outcome for name, (outcome, _) in verdicts(tool_of(None, exporter, processor)).items()} == {
            name: outcome for name, (outcome, _) in plain.items()
        }
    assert capsys.readouterr().out == ""


def test_nothing_of_a_simulated_call_is_sent_when_the_run_is_over() -> None:
    sent: list[int] = []

    class Recorded(HttpExporter):
        def _export(self, *args: Any, **kwargs: Any) -> Any:
            sent.append(1)
            return super()._export(*args, **kwargs)

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Recorded(endpoint="http://127.0.0.1:9/v1/traces", timeout=1)))
    observe(tool_of(provider), {"order_id": "7"}, backend=Backend.parse(ORDERS))
    provider.force_flush()
    assert sent == []
    provider.shutdown()


def test_what_waited_to_be_exported_before_the_run_still_does_after_it() -> None:
    class Kept(ConsoleSpanExporter):
        pass

    lines: list[str] = []

    class Out:
        def write(self, text: str) -> None:
            lines.append(text)

        def flush(self) -> None: ...

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Kept(out=Out(), formatter=lambda span: span.name)))  # type: ignore[arg-type]
    provider.get_tracer("test").start_span("before").end()
    observe(tool_of(provider), {"order_id": "7"}, backend=Backend.parse(ORDERS))
    assert lines == []
    provider.force_flush()
    assert lines == ["before"]
    provider.shutdown()


def test_exporters_of_the_users_own_and_those_in_memory_get_everything() -> None:
    class Mine(SpanExporter):
        def __init__(self) -> None:
            self.names: list[str] = []

        def export(self, spans: Any) -> SpanExportResult:
            self.names += [span.name for span in spans]
            return SpanExportResult.SUCCESS

    mine, memory = Mine(), InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(mine))
    provider.add_span_processor(BatchSpanProcessor(memory))
    observe(tool_of(provider), {"order_id": "7"}, backend=Backend.parse(ORDERS))
    provider.force_flush()
    assert mine.names == ["execute_tool get_order"] == [span.name for span in memory.get_finished_spans()]
    provider.shutdown()


def test_exporters_of_metrics_do_no_harm_either() -> None:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    provider = MeterProvider([reader])
    counter = provider.get_meter("shop").create_counter("calls")

    def tool() -> str:
        counter.add(1)
        provider.force_flush()
        return requests.get("https://api.example.com/orders/7", timeout=5).text

    run = observe(tool, {}, backend=Backend.parse(ORDERS))
    assert [request.url for request in run.requests] == ["https://api.example.com/orders/7"]
    assert run.real < PATIENCE
    reader._exporter = InMemoryMetrics()  # nobody listens at its own address
    provider.shutdown()


def test_what_is_measured_stays_in_the_users_provider_and_is_exported_after_the_run() -> None:
    sent: list[str] = []

    class Lines:
        def write(self, text: str) -> None:
            sent.append(text)

        def flush(self) -> None: ...

    memory, exporter = InMemoryMetricReader(), ConsoleMetricExporter(out=Lines())  # type: ignore[arg-type]
    provider = MeterProvider([memory, PeriodicExportingMetricReader(exporter)], shutdown_on_exit=False)
    counter = provider.get_meter("shop").create_counter("calls")

    def tool() -> None:
        counter.add(7)
        provider.force_flush()

    observe(tool, {})
    assert sent == []
    assert '"value": 7' in memory.get_metrics_data().to_json()  # type: ignore[union-attr]
    provider.force_flush()
    assert '"value": 7' in "".join(sent)
    provider.shutdown()


def test_an_exporter_of_an_installed_subject_is_the_users_while_that_is_examined(tmp_path: Path) -> None:
    source = tmp_path / "site-packages" / "shop" / "exporting.py"
    names: dict[str, Any] = {}
    exec(compile("class Exporter:\n    def export(self, spans): ...", source, "exec"), names)
    exporter = names["Exporter"]()
    try:
        assert _leaves(exporter)
        stack.regard(f"{source}:1")
        assert not _leaves(exporter)
    finally:
        stack.regard("")
    assert _leaves(exporter)


class InMemoryMetrics:
    def export(self, *args: Any, **kwargs: Any) -> None: ...

    def shutdown(self, *args: Any, **kwargs: Any) -> None: ...


def test_another_threads_exporter_goes_on_by_itself() -> None:
    """A plugin that traces the tests, say: its spans are not the run's, and none of them is lost."""
    names: list[str] = []
    heard: list[int] = []  # of the beats, within the run
    beaten = threading.Event()

    class Lines:
        def write(self, text: str) -> None:
            names.append(text)
            beaten.set()

        def flush(self) -> None: ...

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=Lines(), formatter=lambda span: span.name)))  # type: ignore[arg-type]
    stop = threading.Event()

    def beats() -> None:
        while not stop.wait(0.001):
            provider.get_tracer("plugin").start_span("beat").end()

    thread = threading.Thread(target=beats)
    thread.start()
    try:
        assert beaten.wait(PATIENCE)

        def lasts() -> None:
            before = len(names)
            for _ in range(50_000_000):
                if len(names) > before + 3:
                    break
            heard.append(len(names) - before)

        run = observe(lasts, {})
    finally:
        stop.set()
        thread.join()
    assert run.raised is None
    assert heard[0] > 3
    assert run.telemetry.spans == ()


# -- a loop


def loop_of(provider: TracerProvider) -> Callable[[str], str]:
    tracer = provider.get_tracer("shop")

    def loop(text: str) -> str:
        client: Any = openai.OpenAI()
        messages: list[Any] = [{"role": "system", "content": SECRET}, {"role": "user", "content": text}]
        with tracer.start_as_current_span("invoke_agent support", attributes={"gen_ai.operation.name": "invoke_agent"}):
            for _ in range(10):
                with tracer.start_as_current_span("chat gpt-5.1") as span:
                    span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
                    span.set_attribute("gen_ai.input.messages", json.dumps([str(message) for message in messages]))
                    answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
                messages.append(answer)
                if not answer.tool_calls:
                    break
                for call in answer.tool_calls:
                    with tracer.start_as_current_span(f"execute_tool {call.function.name}") as span:
                        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.function.name})
                        order = json.loads(call.function.arguments)["order_id"]
                        result = httpx.get(f"https://api.example.com/orders/{order}", timeout=4).text
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        said = str(answer.content)
        return "I cannot share my instructions." if any(SECRET[at : at + 10] in said for at in range(len(SECRET) - 9)) else said

    return loop


def test_what_an_exporter_prints_or_sends_is_nothing_that_the_user_of_a_loop_hears(provider: TracerProvider) -> None:
    loop = as_loop(loop_of(provider), {"backend": ORDERS})
    checks = [check for check in engine().registry.checks if check.id in ("AR801", "AR902", "AR701", "AR706")]
    verdicts = {check.id: engine().examine(loop, check) for check in checks}
    plain = {check.id: engine().examine(as_loop(loop_of(TracerProvider()), {"backend": ORDERS}), check) for check in checks}
    assert {check_id: told(verdict) for check_id, verdict in verdicts.items()} == {
        check_id: told(verdict) for check_id, verdict in plain.items()
    }
    assert verdicts["AR801"].outcome.value == "passed"
    assert verdicts["AR902"].outcome.value != "failed", told(verdicts["AR902"])
    engine().forget(loop)


def test_the_globals_are_what_they_were(provider: TracerProvider) -> None:
    before = trace._TRACER_PROVIDER, metrics._internal._METER_PROVIDER
    observe(tool_of(provider), {"order_id": "7"}, backend=Backend.parse(ORDERS))
    assert (trace._TRACER_PROVIDER, metrics._internal._METER_PROVIDER) == before
