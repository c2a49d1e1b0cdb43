"""What a span says is understood in each dialect, and what nobody says stays unsaid."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_agentready.domain import LogLine, Span, SpanEvent
from pytest_agentready.telemetry.dialects import is_transport, names, read, tells_of_exception


def span(name: str = "span", **more: Any) -> Span:
    return Span(name, 1, 1, **more)


def told(**attributes: Any) -> Span:
    return span(attributes={key.replace("__", "."): value for key, value in attributes.items()})


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"mcp.method.name": "tools/call"}, "tool"),
        ({"mcp.method.name": "tools/list", "gen_ai.tool.name": "x"}, "other"),
        ({"openinference.span.kind": "TOOL"}, "tool"),
        ({"tool.name": "get_order"}, "tool"),
        ({"traceloop.span.kind": "tool", "traceloop.entity.name": "get_order"}, "tool"),
        ({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"}, "model"),
        ({"gen_ai.system": "openai", "gen_ai.request.model": "gpt-5.1"}, "model"),
        ({"openinference.span.kind": "LLM"}, "model"),
        ({"langfuse.observation.type": "generation"}, "model"),
        ({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "text-embedding-3-small"}, "other"),
        ({"openinference.span.kind": "EMBEDDING", "llm.model_name": "text-embedding-3-small"}, "other"),
        ({"openinference.span.kind": "GUARDRAIL", "llm.model_name": "gpt-5.1"}, "other"),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-5.1"}, "agent"),
        ({"openinference.span.kind": "CHAIN"}, "agent"),
        ({"http.request.method": "POST"}, "other"),
    ],
)
def test_a_span_is_known_by_its_attributes(attributes: dict[str, Any], kind: str) -> None:
    assert read(span(attributes=attributes)).kind == kind


@pytest.mark.parametrize(
    ("attributes", "counted"),
    [
        ({"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 7}, (12, 7, None)),
        ({"gen_ai.usage.prompt_tokens": 12, "gen_ai.usage.completion_tokens": 0}, (12, 0, None)),
        ({"llm.token_count.prompt": 12, "llm.token_count.total": 19}, (12, None, 19)),
        ({"langfuse.observation.usage_details": '{"input": 12, "output": 7}'}, (12, 7, None)),
        ({"langfuse.observation.usage_details": "much"}, (None, None, None)),
    ],
)
def test_tokens_have_many_names(attributes: dict[str, Any], counted: tuple[int | None, ...]) -> None:
    reading = read(span(attributes=attributes))
    assert (reading.input_tokens, reading.output_tokens, reading.total_tokens) == counted
    assert reading.counts_tokens is any(one is not None for one in counted)


EVENT = SpanEvent("exception", {"exception.type": "httpx.ReadTimeout", "exception.message": "timed out"})


@pytest.mark.parametrize(
    ("failing", "failed", "error"),
    [
        (span(status="error", attributes={"error.type": "timeout"}), True, "timeout"),
        (span(status="error", events=(EVENT,)), True, "httpx.ReadTimeout"),
        (span(status="error", description="timed out"), True, ""),
        (told(tool__status="error"), True, ""),
        (told(tool__status="timeout", tool__error_type="transient"), True, "transient"),
        (told(tool__status="success"), False, ""),
        (told(tool__success=False), True, ""),
        (span(status="ok"), False, ""),
        (span(events=(SpanEvent("retry", {"attempt": 2}),)), False, ""),
    ],
)
def test_a_failure_is_a_status_and_a_kind_of_error(failing: Span, failed: bool, error: str) -> None:
    reading = read(failing)
    assert (reading.failed, reading.error) == (failed, error)


def test_the_safety_of_a_retry_is_a_word_of_the_projects_own() -> None:
    assert read(told(tool__retry_safe=False)).retry_safe is False
    assert read(told(app__retryable="true")).retry_safe is True
    assert read(told(tool__name="get_order")).retry_safe is None
    assert read(told(tool__name="get_order", tool__status="error")).own_words
    assert not read(told(tool__name="get_order")).own_words
    assert not read(told(tool__name="get_order", tool__status="error", openinference__span__kind="TOOL")).own_words


@pytest.mark.parametrize("name", ["get_order", "tool.get_order", "execute_tool get_order", "execute_tool_get_order", "tools/get-order"])
def test_a_name_has_the_tools_in_it_as_a_word(name: str) -> None:
    assert names(span(name), "get_order")


@pytest.mark.parametrize("name", ["get_orders", "forget_order", "GET", "order"])
def test_a_name_that_is_another_word_is_none(name: str) -> None:
    assert not names(span(name), "get_order")


def test_a_span_about_the_way_is_known() -> None:
    assert is_transport(told(url__full="https://api.example.com"))
    assert not is_transport(told(tool__name="get_order"))


def test_an_exception_may_stand_in_the_log() -> None:
    assert tells_of_exception(LogLine("shop", "ERROR", "no", {"exception.type": "ValueError"}))
    assert tells_of_exception(LogLine("", "ERROR", "no", event="gen_ai.execute_tool.exception"))
    assert not tells_of_exception(LogLine("shop", "ERROR", "it did not go well"))
