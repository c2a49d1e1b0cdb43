"""AR801 and AR803 to AR805, of tools that make spans of their own, beside those whose loop makes them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import requests
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from tests.corpus import labelled

URL = "https://api.example.com/orders/42"
FACTS: dict[str, Any] = {"args": {"order_id": "42"}, "backend": {"GET https://api.example.com/orders/{id}": {"state": "shipped"}}}
tracer = trace.get_tracer("shop.tools")


def fetched(order_id: str) -> dict[str, Any]:
    """The typed result of the article."""
    try:
        answer = requests.get(f"https://api.example.com/orders/{order_id}", timeout=4)
        answer.raise_for_status()
        data = answer.json()
    except (requests.RequestException, ValueError) as failure:
        status = getattr(getattr(failure, "response", None), "status_code", None)
        again = not isinstance(failure, ValueError) if status is None else status == 429 or status >= 500
        kind = "rate_limit" if status == 429 else "transient" if again else "permanent"
        return {"status": "error", "error_type": kind, "retry_safe": again, "message": "the order service does not answer"}
    return {"status": "success", "data": data}


@labelled(**FACTS, AR801="unproven", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def get_order_without_a_span(order_id: str) -> dict[str, Any]:
    """Its loop may make one."""
    return fetched(order_id)


@labelled(**FACTS, AR801="unproven", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def get_order_with_a_span_of_its_request(order_id: str) -> dict[str, Any]:
    with tracer.start_as_current_span("GET") as span:
        span.set_attributes({"http.request.method": "GET", "url.full": URL})
        return fetched(order_id)


@labelled(**FACTS, AR801="passed", AR803="passed", AR804="failed", AR805="passed")
def get_order_that_hides_its_errors(order_id: str) -> dict[str, Any]:
    with tracer.start_as_current_span("execute_tool get_order") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
        return fetched(order_id)


@labelled(**FACTS, AR801="passed", AR803="failed", AR804="passed", AR805="passed")
def get_order_in_a_thread(order_id: str) -> dict[str, Any]:
    """The span is begun where the context is not."""

    def work() -> dict[str, Any]:
        with tracer.start_as_current_span("execute_tool get_order") as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
            result = fetched(order_id)
            if result["status"] == "error":
                span.set_status(Status(StatusCode.ERROR, result["message"]))
                span.set_attribute("error.type", result["error_type"])
            return result

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@labelled(**FACTS, AR801="failed", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def get_order_that_never_ends(order_id: str) -> dict[str, Any]:
    tracer.start_span("get_order", attributes={"tool.name": "get_order"})
    return fetched(order_id)


@labelled(**FACTS, AR801="passed", AR803="passed", AR804="passed", AR805="failed")
def get_order_without_advice(order_id: str) -> dict[str, Any]:
    """In the article's dialect, but for `tool.retry_safe`."""
    with tracer.start_as_current_span("tool.get_order") as span:
        span.set_attribute("tool.name", "get_order")
        result = fetched(order_id)
        span.set_attribute("tool.status", result["status"])
        if result["status"] == "error":
            span.record_exception(Exception(result["message"]))
        return result


@labelled(**FACTS, conduct={"read_only": True}, AR801="passed", AR803="passed", AR804="passed", AR805="passed")
def get_order_whose_mark_says_it(order_id: str) -> dict[str, Any]:
    with tracer.start_as_current_span("tool.get_order") as span:
        span.set_attribute("tool.name", "get_order")
        result = fetched(order_id)
        span.set_attribute("tool.status", result["status"])
        if result["status"] == "error":
            span.record_exception(Exception(result["message"]))
        return result


@labelled(**FACTS, AR801="passed", AR803="passed", AR804="passed", AR805="passed")
def get_order_as_the_article_does(order_id: str) -> dict[str, Any]:
    with tracer.start_as_current_span("tool.get_order") as span:
        span.set_attribute("tool.name", "get_order")
        span.set_attribute("tool.args", str({"order_id": order_id}))
        result = fetched(order_id)
        span.set_attribute("tool.status", result["status"])
        if result["status"] == "error":
            span.set_attribute("tool.retry_safe", result["retry_safe"])
            span.record_exception(Exception(result["message"]))
        return result


@labelled(**FACTS, AR801="passed", AR803="passed", AR804="passed", AR805="passed")
async def get_order_soon(order_id: str) -> dict[str, Any]:
    """The request is made in a thread, with the context."""
    with tracer.start_as_current_span(
        "get_order_soon", attributes={"openinference.span.kind": "TOOL", "tool.name": "get_order_soon"}
    ) as span:
        result = await asyncio.to_thread(fetched, order_id)
        if result["status"] == "error":
            span.record_exception(RuntimeError(result["message"]))
            span.set_status(StatusCode.ERROR)
        return result


@labelled(**FACTS, AR801="passed", AR803="passed", AR804="passed", AR805="passed")
def get_order_in_a_thread_with_its_context(order_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def work() -> None:
        with tracer.start_as_current_span("execute_tool get_order") as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
            try:
                answer = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=4).raise_for_status()
                found.append({"status": "success", "data": answer.json()})
            except (httpx.HTTPError, ValueError) as failure:
                span.record_exception(failure)
                span.set_status(StatusCode.ERROR)
                found.append(fetched_error(failure))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
    thread.start()
    thread.join()
    return found[0]


def fetched_error(failure: Exception) -> dict[str, Any]:
    code = failure.response.status_code if isinstance(failure, httpx.HTTPStatusError) else None
    again = isinstance(failure, httpx.TransportError) if code is None else code == 429 or code >= 500
    kind = "rate_limit" if code == 429 else "transient" if again else "permanent"
    return {"status": "error", "error_type": kind, "retry_safe": again, "message": "the order service does not answer"}
