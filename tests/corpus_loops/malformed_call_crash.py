"""AR705: loops that malformed arguments end, or that carry them out, beside those that have the model write them again."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import openai
import requests
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from tests.corpus_loops import labelled

API = "https://api.example.com"
BACKEND = {
    "GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped"},
    "POST https://api.example.com/refunds": {"refund": "r-1"},
    "GET https://api.example.com/orders": [],
}
FACTS = {"backend": BACKEND}
ORDER: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
REFUND: dict[str, Any] = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "integer"}},
    "required": ["order_id", "amount"],
}
LISTING: dict[str, Any] = {"type": "object", "properties": {"limit": {"type": "integer"}}}
TOO_MANY = "I could not finish this, it took too many steps."


def chat_tools(name: str, schema: dict[str, Any]) -> list[Any]:
    return [{"type": "function", "function": {"name": name, "description": "Of the shop.", "parameters": schema}}]


def claude_tools(name: str, schema: dict[str, Any]) -> list[Any]:
    return [{"name": name, "description": "Of the shop.", "input_schema": schema}]


def get_order(order_id: str) -> str:
    return requests.get(f"{API}/orders/{order_id}", timeout=5).text


def refund(order_id: str, amount: int) -> str:
    return requests.post(f"{API}/refunds", json={"order": order_id, "amount": amount}, timeout=5).text


class Refund(BaseModel):
    order_id: str
    amount: int


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR705="failed")
def loaded_and_unpacked(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("get_order", ORDER))
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return TOO_MANY


@labelled(FACTS, AR705="failed")
def json_is_guarded_and_types_are_not(question: str) -> str:
    """What is no JSON comes back to the model; a dict in the place of an id is sent to the shop."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("refund", REFUND))
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            try:
                output = refund(**json.loads(call.function.arguments))
            except (ValueError, TypeError) as mistake:
                output = f"Your arguments are not valid: {mistake}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR705="failed")
async def mended_by_the_sdk(question: str) -> str:
    """The SDK's own stream makes an object of the beginning of one."""
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        async with client.messages.stream(
            model="claude-sonnet-5", max_tokens=900, messages=messages, tools=claude_tools("get_order", ORDER)
        ) as stream:
            answer = await stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        results = []
        for block in answer.content:
            if block.type == "tool_use":
                order = block.input.get("order_id")
                output = get_order(order) if isinstance(order, str) else "order_id is missing, or no text"
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": output})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR705="failed")
def mended_by_the_loop(question: str) -> str:
    """Lines of a stream, put together by hand, and read by a parser that takes what there is."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        body = {"model": "gpt-5.1", "messages": messages, "tools": chat_tools("get_order", ORDER), "stream": True}
        text, id, name, arguments = "", "", "", ""
        with requests.post("https://api.openai.com/v1/chat/completions", json=body, stream=True, timeout=30) as response:
            for line in response.iter_lines():
                if line.startswith(b"data: ") and line != b"data: [DONE]":
                    delta = json.loads(line[6:])["choices"][0]["delta"]
                    text += delta.get("content") or ""
                    for part in delta.get("tool_calls") or ():
                        id, name = part.get("id") or id, part["function"].get("name") or name
                        arguments += part["function"].get("arguments") or ""
        if not name:
            return text
        try:
            output = get_order(str(from_json(arguments, allow_partial="trailing-strings")["order_id"]))
        except (ValueError, TypeError, KeyError):
            output = "error: bad arguments"
        call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
        messages += [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": output}]
    return TOO_MANY


@labelled(FACTS, AR705="failed")
def a_default_for_what_is_missing(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=claude_tools("refund", REFUND))
        messages.append({"role": "assistant", "content": answer.content})
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": refund(block.input.get("order_id", ""), block.input.get("amount", 0)),
            }
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(AR705="failed")
def of_itself_alone(question: str) -> str:
    """A tool that asks nobody says what it was given."""
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    tools: list[Any] = [{"type": "function", "name": "get_order", "parameters": ORDER}]
    for _ in range(10):
        answer = client.responses.create(model="gpt-5.1", input=items, tools=tools)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            try:
                output = json.dumps({"order": json.loads(call.arguments)["order_id"], "state": "shipped"})
            except (ValueError, TypeError, KeyError):
                output = json.dumps({"error": "these arguments are not valid"})
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    return TOO_MANY


@labelled(FACTS, AR705="failed")
async def the_second_tool_takes_all(question: str) -> str:
    """One tool looks at its arguments, the other one hands them on."""
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    tools = [*claude_tools("get_order", ORDER), *claude_tools("refund", REFUND)]

    async def carried_out(name: str, given: Any) -> str:
        if name == "refund":
            async with httpx.AsyncClient(timeout=5) as http:
                return (await http.post(f"{API}/refunds", json=given)).text
        order = given.get("order_id")
        return get_order(order) if isinstance(order, str) else "order_id has to be a text"

    for _ in range(10):
        answer = await client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=tools)
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": block.id, "content": await carried_out(block.name, block.input)}
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR705="failed")
def an_end_for_any_other_reason(question: str) -> str:
    """What the limit of the output has cut off is taken for an answer, and there is none in it."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        choice = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("refund", REFUND)).choices[0]
        messages.append(choice.message)
        if choice.finish_reason != "tool_calls":
            return choice.message.content or ""
        for call in choice.message.tool_calls or ():
            assert call.type == "function"
            try:
                wanted = Refund.model_validate_json(call.function.arguments)
                output = refund(wanted.order_id, wanted.amount)
            except ValidationError as mistake:
                output = f"Invalid arguments: {mistake}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR705="failed")
