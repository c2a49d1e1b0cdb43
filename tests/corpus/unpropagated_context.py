"""AR807: tools whose requests leave the trace behind, beside those that take it along, and those that have none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import httpx
import requests
from opentelemetry import propagate, trace

from pytest_agentready.patterns import tracing
from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, unreadable

tracer = trace.get_tracer("parcels")
FACTS = {"args": {"parcel": "P-7"}, "backend": {"GET https://parcels.example.com/p/{id}": {"place": "Oslo"}}}
ADDRESS = "https://parcels.example.com/p/"


def _place(parcel: str, headers: dict[str, str]) -> ToolResult:
    try:
        response = requests.get(f"{ADDRESS}{parcel}", headers=headers, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["place"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(**FACTS, AR807="failed")  # type: ignore[arg-type]
def place_in_a_span_that_ends_here(parcel: str) -> ToolResult:
    with tracer.start_as_current_span("execute_tool place"):
        return _place(parcel, {})


@labelled(**FACTS, AR807="failed")  # type: ignore[arg-type]
async def place_with_an_id_of_its_own(parcel: str) -> ToolResult:
    """A header of the project's own is known to nobody's tracing."""
    with tracer.start_as_current_span("execute_tool place") as span:
        headers = {"X-Request-Id": f"{span.get_span_context().trace_id:032x}"}
        try:
            async with httpx.AsyncClient(timeout=4) as client:
                response = await client.get(f"{ADDRESS}{parcel}", headers=headers)
            response.raise_for_status()
            return ToolResult.success(response.json()["place"])
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(**FACTS, AR807="passed")  # type: ignore[arg-type]
def place_with_the_trace(parcel: str) -> ToolResult:
    with tracer.start_as_current_span("execute_tool place"):
        headers: dict[str, str] = {}
        propagate.inject(headers)
        return _place(parcel, headers)


@labelled(**FACTS, AR807="passed")  # type: ignore[arg-type]
def place_in_the_format_of_zipkin(parcel: str) -> ToolResult:
    with tracer.start_as_current_span("execute_tool place") as span:
        context = span.get_span_context()
        return _place(parcel, {"b3": f"{context.trace_id:032x}-{context.span_id:016x}-1"})


@labelled(**FACTS, AR807="passed")  # type: ignore[arg-type]
def place_from_a_thread(parcel: str) -> ToolResult:
    with tracer.start_as_current_span("execute_tool place"), ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, lambda: _place(parcel, tracing.outgoing())).result()


@labelled(**FACTS, AR807="not_applicable")  # type: ignore[arg-type]
def place_without_a_span(parcel: str) -> ToolResult:
    return _place(parcel, {})
