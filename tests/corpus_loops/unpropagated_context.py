"""AR807: loops whose tools leave the trace behind when they ask somebody, beside those that take it along."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
from opentelemetry import trace

from pytest_agentready.patterns import tracing
from tests.corpus_loops import labelled
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS, get_order

FACTS = {"backend": BACKEND}
tracer = trace.get_tracer("support")


def ask(messages: list[Any]) -> Any:
    message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
    messages.append(message)
    return message


def order_with_its_trace(order_id: str) -> str:
    try:
        return httpx.get(f"https://api.example.com/orders/{order_id}", headers=tracing.outgoing(), timeout=5).text
    except httpx.HTTPError:
        return "The order cannot be looked up at the moment."


@labelled(FACTS, AR807="failed")
def a_span_for_each_tool_and_no_header(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = ask(messages)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            with tracer.start_as_current_span("execute_tool get_order"):
                result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "Sorry."


@labelled(FACTS, AR807="passed")
def a_span_for_each_tool_with_its_header(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = ask(messages)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            with tracer.start_as_current_span("execute_tool get_order"):
                result = order_with_its_trace(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "Sorry."


@labelled(FACTS, AR807="not_applicable")
def only_the_model_has_spans(question: str) -> str:
    """No span of a tool is there that the request could go on with."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        with tracer.start_as_current_span("chat gpt-5.1"):
            message = ask(messages)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return "Sorry."


@labelled(FACTS, AR807="not_applicable")
def nobody_but_the_model_is_asked(question: str) -> str:
    """Whose provider does nothing with a trace of ours."""
    with tracer.start_as_current_span("chat gpt-5.1"):
        messages: list[Any] = [{"role": "user", "content": question}]
        return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""
