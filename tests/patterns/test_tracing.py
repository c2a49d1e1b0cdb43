"""The tracing to copy: what it tells by OpenTelemetry's conventions, what it leaves out, and that it passes the checks."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import openai
import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pytest_agentready.domain import Check
from pytest_agentready.patterns import tracing
from pytest_agentready.patterns.results import ToolResult
from tests.examining import as_loop, as_tool, engine, told

SOURCE = Path(tracing.__file__)


class Exported:
    """A project's own copy of the module, with an exporter behind it."""

    def __init__(self, module: ModuleType, exporter: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self.tracing: Any = module
        self._exporter = exporter
        self._reader = reader

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        found = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        return [point for metric in found if metric.name == name for point in metric.data.data_points]


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exported]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    monkeypatch.setattr(metrics, "get_meter", meters.get_meter)
    spec = importlib.util.spec_from_file_location("shop_tracing", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield Exported(module, exporter, reader)
    meters.shutdown()


def test_it_needs_the_api_alone() -> None:
    tree = ast.parse(SOURCE.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in names}
    assert not {"pytest", "pytest_agentready"} & roots
    assert {name for name in names if name.startswith("opentelemetry")} == {"opentelemetry", "opentelemetry.trace"}


def test_a_tool_a_model_and_the_agent_are_told_by_their_conventional_names(exported: Exported) -> None:
    with exported.tracing.agent_call("support", "session-1"):
        with exported.tracing.model_call("gpt-5.1", "openai") as model:
            model.used(120, 30, cost=0.002)
        with exported.tracing.tool_call("get_order", call_id="call_1") as tool:
            assert tool.returned({"status": "success", "retry_safe": True}) == {"status": "success", "retry_safe": True}
    spans = exported.spans
    assert spans["execute_tool get_order"].attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_order",
        "gen_ai.tool.call.id": "call_1",
        "tool.status": "success",
        "tool.retry_safe": True,
    }
    assert spans["chat gpt-5.1"].attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5.1",
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.usage.cost": 0.002,
    }
    agent = spans["invoke_agent support"]
    assert agent.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "support",
        "gen_ai.conversation.id": "session-1",
    }
    assert {span.parent.span_id for name, span in spans.items() if span is not agent and span.parent} == {agent.context.span_id}


