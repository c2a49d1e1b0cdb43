"""AR806: loops that write keys, passwords and addresses into spans and logs, beside those that only look as if they did."""

from __future__ import annotations

import json
import logging
from typing import Any

import anthropic
import httpx
import openai
import requests
from opentelemetry import trace

from tests.corpus_loops import labelled
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS, CLAUDE_TOOLS, RESPONSE_TOOLS, get_order

FACTS = {"backend": BACKEND}
KEY = "ok-5b2f77c3a1d94e0688"
tracer = trace.get_tracer("support")
log = logging.getLogger("support.agent")


def order_by_key(order_id: str) -> str:
    """The key goes in the address."""
    response = requests.get(f"https://api.example.com/orders/{order_id}", params={"api_key": KEY}, timeout=5)
    response.raise_for_status()
    return response.text


def order_by_header(order_id: str) -> str:
    response = requests.get(f"https://api.example.com/orders/{order_id}", headers={"X-Api-Key": KEY}, timeout=5)
    response.raise_for_status()
    return response.text


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR806="failed")
def the_exception_of_a_tool_in_the_log(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            try:
                result = order_by_key(**json.loads(call.function.arguments))  # type: ignore[union-attr]
            except Exception:
                log.exception("the tool failed")
                result = "The order cannot be looked up at the moment."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return messages[-1].content or "Sorry."


@labelled(FACTS, AR806="failed")
def the_question_in_the_log(question: str) -> str:
    """With all that the user has said of himself."""
    log.info("question: %s", question)
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]  # type: ignore[arg-type]
        messages.append({"role": "user", "content": results})
    return "Sorry."


@labelled(FACTS, AR806="failed")
def the_key_of_the_provider_on_a_span(question: str) -> str:
    """All settings of the client, to know what was in force."""
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        with tracer.start_as_current_span("chat gpt-5.1") as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1", "client.settings": repr(vars(client))})
            span.set_attribute("client.key", client.api_key)
            answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        items += [{"type": "function_call_output", "call_id": c.call_id, "output": get_order(**json.loads(c.arguments))} for c in calls]
    return "Sorry."


@labelled(FACTS, AR806="failed")
def an_exception_that_leaves_a_span(question: str) -> str:
    """Which tells it by itself, in its event and in its status."""
    messages: list[Any] = [{"role": "user", "content": question}]
    client = openai.OpenAI()
    for _ in range(8):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            try:
                with tracer.start_as_current_span("execute_tool get_order"):
                    result = order_by_key(**json.loads(call.function.arguments))  # type: ignore[union-attr]
            except requests.RequestException:
                result = "The order cannot be looked up at the moment."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "Sorry."


@labelled(FACTS, AR806="failed")
async def the_question_in_the_name_of_a_span(question: str) -> str:
    client = openai.AsyncOpenAI()
    with tracer.start_as_current_span(f"ask: {question}"):
        answer = await client.chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR806="passed")
def the_prompt_as_content(question: str) -> str:
    """By the conventions: whoever turns that on has thought of it."""
    messages: list[Any] = [{"role": "user", "content": question}]
    client = openai.OpenAI()
    for _ in range(8):
        with tracer.start_as_current_span("chat gpt-5.1") as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
            span.set_attribute("gen_ai.input.messages", json.dumps(messages, default=str))
            span.add_event("gen_ai.user.message", {"content": question})
            message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})  # type: ignore[union-attr]
    return "Sorry."


@labelled(FACTS, AR806="passed")
def the_length_of_the_question_in_the_log(question: str) -> str:
    log.info("a question of %d characters", len(question))
    messages: list[Any] = [{"role": "user", "content": question}]
    client = openai.OpenAI()
    for _ in range(8):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            try:
                result = order_by_header(**json.loads(call.function.arguments))  # type: ignore[union-attr]
            except requests.RequestException:
                log.exception("the tool failed")  # its text quotes the address, and that is no secret
                result = "The order cannot be looked up at the moment."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "Sorry."


@labelled(FACTS, AR806="passed")
def a_session_of_plain_http(question: str) -> str:
    """httpx says at INFO whom it asks, and nothing of the headers."""
    with tracer.start_as_current_span("answer") as span:
        span.set_attributes({"session.id": "session-1", "user.id": "user-1"})
        answer = httpx.post(
            "https://api.openai.com/v1/chat/completions",
            headers={"Authorization": f"Bearer {KEY}"},
            json={"model": "gpt-5.1", "messages": [{"role": "user", "content": question}]},
            timeout=30,
        )
        return str(answer.json()["choices"][0]["message"]["content"])


@labelled(FACTS, AR806="not_applicable")
def nothing_is_told(question: str) -> str:
    """With a client that has no logger of its own."""
    answer = requests.post(
        "https://api.openai.com/v1/chat/completions",
        headers={"Authorization": f"Bearer {KEY}"},
        json={"model": "gpt-5.1", "messages": [{"role": "user", "content": question}]},
        timeout=30,
    )
    return str(answer.json()["choices"][0]["message"]["content"])
