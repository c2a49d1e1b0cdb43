"""AR808 with prometheus_client: what ends a session stands at the module, and is recorded by the web server; the loops count the rest."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import openai
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from tests.corpus_loops import labelled

FACTS = {"backend": {"GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped"}}}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}},
    {"type": "function", "function": {"name": "get_refund", "description": "The state of a refund.", "parameters": PARAMETERS}},
]
REGISTRY = CollectorRegistry()
SESSION_SECONDS = Histogram("support_session_duration_seconds", "From the first word to the last.", registry=REGISTRY)
SESSION_COST = Histogram("support_session_cost_usd", "Of a session.", registry=REGISTRY)
INJECTIONS = Counter("support_prompt_injections", "Found in what users and tools say.", registry=REGISTRY)

TOKENS = Counter("support_llm_tokens", "Spent.", ["model", "type"], registry=REGISTRY)
TOOL_SECONDS = Histogram("support_tool_seconds", "Of one call.", ["tool", "outcome"], registry=REGISTRY)
CALLS = Counter("support_calls", "Of tools.", ["tool"], registry=REGISTRY)
FAILED_CALLS = Counter("support_failed_calls", "Of tools.", ["tool"], registry=REGISTRY)
PROMPT_TOKENS = Counter("bot_prompt_tokens", "Sent.", registry=REGISTRY)
COMPLETION_TOKENS = Counter("bot_completion_tokens", "Received.", registry=REGISTRY)
ALL_CALLS = Counter("helpdesk_tool_invocations", "Of all tools.", ["success"], registry=REGISTRY)
LEFT = Gauge("helpdesk_tokens_remaining", "Of the budget.", registry=REGISTRY)
TRIES = Summary("desk_tool_latency_seconds", "Of one call.", ["tool"], registry=REGISTRY)
MISHAPS = Counter("desk_tool_errors", "Of one tool.", ["tool", "reason"], registry=REGISTRY)
SENT = Counter("desk_input_tokens", "Sent.", registry=REGISTRY)


def get_order(order_id: str) -> str:
    response = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5)
    response.raise_for_status()
    return response.text


def ask(messages: list[Any]) -> tuple[Any, Any]:
    reply: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)
    message = reply.choices[0].message
    messages.append(message)
    return message, reply.usage


def tell(messages: list[Any], call: Any, result: str) -> None:
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR808="failed")
def all_tools_in_one_number(question: str) -> str:
    """Which of them fails, nobody can say."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message, usage = ask(messages)
        TOKENS.labels("gpt-5.1", "input").inc(usage.prompt_tokens)
        TOKENS.labels("gpt-5.1", "output").inc(usage.completion_tokens)
        if not message.tool_calls:
            return str(message.content)
        for call in message.tool_calls:
            try:
                result = get_order(**json.loads(call.function.arguments))
                ALL_CALLS.labels("true").inc()
            except httpx.HTTPError:
                result = "failed"
                ALL_CALLS.labels("false").inc()
            tell(messages, call, result)
    return "I stop here."


@labelled(FACTS, AR808="failed")
def a_failed_call_looks_like_any_other(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message, usage = ask(messages)
        TOKENS.labels("gpt-5.1", "input").inc(usage.prompt_tokens)
        TOKENS.labels("gpt-5.1", "output").inc(usage.completion_tokens)
        if not message.tool_calls:
            return str(message.content)
        for call in message.tool_calls:
            with TRIES.labels(call.function.name).time():
                try:
                    result = get_order(**json.loads(call.function.arguments))
                except httpx.HTTPError:
                    result = "The order cannot be found just now."
            tell(messages, call, result)
    return "I stop here."


@labelled(FACTS, AR808="failed")
async def failures_without_the_calls(question: str) -> str:
    """Forty errors: of fifty calls, or of a million?"""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        reply: Any = await openai.AsyncOpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)
        message = reply.choices[0].message
        PROMPT_TOKENS.inc(reply.usage.prompt_tokens)
        COMPLETION_TOKENS.inc(reply.usage.completion_tokens)
        messages.append(message)
        if not message.tool_calls:
            return str(message.content)
        for call in message.tool_calls:
            try:
                result = get_order(**json.loads(call.function.arguments))
            except httpx.HTTPError as failure:
                MISHAPS.labels(call.function.name, type(failure).__name__).inc()
                result = "failed"
            tell(messages, call, result)
    return "I stop here."


@labelled(FACTS, AR808="failed")
def what_is_left_of_the_tokens(question: str) -> str:
    """A gauge goes up again when the budget is renewed: what was spent in an hour is not to be had."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message, usage = ask(messages)
        LEFT.dec(usage.total_tokens)
        if not message.tool_calls:
            return str(message.content)
        for call in message.tool_calls:
            began, outcome = time.monotonic(), "ok"
            try:
                result = get_order(**json.loads(call.function.arguments))
            except httpx.HTTPError:
                result, outcome = "failed", "error"
            TOOL_SECONDS.labels(call.function.name, outcome).observe(time.monotonic() - began)
            tell(messages, call, result)
    return "I stop here."


@labelled(FACTS, AR808="failed")
def only_what_is_sent(question: str) -> str:
    """The dearer half of the tokens is counted by nobody."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message, usage = ask(messages)
        SENT.inc(usage.prompt_tokens)
        if not message.tool_calls:
            return str(message.content)
        for call in message.tool_calls:
            CALLS.labels(call.function.name).inc()
            try:
                result = get_order(**json.loads(call.function.arguments))
            except httpx.HTTPError:
                FAILED_CALLS.labels(call.function.name).inc()
                result = "failed"
            tell(messages, call, result)
    return "I stop here."


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR808="passed")
def by_the_outcome_of_each_call(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message, usage = ask(messages)
        TOKENS.labels("gpt-5.1", "input").inc(usage.prompt_tokens)
        TOKENS.labels("gpt-5.1", "output").inc(usage.completion_tokens)
        if not message.tool_calls:
            return str(message.content)
        for call in message.tool_calls:
            began, outcome = time.monotonic(), "ok"
            try:
                result = get_order(**json.loads(call.function.arguments))
            except httpx.HTTPError:
                result, outcome = "failed", "timeout"
            TOOL_SECONDS.labels(call.function.name, outcome).observe(time.monotonic() - began)
            tell(messages, call, result)
    return "I stop here."


@labelled(FACTS, AR808="passed")
def failures_beside_all_calls(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message, usage = ask(messages)
        PROMPT_TOKENS.inc(usage.prompt_tokens)
        COMPLETION_TOKENS.inc(usage.completion_tokens)
        if not message.tool_calls:
            return str(message.content)
        for call in message.tool_calls:
            CALLS.labels(call.function.name).inc()
            try:
                result = get_order(**json.loads(call.function.arguments))
            except httpx.HTTPError:
                FAILED_CALLS.labels(call.function.name).inc()
                result = "failed"
            tell(messages, call, result)
    return "I stop here."


@labelled(AR808="passed")
def no_tools_that_could_fail(question: str) -> str:
    reply: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    TOKENS.labels("gpt-5.1", "input").inc(reply.usage.prompt_tokens)
    TOKENS.labels("gpt-5.1", "output").inc(reply.usage.completion_tokens)
    return str(reply.choices[0].message.content)
