"""AR703: loops that carry out again what has failed for good, beside those that answer the second call, or stop."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import anthropic
import httpx
import openai
import pydantic
import requests

from tests.corpus_loops import labelled

ORDERS = "https://api.example.com/orders"
FACTS = {"backend": {"GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped"}}}
REFUNDS = {"backend": {"POST https://pay.example.com/refunds": {"id": "re_1", "status": "done"}}}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}}
]
RESPONSE_TOOLS: list[Any] = [{"type": "function", "name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}]
CLAUDE_TOOLS: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": PARAMETERS}]


class ToolResult(pydantic.BaseModel):
    status: Literal["success", "error"]
    error_type: Literal["transient", "rate_limit", "permanent"] | None = None
    retry_safe: bool = True
    message: str = ""
    data: Any = None


def get_order(order_id: str) -> ToolResult:
    try:
        response = requests.get(f"{ORDERS}/{order_id}", timeout=5)
    except requests.RequestException as failure:
        return ToolResult(status="error", error_type="transient", retry_safe=True, message=str(failure))
    if response.status_code in (429, 500, 502, 503):
        return ToolResult(status="error", error_type="transient", retry_safe=True, message=f"HTTP {response.status_code}")
    if not response.ok:
        return ToolResult(status="error", error_type="permanent", retry_safe=False, message=f"HTTP {response.status_code}")
    return ToolResult(status="success", data=response.json())


@dataclass(frozen=True)
class Outcome:
    status: str
    retry_safe: bool
    message: str


def refund(order_id: str) -> Outcome:
    response = httpx.post("https://pay.example.com/refunds", json={"order": order_id}, timeout=5)
    if response.status_code == 400:
        return Outcome("error", retry_safe=False, message=response.text)
    if response.is_error:
        return Outcome("error", retry_safe=True, message="try again later")
    return Outcome("success", retry_safe=False, message=response.text)


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR703="failed")
def as_json_for_the_model_alone(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result.model_dump_json(indent=2)})
    return "That took too many steps."


@labelled(FACTS, AR703="failed")
async def as_python_prints_it(question: str) -> str:
    """`status='error' error_type='permanent' retry_safe=False ...`"""
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = await client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = []
        for block in answer.content:
            if block.type == "tool_use":
                result = get_order(**block.input)  # type: ignore[arg-type]
                failed = result.status == "error"
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": str(result), "is_error": failed})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "That took too many steps."


@labelled(REFUNDS, AR703="failed")
def a_refund_that_was_refused(question: str) -> str:
    """A dict as Python prints it, behind a planner that calls no tools; only a 400 is for good."""
    client = openai.OpenAI()
    plan = client.chat.completions.create(model="gpt-5.1-mini", messages=[{"role": "user", "content": f"Plan: {question}"}])
    items: list[Any] = [{"role": "system", "content": plan.choices[0].message.content}, {"role": "user", "content": question}]
    tools: list[Any] = [{"type": "function", "name": "refund", "description": "Pays an order back.", "parameters": PARAMETERS}]
    for _ in range(8):
        answer = client.responses.create(model="gpt-5.1", input=items, tools=tools)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            outcome = asdict(refund(**json.loads(call.arguments)))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": str(outcome)})
    return "That took too many steps."


@labelled(FACTS, AR703="failed")
def three_attempts_whatever_it_says(question: str) -> str:
    """The loop repeats each failure by itself, before it tells the model; a second call of the model it would answer."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    failed: set[str] = set()
    for _ in range(8):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            result = ToolResult(status="error", message="this has failed for good, and is not tried again")
            if call.function.arguments not in failed:
                for _ in range(3):
                    result = get_order(**json.loads(call.function.arguments))
                    if result.status == "success":
                        break
                else:
                    failed.add(call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result.model_dump_json()})
    return "That took too many steps."


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR703="passed")
def the_second_call_is_answered_by_the_loop(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for_good: dict[tuple[str, str], str] = {}
    for _ in range(8):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            key = (call.function.name, call.function.arguments)
            if key in for_good:
                content = f"Not retried: this failed for good ({for_good[key]}, retry_safe: false)."
            else:
                result = get_order(**json.loads(call.function.arguments))
                content = result.model_dump_json()
                if result.status == "error" and not result.retry_safe:
                    for_good[key] = result.message
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    return "That took too many steps."


@labelled(FACTS, AR703="passed")
def it_stops_at_a_failure_for_good(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = []
        for_good = ""
        for block in answer.content:
            if block.type == "tool_use":
                result = get_order(**block.input)  # type: ignore[arg-type]
                for_good = for_good or ("" if result.retry_safe else result.message)
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": result.model_dump_json()})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
        if for_good:
            last = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages)
            return "".join(block.text for block in last.content if block.type == "text")
    return "That took too many steps."


@labelled(FACTS, AR703="passed")
def with_a_log_of_every_call(question: str) -> str:
    """The second call is logged like the first, and not carried out."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    results: dict[str, ToolResult] = {}
    for _ in range(8):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            httpx.post("https://audit.example.com/calls", json={"tool": call.function.name}, timeout=3)
            known = results.get(call.function.arguments)
            if known is None or known.retry_safe:
                results[call.function.arguments] = known = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": known.model_dump_json()})
    return "That took too many steps."


# --- what cannot be seen -----------------------------------------------------------------------------------------------


@labelled(FACTS, AR703="unproven")
def the_model_is_told_a_text(question: str) -> str:
    """It says that it failed, and not whether another try may help."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result.message or str(result.data)})
    return "That took too many steps."
