"""AR709: loops that carry out what a broken stream has left, beside those that wait for its end."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import openai
import requests
from pydantic_core import from_json

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {"backend": {"POST https://api.example.com/refunds": {"refund": "r-1"}, "GET https://api.example.com/orders": {"orders": ["42"]}}}
REFUND: dict[str, Any] = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "integer"}},
    "required": ["order_id", "amount"],
}
CHAT: list[Any] = [{"type": "function", "function": {"name": "refund", "description": "Give money back.", "parameters": REFUND}}]
RESPONSES: list[Any] = [{"type": "function", "name": "refund", "description": "Give money back.", "parameters": REFUND}]
CLAUDE: list[Any] = [{"name": "refund", "description": "Give money back.", "input_schema": REFUND}]
LISTING: dict[str, Any] = {"type": "object", "properties": {"state": {"type": "string"}}}
LISTING_CHAT: list[Any] = [{"type": "function", "function": {"name": "list_orders", "description": "Orders.", "parameters": LISTING}}]
LISTING_CLAUDE: list[Any] = [{"name": "list_orders", "description": "Orders.", "input_schema": LISTING}]
TOO_MANY = "I could not finish this, it took too many steps."
BROKEN = "The line to the model broke off, and nothing was done. Please ask again."


def refund(order_id: str, amount: int) -> str:
    try:
        return requests.post(f"{API}/refunds", json={"order": order_id, "amount": amount}, timeout=5).text
    except requests.RequestException as failure:
        return f"error: {failure}"


def list_orders(state: str = "open") -> str:
    return requests.get(f"{API}/orders", params={"state": state}, timeout=5).text


def chat_call(id: str, arguments: str, output: str, name: str = "refund") -> list[Any]:
    call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": output}]


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR709="failed")
def lines_of_httpx_mended(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    with httpx.Client(timeout=30) as client:
        for _ in range(10):
            text, id, arguments = "", "", ""
            body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT, "stream": True}
            try:
                with client.stream("POST", "https://api.openai.com/v1/chat/completions", json=body) as response:
                    for line in response.iter_lines():
                        if line.startswith("data: {"):
                            delta = json.loads(line[6:])["choices"][0]["delta"]
                            text += delta.get("content") or ""
                            for part in delta.get("tool_calls") or ():
                                id, arguments = part.get("id") or id, arguments + (part["function"].get("arguments") or "")
            except httpx.TransportError:
                pass
            if not id:
                return text
            try:
                output = refund(**from_json(arguments, allow_partial=True))
            except (TypeError, ValueError) as mistake:
                output = f"invalid arguments: {mistake}"
            messages += chat_call(id, arguments, output)
    return TOO_MANY


@labelled(FACTS, AR709="failed")
def the_snapshot_of_the_sdk(question: str) -> str:
    """What the SDK shows of a message that is still growing is taken for the message."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        with client.messages.stream(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE) as stream:
            try:
                for _event in stream:
                    pass
            except Exception as failure:
                print(f"the stream ended early: {failure}")
            answer = stream.current_message_snapshot
        messages.append({"role": "assistant", "content": [block.to_dict() for block in answer.content]})
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": block.id, "content": refund(**block.input)}  # type: ignore[arg-type]
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR709="failed")
async def braces_are_put_behind(question: str) -> str:
    client = openai.AsyncOpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        text, id, arguments = "", "", ""
        stream = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT, stream=True)
        async for chunk in stream:
            delta = chunk.choices[0].delta
            text += delta.content or ""
            for part in delta.tool_calls or ():
                assert part.function is not None
                id, arguments = part.id or id, arguments + (part.function.arguments or "")
        if not id:
            return text
        if not arguments.endswith("}"):
            arguments += "}"
        messages += chat_call(id, arguments, refund(**json.loads(arguments)))
    return TOO_MANY


@labelled(FACTS, AR709="failed")
async def no_arguments_are_taken_for_none(question: str) -> str:
    """What is cut off in its arguments is refused as no JSON; what is cut off before them is not."""
    messages: list[Any] = [{"role": "user", "content": question}]
    async with openai.AsyncOpenAI() as client:
        for _ in range(10):
            text, id, arguments = "", "", ""
            async for chunk in await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=LISTING_CHAT, stream=True):
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    for part in choice.delta.tool_calls or ():
                        id, arguments = part.id or id, arguments + ((part.function and part.function.arguments) or "")
            if not id:
                return text
            try:
                output = list_orders(**json.loads(arguments or "{}"))
            except (TypeError, ValueError) as mistake:
                output = f"invalid arguments: {mistake}"
            messages += chat_call(id, arguments, output, "list_orders")
    return TOO_MANY