def a_tool_has_to_be_called_first(question: str) -> str:
    """There is no conversation without the tool: what it does is told from the loop's own all the same."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for step in range(10):
        choice: Any = "auto" if step else "required"
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("refund", REFUND), tool_choice=choice)
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            try:
                given = from_json(call.function.arguments or "{}", allow_partial=True)
                output = refund(str(given["order_id"]), int(given["amount"]))
            except (ValueError, KeyError, TypeError) as mistake:
                output = f"error: {mistake}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS | {"backend": {"GET https://logs.example.com/{host}": {"lines": ["started"]}}}, AR705="failed")
def an_argument_at_the_beginning_of_a_path(question: str) -> str:
    """What is asked for by a wrong argument is at an address of its own, from the first word of its path on."""
    client = openai.OpenAI()
    schema = {"type": "object", "properties": {"host": {"type": "string"}, "lines": {"type": "integer"}}, "required": ["host"]}
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = (
            client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("read_log", schema)).choices[0].message
        )
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            try:
                given = json.loads(call.function.arguments)
                output = httpx.get(f"https://logs.example.com/{given['host']}", params={"n": given.get("lines", 50)}, timeout=5).text
            except (KeyError, TypeError, ValueError) as mistake:
                output = f"invalid arguments: {mistake!r}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR705="passed", AR704="passed")
def validated(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("refund", REFUND))
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            try:
                wanted = Refund.model_validate_json(call.function.arguments)
            except ValidationError as mistake:
                output = f"Invalid arguments: {mistake}"
            else:
                output = refund(wanted.order_id, wanted.amount) if call.function.name == "refund" else "There is no such tool."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR705="passed")
async def streamed_and_looked_at(question: str) -> str:
    """An answer that the limit of its output has cut off is asked for again; types are looked at by the tool."""
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        async with client.messages.stream(
            model="claude-sonnet-5", max_tokens=900, messages=messages, tools=claude_tools("get_order", ORDER)
        ) as stream:
            answer = await stream.get_final_message()
        if answer.stop_reason == "max_tokens":
            messages.append({"role": "user", "content": "Your last answer was cut off. Be shorter."})
            continue
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = []
        for block in answer.content:
            if block.type == "tool_use":
                order = block.input.get("order_id")
                output = get_order(order) if isinstance(order, str) else "order_id has to be a text"
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": output, "is_error": not isinstance(order, str)})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR705="passed")
def nothing_is_required(question: str) -> str:
    """No arguments are arguments enough, and a wrong one is ignored."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("list_orders", LISTING))
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            try:
                given = json.loads(call.function.arguments or "{}")
                if not isinstance(given, dict) or not isinstance(given.get("limit", 10), int):
                    raise ValueError("limit has to be a number")
                output = requests.get(f"{API}/orders", params={"limit": given.get("limit", 10)}, timeout=5).text
            except ValueError as mistake:
                output = f"error: {mistake}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR705="passed")
