"""The official instrumentations of httpx and requests, with keys in different places: what they tell, and what the peers get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import requests
from opentelemetry import trace

from tests.examining import as_tool, engine, told

of_httpx = pytest.importorskip("opentelemetry.instrumentation.httpx")
of_requests = pytest.importorskip("opentelemetry.instrumentation.requests")

ORDERS = "https://api.example.com/orders"
KEY = "dk-7f2c41a9b6e84d03a5"
tracer = trace.get_tracer("shop")


@pytest.fixture(autouse=True)
def instrumented() -> Iterator[None]:
    instrumentors = [of_httpx.HTTPXClientInstrumentor(), of_requests.RequestsInstrumentor()]
    for instrumentor in instrumentors:
        instrumentor.instrument()
    yield
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


def read(ask: Callable[[], Any]) -> dict[str, Any]:
    with tracer.start_as_current_span("execute_tool find"):
        try:
            response = ask()
            response.raise_for_status()
            return {"status": "success", "data": response.json()}
        except (httpx.HTTPError, requests.RequestException, ValueError):
            return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The order cannot be looked up."}


def httpx_with_a_key_in_the_query(order: str) -> dict[str, Any]:
    return read(lambda: httpx.get(ORDERS, params={"order": order, "api_key": KEY}, timeout=4))


def requests_with_a_key_in_the_query(order: str) -> dict[str, Any]:
    return read(lambda: requests.get(ORDERS, params={"order": order, "api_key": KEY}, timeout=4))


def httpx_with_a_key_in_a_header(order: str) -> dict[str, Any]:
    return read(lambda: httpx.get(ORDERS, params={"order": order}, headers={"X-Api-Key": KEY}, timeout=4))


def requests_with_a_password_in_the_address(order: str) -> dict[str, Any]:
    """Which the instrumentation leaves out by itself."""
    return read(lambda: requests.get(f"https://app:{KEY}@api.example.com/orders", params={"order": order}, timeout=4))


@pytest.mark.parametrize(
    ("tool", "outcome"),
    [
        (httpx_with_a_key_in_the_query, "failed"),
        (requests_with_a_key_in_the_query, "failed"),
        (httpx_with_a_key_in_a_header, "passed"),
        (requests_with_a_password_in_the_address, "passed"),
    ],
)
def test_a_key_is_found_where_it_is_told_and_the_trace_goes_on(tool: Callable[..., Any], outcome: str) -> None:
    subject = as_tool(tool, {"args": {"order": "42"}, "backend": {f"GET {ORDERS}": {"state": "sent"}}})
    for check, expected in (("AR806", outcome), ("AR807", "passed")):
        verdict = engine().examine(subject, engine().registry.check(check))
        assert verdict.outcome.value == expected, f"{check} {told(verdict)}"