@labelled(FACTS, AR709="failed")
def a_block_that_has_begun(question: str) -> str:
    """A block of Anthropic's begins with an empty object, which its own deltas fill later."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        block: Any = None
        text = written = ""
        with client.messages.create(
            model="claude-sonnet-5", max_tokens=900, messages=messages, tools=LISTING_CLAUDE, stream=True
        ) as events:
            for event in events:
                if event.type == "content_block_start" and event.content_block.type == "tool_use":
                    block = event.content_block
                elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                    written += event.delta.partial_json
                elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                    text += event.delta.text
        if block is None:
            return text
        try:
            given = json.loads(written) if written else block.input
        except ValueError:
            return BROKEN
        call = {"type": "tool_use", "id": block.id, "name": block.name, "input": given}
        result = {"type": "tool_result", "tool_use_id": block.id, "content": list_orders(**given)}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return TOO_MANY


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR709="passed")
async def no_arguments_are_none_at_its_end(question: str) -> str:
    """Nothing is asked for where nothing was written, once the model says that it has written all."""
    messages: list[Any] = [{"role": "user", "content": question}]
    async with openai.AsyncOpenAI() as client:
        for _ in range(10):
            text, id, arguments, finish = "", "", "", None
            async for chunk in await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=LISTING_CHAT, stream=True):
                for choice in chunk.choices:
                    finish = choice.finish_reason or finish
                    text += choice.delta.content or ""
                    for part in choice.delta.tool_calls or ():
                        id, arguments = part.id or id, arguments + ((part.function and part.function.arguments) or "")
            if finish is None:
                return BROKEN
            if not id:
                return text
            try:
                output = list_orders(**json.loads(arguments or "{}"))
            except (TypeError, ValueError) as mistake:
                output = f"invalid arguments: {mistake}"
            messages += chat_call(id, arguments, output, "list_orders")
    return TOO_MANY


@labelled(FACTS, AR709="passed")
def only_with_a_finish_reason(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        text, id, arguments, finish = "", "", "", ""
        body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT, "stream": True}
        try:
            with requests.post("https://api.openai.com/v1/chat/completions", json=body, stream=True, timeout=30) as response:
                for line in response.iter_lines():
                    if line.startswith(b"data: {"):
                        choice = json.loads(line[6:])["choices"][0]
                        finish = choice["finish_reason"] or finish
                        text += choice["delta"].get("content") or ""
                        for part in choice["delta"].get("tool_calls") or ():
                            id, arguments = part.get("id") or id, arguments + (part["function"].get("arguments") or "")
        except requests.RequestException:
            return BROKEN
        if finish != "tool_calls":
            return text or BROKEN
        messages += chat_call(id, arguments, refund(**from_json(arguments, allow_partial=True)))
    return TOO_MANY


@labelled(FACTS, AR709="passed")
async def left_to_the_exception(question: str) -> str:
    """The SDK raises, and so does the loop: that is the outage's story."""
    client = anthropic.AsyncAnthropic(max_retries=0)
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        async with client.messages.stream(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE) as stream:
            answer = await stream.get_final_message()
        if answer.stop_reason not in ("tool_use", "end_turn"):
            return BROKEN
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": block.id, "content": refund(**block.input)}  # type: ignore[arg-type]
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR709="passed")
def asked_once_more(question: str) -> str:
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = None
        try:
            for event in client.responses.create(model="gpt-5.1", input=items, tools=RESPONSES, stream=True):
                if event.type == "response.completed":
                    answer = event.response
        except openai.APIConnectionError:
            continue
        if answer is None:
            continue
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": refund(**json.loads(call.arguments))})
    return TOO_MANY


@labelled(FACTS, AR709="passed")
def refused_as_no_json(question: str) -> str:
    """It does not see that the stream broke off, but a call that is not whole is no JSON."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        text, id, arguments = "", "", ""
        try:
            for chunk in client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT, stream=True):
                delta = chunk.choices[0].delta
                text += delta.content or ""
                for part in delta.tool_calls or ():
                    assert part.function is not None
                    id, arguments = part.id or id, arguments + (part.function.arguments or "")
        except openai.APIConnectionError:
            pass
        if not id:
            return text
        try:
            output = refund(**json.loads(arguments))
        except ValueError:
            output = "error: these arguments are no JSON"
        messages += chat_call(id, arguments, output)
    return TOO_MANY


@labelled(FACTS, AR709="not_applicable")
def not_streamed(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": refund(**json.loads(call.function.arguments))})
    return TOO_MANY


@labelled(AR709="not_applicable")
def streamed_without_tools(question: str) -> str:
    stream = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}], stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
