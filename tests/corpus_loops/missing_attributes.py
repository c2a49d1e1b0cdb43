"""AR805: loops whose spans lack the model, the tokens, a name or the safety of a retry, beside those that have them in some dialect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx
import openai
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {"backend": {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}}
ORDER: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT: list[Any] = [{"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": ORDER}}]
RESPONSES: list[Any] = [{"type": "function", "name": "get_order", "description": "The state of an order.", "parameters": ORDER}]
CLAUDE: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": ORDER}]
TOO_MANY = "I could not finish this, it took too many steps."

tracer = trace.get_tracer("orders.bot")


def get_order(order_id: str) -> str:
    return httpx.get(f"{API}/orders/{order_id}", timeout=5).raise_for_status().text


def traced(name: str, arguments: str) -> str:
    with tracer.start_as_current_span(f"execute_tool {name}") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
        return get_order(**json.loads(arguments))


def answered(question: str, ask: Callable[[Any, list[Any]], tuple[str, list[Any]]], run: Callable[[str, str], str] = traced) -> str:
    """`ask` gives the text and the calls of one answer."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        text, calls = ask(client, messages)
        if not calls:
            return text
        messages.append({"role": "assistant", "content": text or None, "tool_calls": calls})  # type: ignore[dict-item]
        for call in calls:
            content = run(call["function"]["name"], call["function"]["arguments"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    return TOO_MANY


def collected(stream: Any) -> tuple[str, list[Any], Any]:
    """The text, the calls and the usage of a stream."""
    text, calls, usage = "", {}, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for part in choice.delta.tool_calls or ():
                call: Any = calls.setdefault(part.index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
                call["id"] = part.id or call["id"]
                call["function"]["name"] += part.function.name or ""
                call["function"]["arguments"] += part.function.arguments or ""
    return text, list(calls.values()), usage


def told(client: Any, messages: list[Any]) -> tuple[str, list[Any]]:
    with tracer.start_as_current_span("chat gpt-5.1", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
        span.set_attribute("gen_ai.usage.input_tokens", answer.usage.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", answer.usage.completion_tokens)
    message = answer.choices[0].message
    return message.content or "", [call.model_dump() for call in message.tool_calls or ()]


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR801="passed", AR802="passed", AR805="failed")
def with_a_stream_that_reports_nothing(question: str) -> str:
    def ask(client: Any, messages: list[Any]) -> tuple[str, list[Any]]:
        with tracer.start_as_current_span("chat gpt-5.1", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1", "gen_ai.request.stream": True})
            text, calls, usage = collected(client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT, stream=True))
            if usage is not None:
                span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
        return text, calls

    return answered(question, ask)


@labelled(FACTS, AR801="passed", AR802="passed", AR805="failed")
def with_a_prompt_and_no_model(question: str) -> str:
    """The text of the prompt is there, which nobody needs, and not who answered it."""

    def ask(client: Any, messages: list[Any]) -> tuple[str, list[Any]]:
        with tracer.start_as_current_span("llm.completion") as span:
            span.set_attribute("prompt", json.dumps(messages, default=str))
            answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
            span.set_attribute("answer", str(answer.choices[0].message.content))
        message = answer.choices[0].message
        return message.content or "", [call.model_dump() for call in message.tool_calls or ()]

    return answered(question, ask)


@labelled(FACTS, AR801="passed", AR802="passed", AR804="passed", AR805="failed")
def with_a_status_and_no_advice(question: str) -> str:
    """In the article's own dialect, without `tool.retry_safe`."""

    def run(name: str, arguments: str) -> str:
        with tracer.start_as_current_span(f"tool.{name}") as span:
            span.set_attributes({"tool.name": name, "tool.args": arguments})
            try:
                result = get_order(**json.loads(arguments))
            except httpx.HTTPError as failure:
                span.set_attribute("tool.status", "error")
                span.record_exception(failure)
                return json.dumps({"status": "error", "message": "the order service does not answer"})
            span.set_attribute("tool.status", "success")
            return result

    return answered(question, told, run)


@labelled(FACTS, AR801="passed", AR802="passed", AR805="failed")
def with_a_tool_that_is_named_in_a_text(question: str) -> str:
    def run(name: str, arguments: str) -> str:
        with tracer.start_as_current_span("tool call") as span:
            span.set_attribute("description", f"called {name} with {arguments}")
            return get_order(**json.loads(arguments))

    return answered(question, told, run)


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR801="passed", AR802="passed", AR804="passed", AR805="passed")
def with_a_stream_that_reports(question: str) -> str:
    def ask(client: Any, messages: list[Any]) -> tuple[str, list[Any]]:
        with tracer.start_as_current_span("chat gpt-5.1", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1", "gen_ai.request.stream": True})
            options = {"include_usage": True}
            stream = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT, stream=True, stream_options=options)
            text, calls, usage = collected(stream)
            span.set_attributes({"gen_ai.usage.input_tokens": usage.prompt_tokens, "gen_ai.usage.output_tokens": usage.completion_tokens})
        return text, calls

    return answered(question, ask)


@labelled(FACTS, AR801="passed", AR802="passed", AR805="passed")
def in_the_old_names(question: str) -> str:
    """`gen_ai.system`, and tokens by the names of 2024; the tools speak OpenInference."""

    def ask(client: Any, messages: list[Any]) -> tuple[str, list[Any]]:
        with tracer.start_as_current_span("openai.chat", kind=SpanKind.CLIENT) as span:
            answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
            span.set_attributes({"gen_ai.system": "OpenAI", "gen_ai.response.model": answer.model, "llm.usage.total_tokens": 21})
            span.set_attributes({"gen_ai.usage.prompt_tokens": answer.usage.prompt_tokens, "gen_ai.usage.completion_tokens": 7})
        message = answer.choices[0].message
        return message.content or "", [call.model_dump() for call in message.tool_calls or ()]

    def run(name: str, arguments: str) -> str:
        with tracer.start_as_current_span("run", attributes={"openinference.span.kind": "TOOL", "tool.name": name}) as span:
            try:
                return get_order(**json.loads(arguments))
            except httpx.HTTPError as failure:
                span.record_exception(failure)
                span.set_status(Status(StatusCode.ERROR, "the order service does not answer"))
                return "error: the order service does not answer"

    return answered(question, ask, run)


@labelled(FACTS, AR801="passed", AR802="passed", AR805="passed")
def with_the_responses_of_openai(question: str) -> str:
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        with tracer.start_as_current_span("generation") as span:
            answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSES)
            assert answer.usage is not None
            usage = json.dumps({"input": answer.usage.input_tokens, "output": answer.usage.output_tokens})
            span.set_attributes({"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-5.1"})
            span.set_attribute("langfuse.observation.usage_details", usage)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": traced(call.name, call.arguments)} for call in calls]
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR804="passed", AR805="passed")
def with_a_stream_of_anthropic(question: str) -> str:
    """Usage comes with every stream of Anthropic's."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        with tracer.start_as_current_span("chat claude-sonnet-5", attributes={"gen_ai.operation.name": "chat"}) as span:
            with client.messages.stream(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE) as stream:
                answer = stream.get_final_message()
            span.set_attributes({"gen_ai.response.model": answer.model, "gen_ai.usage.input_tokens": answer.usage.input_tokens})
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results: Any = [{"type": "tool_result", "tool_use_id": one.id, "content": traced(one.name, json.dumps(one.input))} for one in calls]
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR805="passed")
def with_advice_for_the_next_attempt(question: str) -> str:
    def run(name: str, arguments: str) -> str:
        with tracer.start_as_current_span(f"tool.{name}") as span:
            span.set_attributes({"tool.name": name, "tool.args": arguments})
            try:
                return get_order(**json.loads(arguments))
            except httpx.HTTPError as failure:
                span.set_attributes({"tool.status": "error", "tool.retry_safe": not isinstance(failure, httpx.HTTPStatusError)})
                span.record_exception(failure)
                return json.dumps({"status": "error", "message": "the order service does not answer"})

    return answered(question, told, run)