def test_each_call_is_counted(exported: Exported) -> None:
    with exported.tracing.agent_call("support", "session-1"):
        for cost in (0.002, 0.003):
            with exported.tracing.model_call("gpt-5.1", "openai") as model:
                model.used(100, 20, cost=cost)
        with exported.tracing.tool_call("get_order"):
            pass
    exported.tracing.scanned(False)
    (tokens,) = exported.points("gen_ai.client.inference.usage.input_tokens")
    assert (tokens.value, tokens.attributes["gen_ai.request.model"]) == (200, "gpt-5.1")
    (cost,) = exported.points("agent.session.cost")
    assert (cost.count, cost.sum) == (1, pytest.approx(0.005))
    (seconds,) = exported.points("gen_ai.execute_tool.duration")
    assert seconds.attributes == {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"}
    assert exported.points("gen_ai.invoke_agent.duration")[0].explicit_bounds[0] < 0.1
    assert [exported.points(f"agent.injection.{name}")[0].value for name in ("scans", "detections")] == [1, 0]
    assert not any("session" in key for name in ("agent.session.cost",) for point in exported.points(name) for key in point.attributes)


def test_a_typed_error_is_an_error_of_the_span(exported: Exported) -> None:
    get_order = exported.tracing.traced_tool(_refused)
    assert get_order("42").status == "error"
    span = exported.spans["execute_tool _refused"]
    assert not span.status.is_ok
    assert span.attributes is not None
    assert (span.attributes["error.type"], span.attributes["tool.retry_safe"]) == ("transient", True)
    assert [(event.name, event.attributes) for event in span.events] == [
        ("exception", {"exception.type": "transient", "exception.message": "The service is down."})
    ]
    assert exported.points("gen_ai.execute_tool.duration")[0].attributes["error.type"] == "transient"


def _refused(order_id: str) -> ToolResult:
    return ToolResult.transient("The service is down.")


def test_an_exception_goes_on_and_is_told_without_its_secrets(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "a-key-of-no-known-form")

    async def look_up(order_id: str) -> str:
        raise ConnectionError(f"https://api:pw-123@shop.example.com/orders?key={order_id}: a-key-of-no-known-form, ada@example.com")

    with pytest.raises(ConnectionError, match="pw-123"):
        asyncio.run(exported.tracing.traced_tool(look_up)("42"))
    span = exported.spans["execute_tool look_up"]
    (event,) = span.events
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "builtins.ConnectionError"
    assert event.attributes["exception.message"] == span.status.description == "https://***@shop.example.com/orders?*** ***, ***"
    assert "look_up" in str(event.attributes["exception.stacktrace"])


@pytest.mark.parametrize(("asked", "is_told"), [("", False), ("true", True), ("SPAN_ONLY", True), ("NO_CONTENT", False)])
def test_arguments_are_told_where_that_is_asked_for_and_without_secrets(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, asked: str, is_told: bool
) -> None:
    monkeypatch.setenv(tracing.CONTENT, asked)

    def log_in(user: str, password: str, options: dict[str, Any]) -> None: ...

    exported.tracing.traced_tool(log_in)("ada", password="tuesday", options={"api_key": "k", "city": "Oslo"})
    found = exported.spans["execute_tool log_in"].attributes or {}
    assert ("gen_ai.tool.call.arguments" in found) is is_told
    if is_told:
        expected = {"user": "ada", "password": "***", "options": {"api_key": "***", "city": "Oslo"}}
        assert json.loads(str(found["gen_ai.tool.call.arguments"])) == expected


def test_the_context_is_carried_into_threads(exported: Exported) -> None:
    def look_up(number: int) -> int:
        with exported.tracing.tool_call(f"number_{number}"):
            return number

    with exported.tracing.agent_call("support"), ThreadPoolExecutor(4) as pool:
        assert list(pool.map(exported.tracing.carried(look_up), range(8))) == list(range(8))
    spans = exported.spans
    parents = {span.parent.span_id for name, span in spans.items() if name.startswith("execute_tool") and span.parent}
    assert parents == {spans["invoke_agent support"].context.span_id}


def test_a_call_with_arguments_that_do_not_fit_fails_as_ever(exported: Exported) -> None:
    with pytest.raises(TypeError, match="order_id"):
        exported.tracing.traced_tool(_refused)()
    assert not exported.spans["execute_tool _refused"].status.is_ok


# --- it passes the checks ----------------------------------------------------------------------------------------------

ORDERS = {"GET https://api.example.com/orders/{id}": {"state": "shipped"}}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_order",
            "description": "The state of an order.",
            "parameters": {
                "type": "object",
                "properties": {"order_id": {"type": "string"}, "email": {"type": "string"}},
                "required": ["order_id", "email"],
            },
        },
    }
]


@tracing.traced_tool
def get_order(order_id: str, email: str) -> dict[str, Any]:
    headers = tracing.outgoing({"Authorization": "Bearer s3cret-0f-the-shop"})
    try:
        response = httpx.get(f"https://api.example.com/orders/{order_id}", headers=headers, timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["state"]}
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        text = f"{error} with {headers} for {email}"
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": text}


def answer(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracing.agent_call("support", "session-1"):
        for _ in range(8):
            with tracing.model_call("gpt-5.1", "openai") as call:
                completion = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)  # type: ignore[arg-type]
                if completion.usage is not None:
                    call.used(completion.usage.prompt_tokens, completion.usage.completion_tokens, cost=0.001)
            message = completion.choices[0].message
            messages.append(message)
            if not message.tool_calls:
                return message.content or ""
            with ThreadPoolExecutor(4) as pool:
                results = list(pool.map(tracing.carried(lambda one: get_order(**json.loads(one.function.arguments))), message.tool_calls))
            for wanted, result in zip(message.tool_calls, results, strict=True):
                tracing.scanned("ignore all previous instructions" in str(result))
                messages.append({"role": "tool", "tool_call_id": wanted.id, "content": json.dumps(result)})
    return "I could not find that out."


TELEMETRY = [check for check in engine().registry.checks if check.id.startswith("AR8")]


@pytest.mark.parametrize("content", ["", "true"])
@pytest.mark.parametrize("check", TELEMETRY, ids=lambda check: check.label)
def test_a_tool_and_a_loop_that_are_traced_by_it_pass(check: Check, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.CONTENT, content)
    monkeypatch.setenv("SHOP_API_KEY", "s3cret-0f-the-shop")
    subjects = (
        as_tool(get_order, {"args": {"order_id": "42", "email": "ada@example.org"}, "backend": ORDERS}),
        as_loop(answer, {"backend": ORDERS}),
    )
    for subject in (subject for subject in subjects if subject.kind in check.about):
        verdict = engine().examine(subject, check)
        assert verdict.outcome.value == "passed", told(verdict)
