"""AR804: loops whose spans hide what failed, beside those that record it, in any dialect, and those that were lucky the second time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anthropic
import httpx
import openai
import requests
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {"backend": {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}}
ORDER: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT: list[Any] = [{"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": ORDER}}]
CLAUDE: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": ORDER}]
TOO_MANY = "I could not finish this, it took too many steps."
SORRY = "The assistant cannot be reached just now. Please try again in a few minutes."

tracer = trace.get_tracer("shop.agent")
Wrapper = Callable[[str, dict[str, Any]], dict[str, Any]]


def execute_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The typed result of the article."""
    assert name == "get_order"
    try:
        answer = requests.get(f"{API}/orders/{arguments['order_id']}", timeout=5)
        answer.raise_for_status()
    except requests.RequestException as failure:
        message = f"the order service does not answer ({type(failure).__name__})"
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": message}
    return {"status": "success", "data": answer.json()}


def ask(client: openai.OpenAI, messages: list[Any]) -> Any:
    """An exception leaves the span, which says so by itself."""
    with tracer.start_as_current_span("chat gpt-5.1", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
        assert answer.usage is not None
        span.set_attributes({"gen_ai.usage.input_tokens": answer.usage.prompt_tokens, "gen_ai.usage.output_tokens": 7})
    return answer.choices[0].message


def conversation(question: str, traced: Wrapper, ask: Callable[..., Any] = ask) -> str:
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        try:
            message = ask(client, messages)
        except openai.APIError:
            return SORRY
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            result = traced(call.function.name, json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return TOO_MANY


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="failed")
def with_a_duration_and_no_more(question: str) -> str:
    def traced(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with tracer.start_as_current_span(f"execute_tool {name}") as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
            return execute_tool(name, arguments)

    return conversation(question, traced)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="failed")
def with_an_error_of_no_kind(question: str) -> str:
    """The status is there; a timeout and a refused connection look the same."""

    def traced(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with tracer.start_as_current_span(f"execute_tool {name}") as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
            result = execute_tool(name, arguments)
            if result["status"] == "error":
                span.set_status(Status(StatusCode.ERROR))
            return result

    return conversation(question, traced)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="failed")
def with_the_model_caught_inside(question: str) -> str:
    """The tools are in order. What the provider does wrong is caught within the span of its call."""

    def asked(client: openai.OpenAI, messages: list[Any]) -> Any:
        with tracer.start_as_current_span("llm.completion") as span:
            span.set_attribute("llm.model_name", "gpt-5.1")
            try:
                answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
            except openai.APIError:
                logging.getLogger("shop").warning("the model does not answer")
                return type("Sorry", (), {"tool_calls": None, "content": SORRY})
            assert answer.usage is not None
            span.set_attribute("llm.token_count.total", answer.usage.total_tokens)
        return answer.choices[0].message

    return conversation(question, article, asked)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="failed")
