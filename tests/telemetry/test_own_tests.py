"""A project's own tests of its spans, and plugins that trace tests, go on as they did beside ours; in several processes, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PLAIN = ("-p", "no:randomly", "-p", "no:asyncio", "-p", "no:cacheprovider")
SHOP = """
import requests
from opentelemetry import trace

tracer = trace.get_tracer("shop")


def get_order(order_id: str) -> dict:
    \"\"\"The state of an order.\"\"\"
    with tracer.start_as_current_span("execute_tool get_order") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
        return {"status": "success", "data": requests.get(f"http://api.example.com/orders/{order_id}", timeout=4).json()["state"]}
"""
ORDERS = """ORDERS = {"GET http://api.example.com/orders/{id}": {"state": "shipped"}}"""
EXPORTED = """
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture(scope="session")
def exporter():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter):
    exporter.clear()
    return exporter.get_finished_spans
"""
TESTS = f"""
import sys

import pytest
from shop import get_order

{ORDERS}


def test_before(spans, agent_world):
    agent_world.backend(ORDERS)
    assert get_order("7")["status"] == "success"
    (span,) = spans()
    assert span.name == "execute_tool get_order"
    assert (span.parent is None) == ("tracing" not in sys.modules)
    assert "get_order" in agent_world.trace


@pytest.mark.agent_tool(tool=get_order, args={{"order_id": "7"}}, backend=ORDERS)
def test_called(spans, agent_tool):
    assert agent_tool(order_id="7")["data"] == "shipped"
    assert [span.name for span in spans()] == [span.name for span in agent_tool.run.telemetry.spans] == ["execute_tool get_order"]


@pytest.mark.agent_tool(tool=get_order, args={{"order_id": "7"}}, backend=ORDERS)
def test_get_order(readiness_check):
    readiness_check()


@pytest.mark.parametrize("times", range(3))
def test_after(spans, agent_world, times):
    agent_world.backend(ORDERS)
    get_order("7")
    assert len(spans()) == 1
"""
TRACED = """
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

SPANS = []
PROVIDER = TracerProvider()
PROVIDER.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: SPANS.append(span) or "")))
TRACER = PROVIDER.get_tracer("tests")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    with TRACER.start_as_current_span(item.nodeid):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    with TRACER.start_as_current_span("call") as span:
        yield
    assert span.is_recording() is False and trace.get_current_span().name == item.nodeid


def pytest_sessionfinish(session):
    tests = {span.context.span_id: span.name for span in SPANS if span.name != "call"}
    calls = [tests[span.parent.span_id] for span in SPANS if span.name == "call"]
    assert sorted(calls) == sorted(tests.values()), calls
    assert len({span.context.trace_id for span in SPANS}) == len(tests) == session.testscollected
    print(f"\\ntraced {len(tests)} tests")
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(shop=SHOP, test_shop=TESTS)
    return pytester


def outcomes(shop: pytest.Pytester, *args: str) -> dict[str, str]:
    """Of the project's own tests, which all pass, and of the checks of its spans."""
    chosen = "AR801 or AR202 or before or called or after"
    result = shop.runpytest_subprocess(*PLAIN, "--agentready-report", "json:report.json", "-s", "-k", chosen, *args)
    result.assert_outcomes(passed=7)
    report = json.loads((Path(shop.path) / "report.json").read_text(encoding="utf-8"))
    return {one["node"]: one["outcome"] for one in report["results"]}


def test_the_users_own_exporter_gets_its_spans_before_and_after_an_examination(shop: pytest.Pytester) -> None:
    shop.makeconftest(EXPORTED)
    assert sorted(outcomes(shop).values()) == ["passed", "passed"]


def test_a_plugin_that_traces_tests_is_not_disturbed(shop: pytest.Pytester) -> None:
    shop.makeconftest(EXPORTED)
    shop.makepyfile(tracing=TRACED)
    assert sorted(outcomes(shop, "-p", "tracing").values()) == ["passed", "passed"]


def test_each_process_of_a_distributed_run_captures_for_itself(shop: pytest.Pytester) -> None:
    shop.makeconftest(EXPORTED)
    assert sorted(outcomes(shop, "-n", "2").values()) == ["passed", "passed"]