def by_hand_with_a_schema(question: str) -> str:
    """Of lines of events, whose arguments are looked at before anything is done with them."""
    messages: list[Any] = [{"role": "user", "content": question}]
    with httpx.Client(timeout=30) as client:
        for _ in range(10):
            body = {
                "model": "claude-sonnet-5",
                "max_tokens": 900,
                "messages": messages,
                "tools": claude_tools("refund", REFUND),
                "stream": True,
            }
            blocks: list[Any] = []
            with client.stream(
                "POST", "https://api.anthropic.com/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"}
            ) as response:
                for line in response.iter_lines():
                    if not line.startswith("data: "):
                        continue
                    event = json.loads(line[6:])
                    if event["type"] == "content_block_start":
                        blocks.append({**event["content_block"], "written": ""})
                    elif event["type"] == "content_block_delta":
                        blocks[-1]["written"] += event["delta"].get("text") or event["delta"].get("partial_json") or ""
            calls = [block for block in blocks if block["type"] == "tool_use"]
            if not calls:
                return "".join(block["written"] for block in blocks)
            spoken, results = [], []
            for block in calls:
                try:
                    wanted = Refund.model_validate_json(block["written"] or "{}", strict=True)
                    given, output = wanted.model_dump(), refund(wanted.order_id, wanted.amount)
                except ValidationError as mistake:
                    given, output = {}, f"Invalid input: {mistake}"
                spoken.append({"type": "tool_use", "id": block["id"], "name": block["name"], "input": given})
                results.append({"type": "tool_result", "tool_use_id": block["id"], "content": output})
            messages += [{"role": "assistant", "content": spoken}, {"role": "user", "content": results}]
    return TOO_MANY


PLAN: dict[str, Any] = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": {"type": "string"}}, "urgent": {"type": "boolean"}},
    "required": ["steps", "urgent"],
}


@labelled(FACTS, AR704="passed", AR705="passed", AR707="passed", AR708="passed")
def planned_first(question: str) -> dict[str, Any]:
    """A planner that is asked for JSON, and a router that has to call its tool, come before what is tried."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    form: Any = {"type": "json_schema", "json_schema": {"name": "plan", "schema": PLAN, "strict": True}}
    plan = json.loads(
        client.chat.completions.create(model="gpt-5.1", messages=messages, response_format=form).choices[0].message.content or ""
    )
    router = chat_tools("route", {"type": "object", "properties": {"to": {"enum": ["orders", "refunds"]}}, "required": ["to"]})
    choice: Any = {"type": "function", "function": {"name": "route"}}
    routed = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=router, tool_choice=choice).choices[0].message
    (call,) = routed.tool_calls or ()
    assert call.type == "function"
    messages.insert(0, {"role": "system", "content": f"You are the desk for {json.loads(call.function.arguments)['to']}: {plan['steps']}"})
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("get_order", ORDER))
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return {"answer": message.content, "urgent": plan["urgent"]}
        for call in message.tool_calls:
            assert call.type == "function"
            try:
                if call.function.name != "get_order":
                    raise ValueError(f"there is no tool {call.function.name}")
                order = json.loads(call.function.arguments)["order_id"]
                if not isinstance(order, str):
                    raise ValueError("order_id has to be a text")
                output = get_order(order)[:4_000]
            except (ValueError, KeyError, TypeError) as mistake:
                output = f"error: {mistake}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return {"answer": TOO_MANY, "urgent": plan["urgent"]}


@labelled(AR705="unproven")
def whatever_it_is_asked(question: str) -> str:
    """It says the same to every call: nobody sees what it did."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = (
            client.chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("get_order", ORDER)).choices[0].message
        )
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in message.tool_calls]
    return TOO_MANY


@labelled(AR705="not_applicable")
def no_tools(question: str) -> str:
    return openai.OpenAI().responses.create(model="gpt-5.1", input=question).output_text