def with_spans_of_what_went_well(question: str) -> str:
    """A timeout leaves the tool before its span is begun."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results: list[Any] = []
        for call in calls:
            try:
                found = httpx.get(f"{API}/orders/{call.input['order_id']}", timeout=5)
                found.raise_for_status()
                with tracer.start_as_current_span("tool.get_order") as span:
                    span.set_attributes({"tool.name": "get_order", "tool.status": "success"})
                results.append({"type": "tool_result", "tool_use_id": call.id, "content": found.text})
            except httpx.HTTPError as failure:
                results.append({"type": "tool_result", "tool_use_id": call.id, "content": str(failure), "is_error": True})
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR804="failed")
def with_an_end_that_is_skipped(question: str) -> str:
    """A span that is ended behind the call, and not in a `finally`."""

    def traced(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        span = tracer.start_span(f"execute_tool {name}")
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
        answer = httpx.get(f"{API}/orders/{arguments['order_id']}", timeout=5)
        answer.raise_for_status()
        span.end()
        return {"status": "success", "data": answer.json()}

    def safe(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return traced(name, arguments)
        except httpx.HTTPError as failure:
            return {"status": "error", "message": str(failure)}

    return conversation(question, safe)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="failed")
def with_a_status_that_is_always_good(question: str) -> str:
    def traced(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with tracer.start_as_current_span(name) as span:
            span.set_attributes({"openinference.span.kind": "TOOL", "tool.name": name, "input.value": json.dumps(arguments)})
            result = execute_tool(name, arguments)
            span.set_attribute("output.value", json.dumps(result))
            span.set_status(StatusCode.OK)
            return result

    return conversation(question, traced)


# --- look-alikes -------------------------------------------------------------------------------------------------------


def article(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    with tracer.start_as_current_span(f"tool.{name}") as span:
        span.set_attribute("tool.name", name)
        span.set_attribute("tool.args", str(arguments))
        result = execute_tool(name, arguments)
        span.set_attribute("tool.status", result["status"])
        if result["status"] == "error":
            span.set_attribute("tool.retry_safe", result["retry_safe"])
            span.record_exception(Exception(result["message"]))
        return result


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="passed", AR805="passed")
def as_the_article_does(question: str) -> str:
    return conversation(question, article)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="passed", AR805="passed")
def with_a_type_and_a_status(question: str) -> str:
    """By OpenTelemetry's own rules there is no event of an exception."""

    def traced(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with tracer.start_as_current_span(f"execute_tool {name}", record_exception=False, set_status_on_exception=False) as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.id": "call_1"})
            result = execute_tool(name, arguments)
            if result["status"] == "error":
                span.set_attribute("error.type", result["error_type"])
                span.set_status(Status(StatusCode.ERROR, result["message"]))
            return result

    return conversation(question, traced)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="passed", AR805="passed")
def with_exceptions_that_pass_the_span(question: str) -> str:
    """The one who catches stands outside of the span."""

    def traced(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with tracer.start_as_current_span("mcp tools/call", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"mcp.method.name": "tools/call", "gen_ai.tool.name": name})
            answer = httpx.get(f"{API}/orders/{arguments['order_id']}", timeout=5)
            answer.raise_for_status()
            return {"data": answer.json()}

    def safe(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return traced(name, arguments)
        except httpx.HTTPError as failure:
            return {"error": str(failure)}

    return conversation(question, safe)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="passed")
def with_another_model_where_one_fails(question: str) -> str:
    """Each attempt has a span of its own, and the first says that it failed."""

    def asked(client: openai.OpenAI, messages: list[Any]) -> Any:
        for model in ("gpt-5.1", "gpt-5.1-mini"):
            with suppress(openai.APIError), tracer.start_as_current_span(f"chat {model}") as span:
                span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": model})
                return client.chat.completions.create(model=model, messages=messages, tools=CHAT).choices[0].message
        return type("Sorry", (), {"tool_calls": None, "content": SORRY})

    return conversation(question, article, asked)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="passed")
async def with_a_second_attempt_within_the_span(question: str) -> str:
    """What was tried again and went well did not fail; what did not is told as it leaves."""
    messages: list[Any] = [{"role": "user", "content": question}]

    async def asked(client: openai.AsyncOpenAI) -> Any:
        with tracer.start_as_current_span("chat gpt-5.1", attributes={"gen_ai.operation.name": "chat"}) as span:
            span.set_attribute("gen_ai.request.model", "gpt-5.1")
            for attempt in range(3):
                try:
                    return (await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)).choices[0].message
                except openai.APIError:
                    if attempt == 2:
                        raise
        return None

    async with openai.AsyncOpenAI(max_retries=0) as client:
        for _ in range(10):
            try:
                message = await asked(client)
            except openai.APIError:
                return SORRY
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            for call in message.tool_calls:
                result = article(call.function.name, json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return TOO_MANY


@labelled({"backend": {}}, AR801="passed", AR802="passed", AR804="passed")  # the failures of its model are recorded
def with_a_tool_that_cannot_fail(question: str) -> str:
    """It asks nobody, so that nothing shows what its span would say."""

    def traced(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with tracer.start_as_current_span(f"execute_tool {name}", attributes={"gen_ai.tool.name": name}):
            return {"status": "shipped", "id": arguments["order_id"]}

    return conversation(question, traced)
