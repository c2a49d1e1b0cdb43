"""AR704: loops that a made-up name of a tool ends, or leads astray, beside those that tell the model."""

from __future__ import annotations

import difflib
import inspect
import json
from typing import Any

import anthropic
import httpx
import openai
import requests

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {
    "backend": {"GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped"}, "POST https://api.example.com/audit": {}}
}
ORDER: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT: list[Any] = [{"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": ORDER}}]
RESPONSES: list[Any] = [{"type": "function", "name": "get_order", "description": "The state of an order.", "parameters": ORDER}]
CLAUDE: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": ORDER}]
TOO_MANY = "I could not finish this, it took too many steps."


def get_order(order_id: str) -> str:
    try:
        return requests.get(f"{API}/orders/{order_id}", timeout=5).text
    except requests.RequestException as failure:
        return f"error: {failure}"


TOOLS = {"get_order": get_order}


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR704="failed")
def by_a_registry(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": TOOLS[call.function.name](**json.loads(call.function.arguments))}
            )
    return TOO_MANY


class UnknownTool(Exception):
    pass


@labelled(FACTS, AR704="failed")
async def by_an_exception_of_its_own(question: str) -> str:
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = await client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
        messages.append({"role": "assistant", "content": answer.content})
        results = []
        for block in answer.content:
            if block.type == "tool_use":
                if block.name not in TOOLS:
                    raise UnknownTool(block.name)
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": TOOLS[block.name](**block.input)})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR704="failed")
def skipped_in_silence(question: str) -> str:
    """The call stays in the history, and nothing answers it: the provider refuses the next request."""
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSES)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            if call.name in TOOLS:
                output = TOOLS[call.name](**json.loads(call.arguments))
                items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    return TOO_MANY


@labelled(FACTS, AR704="failed")
def the_nearest_one(question: str) -> str:
    """Whatever the model calls, something is carried out."""
    messages: list[Any] = [{"role": "user", "content": question}]
    with httpx.Client(timeout=30) as client:
        for _ in range(10):
            body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT}
            message = client.post("https://api.openai.com/v1/chat/completions", json=body).json()["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"])
            for call in message["tool_calls"]:
                tool = next(tool for name, tool in TOOLS.items() if call["function"]["name"].startswith(name))
                output = tool(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": output})
    return TOO_MANY


@labelled(FACTS, AR704="failed")
def nothing_but_an_end(question: str) -> str | None:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
        if answer.stop_reason != "tool_use":
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": TOOLS[block.name](**block.input)}
            for block in answer.content
            if block.type == "tool_use" and block.name in TOOLS
        ]
        if not results:
            return None
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR704="passed")
def told_with_the_names(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            try:
                output = TOOLS[call.function.name](**json.loads(call.function.arguments))
            except KeyError:
                output = f"There is no tool {call.function.name}. You have {', '.join(TOOLS)}."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR704="passed")
async def noted_and_told(question: str) -> str:
    """Every call is noted elsewhere, be there such a tool or not: that is no tool that is carried out."""
    messages: list[Any] = [{"role": "user", "content": question}]
    async with httpx.AsyncClient(timeout=30) as http, anthropic.AsyncAnthropic() as client:
        for _ in range(10):
            answer = await client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
            messages.append({"role": "assistant", "content": answer.content})
            results: list[Any] = []
            for block in answer.content:
                if block.type == "tool_use":
                    await http.post(f"{API}/audit", json={"tool": block.name, "input": block.input})
                    tool = TOOLS.get(block.name)
                    output = tool(**block.input) if tool else f"unknown tool: {block.name}"
                    results.append({"type": "tool_result", "tool_use_id": block.id, "content": output, "is_error": tool is None})
            if not results:
                return "".join(block.text for block in answer.content if block.type == "text")
            messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR704="passed")
def with_a_word_for_the_user(question: str) -> str:
    client = openai.OpenAI()
    last = client.responses.create(model="gpt-5.1", input=question, tools=RESPONSES)
    for _ in range(10):
        outputs: list[Any] = []
        for item in last.output:
            if item.type == "function_call":
                if item.name not in TOOLS:
                    return "I got confused about what I can do, and have stopped. Please ask again in other words."
                outputs.append(
                    {"type": "function_call_output", "call_id": item.call_id, "output": TOOLS[item.name](**json.loads(item.arguments))}
                )
        if not outputs:
            return last.output_text
        last = client.responses.create(model="gpt-5.1", input=outputs, tools=RESPONSES, previous_response_id=last.id)
    return TOO_MANY


@labelled(FACTS, AR704="passed")
def left_out_of_the_history(question: str) -> str:
    """The model is asked again, as if it had said nothing: nothing hangs in the air."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        calls = [call for call in message.tool_calls or () if call.type == "function"]
        if not calls:
            return message.content or ""
        if any(call.function.name not in TOOLS for call in calls):
            messages.append({"role": "user", "content": f"Use only these tools: {', '.join(TOOLS)}."})
            continue
        messages.append(message)
        for call in calls:
            output = TOOLS[call.function.name](**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR704="unproven")
def a_tool_that_is_named(question: str) -> str:
    """The provider makes no other call than the one that is demanded."""
    message = (
        openai.OpenAI()
        .chat.completions.create(
            model="gpt-5.1",
            messages=[{"role": "user", "content": question}],
            tools=CHAT,
            tool_choice={"type": "function", "function": {"name": "get_order"}},
        )
        .choices[0]
        .message
    )
    (call,) = message.tool_calls or ()
    assert call.type == "function"
    assert inspect.signature(get_order).parameters.keys() == json.loads(call.function.arguments).keys()
    return get_order(**json.loads(call.function.arguments))


@labelled(AR704="not_applicable")
def no_tools(question: str) -> str:
    answer = anthropic.Anthropic().messages.create(model="claude-sonnet-5", max_tokens=99, messages=[{"role": "user", "content": question}])
    return "".join(block.text for block in answer.content if block.type == "text")


# --- several tools, and the nearest name -------------------------------------------------------------------------------


def cancel_order(order_id: str) -> str:
    try:
        return requests.post(f"{API}/audit", json={"cancel": order_id}, timeout=5).text
    except requests.RequestException as failure:
        return f"error: {failure}"


BOTH = {"cancel_order": cancel_order, "get_order": get_order}
OFFERED: list[Any] = [
    {"type": "function", "function": {"name": name, "description": f"Use {name}.", "parameters": ORDER}} for name in sorted(BOTH)
]


def by_its_nearest(name: str, arguments: str, *, guesses: bool) -> str:
    """The tool that is called almost so is carried out where one `guesses`, and else named."""
    near = [name] if name in BOTH else difflib.get_close_matches(name, BOTH, n=1, cutoff=0.5)
    if name not in BOTH and not (guesses and near):
        return f"There is no tool {name}. Do you mean {', '.join(near) or 'none of mine'}?"
    try:
        return BOTH[near[0]](str(json.loads(arguments)["order_id"]))
    except (ValueError, KeyError, TypeError) as mistake:
        return f"invalid arguments: {mistake}"


def with_two_tools(question: str, *, guesses: bool) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=OFFERED).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            output = by_its_nearest(call.function.name, call.function.arguments, guesses=guesses)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR704="failed")
def the_nearest_is_carried_out(question: str) -> str:
    """Of several tools one that is called almost so."""
    return with_two_tools(question, guesses=True)


@labelled(FACTS, AR704="passed")
def the_nearest_is_named(question: str) -> str:
    return with_two_tools(question, guesses=False)
