"""AR708: loops that put whatever a tool says into the next request, beside those that bound it."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import openai
import requests

from tests.corpus_loops import labelled

API = "https://api.example.com"
BACKEND = {
    "GET https://api.example.com/logs/{id}": {"lines": ["packed at 9", "shipped at 11"]},
    "GET https://api.example.com/pages/{id}": {"title": "Returns", "text": "You may return what you bought within thirty days."},
    "GET https://api.example.com/counts/{id}": {"orders": 3},
}
FACTS = {"backend": BACKEND}
ID: dict[str, Any] = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
CHAT: list[Any] = [{"type": "function", "function": {"name": "get_log", "description": "The log of an order.", "parameters": ID}}]
RESPONSES: list[Any] = [{"type": "function", "name": "get_page", "description": "A page of the help.", "parameters": ID}]
CLAUDE: list[Any] = [{"name": "get_log", "description": "The log of an order.", "input_schema": ID}]
TOO_MANY = "I could not finish this, it took too many steps."


def fetched(kind: str, id: str) -> Any:
    try:
        return requests.get(f"{API}/{kind}/{id}", timeout=5).json()
    except requests.RequestException as failure:
        return {"error": str(failure)}


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR708="failed")
def dumped(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            output = json.dumps(fetched("logs", json.loads(call.function.arguments)["id"]))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR708="failed")
def one_long_field(question: str) -> str:
    """It picks a field, and the field has no end."""
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSES)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            output = fetched("pages", json.loads(call.arguments)["id"]).get("text", "nothing found")
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    return TOO_MANY


@labelled(FACTS, AR708="failed")
async def by_claude_streamed(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    async with anthropic.AsyncAnthropic() as client, httpx.AsyncClient(timeout=5) as http:
        for _ in range(10):
            async with client.messages.stream(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE) as stream:
                answer = await stream.get_final_message()
            messages.append({"role": "assistant", "content": answer.content})
            results: list[Any] = []
            for block in answer.content:
                if block.type == "tool_use":
                    log = (await http.get(f"{API}/logs/{block.input['id']}")).json()
                    text = [{"type": "text", "text": "\n".join(log["lines"])}]
                    results.append({"type": "tool_result", "tool_use_id": block.id, "content": text})
            if not results:
                return "".join(block.text for block in answer.content if block.type == "text")
            messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR708="failed")
def summarised_in_one_go(question: str) -> str:
    """What is too long is summarised, by a request that has all of it."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            output = json.dumps(fetched("logs", json.loads(call.function.arguments)["id"]))
            if len(output) > 8_000:
                ask: list[Any] = [{"role": "user", "content": f"Summarise this log:\n{output}"}]
                output = client.chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content or ""
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR708="passed")
def cut_with_a_word(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            output = json.dumps(fetched("logs", json.loads(call.function.arguments)["id"]))
            shown = output if len(output) < 12_000 else f"{output[:6_000]}\n...\n{output[-6_000:]}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": shown})
    return TOO_MANY


@labelled(FACTS, AR708="passed")
def cut_late(question: str) -> str:
    """At 100,000 characters: that is a lot, and it is a limit."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": block.id, "content": json.dumps(fetched("logs", str(block.input["id"])))[:100_000]}
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR708="passed")
def stored_and_shown_in_part(question: str) -> str:
    client = openai.OpenAI()
    store: dict[str, str] = {}
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSES)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            output = json.dumps(fetched("pages", json.loads(call.arguments)["id"]))
            store[call.call_id] = output
            shown = output if len(output) < 2_000 else f"{output[:1_000]} ... (artifact {call.call_id}, {len(output)} characters)"
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": shown})
    return TOO_MANY


@labelled(FACTS, AR708="passed")
def summarised_in_parts(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            output = json.dumps(fetched("logs", json.loads(call.function.arguments)["id"]))
            if len(output) > 8_000:
                parts = [output[start : start + 8_000] for start in range(0, 32_000, 8_000)]
                asked: list[list[Any]] = [[{"role": "user", "content": f"Summarise this part of a log:\n{part}"}] for part in parts]
                said = [
                    client.chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content or "" for ask in asked
                ]
                output = "\n".join(said)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR708="passed")
def a_number_alone(question: str) -> str:
    """However long the answer is, it says a number."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            count = fetched("counts", json.loads(call.function.arguments)["id"]).get("orders")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": f"There are {count} orders."})
    return TOO_MANY


@labelled(AR708="unproven")
def asks_nobody(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "packed, shipped"} for call in message.tool_calls]
    return TOO_MANY


@labelled(AR708="not_applicable")
def no_tools(question: str) -> str:
    return openai.OpenAI().responses.create(model="gpt-5.1", input=question).output_text


# --- what the loop fetches by itself is no tool's output ---------------------------------------------------------------


def beside_a_page(question: str, most: int | None) -> str:
    """A page stands in the first request already; of what the tool says there is as much as `most`."""
    client = openai.OpenAI()
    page = f"<page>{fetched('pages', 'start')}</page>\n{question}"
    messages: list[Any] = [{"role": "user", "content": page}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            output = json.dumps(fetched("logs", json.loads(call.function.arguments)["id"]))[:most]
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR708="passed")
def bounded_beside_a_long_page(question: str) -> str:
    return beside_a_page(question, 4_000)


@labelled(FACTS, AR708="failed")
def unbounded_beside_a_long_page(question: str) -> str:
    return beside_a_page(question, None)
