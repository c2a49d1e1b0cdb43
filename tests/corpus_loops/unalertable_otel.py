"""AR808 with OpenTelemetry: metrics of either generation, spans that stand for them, and what neither of them tells."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import anthropic
import httpx
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider

from tests.corpus_loops import labelled

FACTS = {"backend": {"GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped"}}}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": PARAMETERS}]
SUSPICIOUS = re.compile(r"ignore (all )?(previous|prior) instructions|reveal your system prompt", re.IGNORECASE)

private = MeterProvider().get_meter("support")
common = metrics.get_meter("support")
tracer = trace.get_tracer("support")


def get_order(order_id: str) -> str:
    response = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5)
    response.raise_for_status()
    return response.text


def ask(messages: list[Any]) -> Any:
    reply = anthropic.Anthropic().messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=TOOLS)
    messages.append({"role": "assistant", "content": reply.content})
    return reply


def answered(block: Any, result: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": block.id, "content": result}


def text_of(reply: Any) -> str:
    return "".join(block.text for block in reply.content if block.type == "text")


def measured_call(meter: Any, block: Any) -> str:
    seconds = meter.create_histogram("gen_ai.execute_tool.duration", unit="s")
    began, labels = time.monotonic(), {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": block.name}
    try:
        return get_order(**block.input)
    except httpx.HTTPError as failure:
        labels["error.type"] = type(failure).__qualname__
        return "The order cannot be looked up."
    finally:
        seconds.record(time.monotonic() - began, labels)


def traced_call(block: Any) -> str:
    with tracer.start_as_current_span(f"execute_tool {block.name}") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": block.name, "tool.retry_safe": True})
        try:
            return get_order(**block.input)
        except httpx.HTTPError as failure:
            span.set_status(trace.StatusCode.ERROR, str(failure))
            span.set_attribute("error.type", type(failure).__qualname__)
            return "The order cannot be looked up."


def traced_ask(messages: list[Any]) -> Any:
    with tracer.start_as_current_span("chat claude-sonnet-4-6", kind=trace.SpanKind.CLIENT) as span:
        reply = ask(messages)
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-4-6"})
        span.set_attribute("gen_ai.usage.input_tokens", reply.usage.input_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", reply.usage.output_tokens)
        return reply


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR808="failed", AR801="passed")
def spans_of_everything_and_no_money(question: str) -> str:
    """As most projects are traced: nobody counts injections, and no span around the session has its cost."""
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support") as agent:
        agent.set_attribute("gen_ai.operation.name", "invoke_agent")
        for _ in range(8):
            reply = traced_ask(messages)
            results = [answered(block, traced_call(block)) for block in reply.content if block.type == "tool_use"]
            if not results:
                return text_of(reply)
            messages.append({"role": "user", "content": results})
    return "I stop here."


@labelled(FACTS, AR808="failed")
def the_cost_of_each_call(question: str) -> str:
    """A session of a hundred cheap calls is dear, and has no dear call."""
    cost, found = common.create_histogram("support.cost", unit="USD"), common.create_counter("support.injection.detections")
    messages: list[Any] = [{"role": "user", "content": question}]
    if SUSPICIOUS.search(question):
        found.add(1)
    with tracer.start_as_current_span("support", attributes={"openinference.span.kind": "AGENT"}):
        for _ in range(8):
            reply = traced_ask(messages)
            cost.record((3 * reply.usage.input_tokens + 15 * reply.usage.output_tokens) / 1e6)
            results = [answered(block, traced_call(block)) for block in reply.content if block.type == "tool_use"]
            if not results:
                return text_of(reply)
            messages.append({"role": "user", "content": results})
    return "I stop here."


@labelled(FACTS, AR808="failed")
def a_sum_of_dollars(question: str) -> str:
    """By a counter the dollars of all sessions are known, and those of none."""
    spent, found = private.create_counter("agent.cost.usd"), private.create_counter("agent.prompt_injection.detected")
    messages: list[Any] = [{"role": "user", "content": question}]
    if SUSPICIOUS.search(question):
        found.add(1, {"where": "user"})
    with tracer.start_as_current_span("invoke_agent support", attributes={"gen_ai.operation.name": "invoke_agent"}):
        for _ in range(8):
            reply = traced_ask(messages)
            spent.add((3 * reply.usage.input_tokens + 15 * reply.usage.output_tokens) / 1e6)
            results = [answered(block, traced_call(block)) for block in reply.content if block.type == "tool_use"]
            if not results:
                return text_of(reply)
            messages.append({"role": "user", "content": results})
    return "I stop here."


@labelled(FACTS, AR808="failed")
def how_long_the_model_takes_alone(question: str) -> str:
    """No metric is about the whole of it."""
    seconds = private.create_histogram("gen_ai.client.operation.duration", unit="s")
    usage = private.create_histogram("gen_ai.client.token.usage", unit="{token}")
    cost, found = private.create_histogram("agent.session.cost", unit="USD"), private.create_counter("agent.injection.detections")
    messages: list[Any] = [{"role": "user", "content": question}]
    spent = 0.0
    found.add(1 if SUSPICIOUS.search(question) else 0)
    for _ in range(8):
        began = time.monotonic()
        reply = ask(messages)
        seconds.record(time.monotonic() - began, {"gen_ai.operation.name": "chat"})
        for kind, count in (("input", reply.usage.input_tokens), ("output", reply.usage.output_tokens)):
            usage.record(count, {"gen_ai.operation.name": "chat", "gen_ai.token.type": kind})
        spent += (3 * reply.usage.input_tokens + 15 * reply.usage.output_tokens) / 1e6
        results = [answered(block, measured_call(private, block)) for block in reply.content if block.type == "tool_use"]
        if not results:
            break
        messages.append({"role": "user", "content": results})
    cost.record(spent)
    return text_of(reply)


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR808="passed", AR801="failed")
def metrics_of_the_conventions(question: str) -> str:
    """The older generation, in a provider of its own."""
    agent = private.create_histogram("gen_ai.invoke_agent.duration", unit="s")
    usage = private.create_histogram("gen_ai.client.token.usage", unit="{token}")
    cost, found = private.create_histogram("agent.session.cost", unit="USD"), private.create_counter("agent.injection.detections")
    messages: list[Any] = [{"role": "user", "content": question}]
    began, spent = time.monotonic(), 0.0
    found.add(1 if SUSPICIOUS.search(question) else 0)
    for _ in range(8):
        reply = ask(messages)
        for kind, count in (("input", reply.usage.input_tokens), ("output", reply.usage.output_tokens)):
            usage.record(count, {"gen_ai.operation.name": "chat", "gen_ai.token.type": kind})
        spent += (3 * reply.usage.input_tokens + 15 * reply.usage.output_tokens) / 1e6
        results = [answered(block, measured_call(private, block)) for block in reply.content if block.type == "tool_use"]
        if not results:
            break
        messages.append({"role": "user", "content": results})
    agent.record(time.monotonic() - began, {"gen_ai.agent.name": "support"})
    cost.record(spent)
    return text_of(reply)


@labelled(FACTS, AR808="passed")
def spans_beside_metrics(question: str) -> str:
    """What spans count needs no metric; the instruments are made where they are needed, by the API alone."""
    cost, found = common.create_histogram("support.conversation.cost", unit="USD"), common.create_counter("support.injections.blocked")
    messages: list[Any] = [{"role": "user", "content": question}]
    spent = 0.0
    if SUSPICIOUS.search(question):
        found.add(1)
    with tracer.start_as_current_span("support", attributes={"openinference.span.kind": "AGENT"}):
        for _ in range(8):
            reply = traced_ask(messages)
            spent += (3 * reply.usage.input_tokens + 15 * reply.usage.output_tokens) / 1e6
            results = [answered(block, traced_call(block)) for block in reply.content if block.type == "tool_use"]
            if not results:
                break
            messages.append({"role": "user", "content": results})
    cost.record(spent, {"tier": "free"})
    return text_of(reply)


@labelled(FACTS, AR808="passed", AR801="passed")
def all_of_it_on_spans(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    spent = 0.0
    with tracer.start_as_current_span("support session") as session:
        if SUSPICIOUS.search(question):
            session.add_event("prompt_injection.detected", {"where": "user"})
        for _ in range(8):
            reply = traced_ask(messages)
            spent += (3 * reply.usage.input_tokens + 15 * reply.usage.output_tokens) / 1e6
            results = [answered(block, traced_call(block)) for block in reply.content if block.type == "tool_use"]
            if not results:
                break
            messages.append({"role": "user", "content": results})
        session.set_attribute("session.cost_usd", spent)
    return text_of(reply)


@labelled(FACTS, AR808="failed", AR801="failed")
def the_spans_of_the_sdk_alone(question: str) -> str:
    """Anthropic's SDK makes a span of each call, with its tokens."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        reply = ask(messages)
        results = [answered(block, get_order(**block.input)) for block in reply.content if block.type == "tool_use"]
        if not results:
            break
        messages.append({"role": "user", "content": results})
    return text_of(reply)


@labelled(FACTS, AR808="not_applicable", AR801="failed")
def nothing_at_all(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    chat_tools = [{"type": "function", "function": {"name": "get_order", "parameters": PARAMETERS}}]
    with httpx.Client(base_url="https://api.openai.com/v1", timeout=60) as client:
        for _ in range(8):
            body = {"model": "gpt-5.1", "messages": messages, "tools": chat_tools}
            message = client.post("/chat/completions", json=body).json()["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"])
            for call in message["tool_calls"]:
                result = get_order(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return "I stop here."
