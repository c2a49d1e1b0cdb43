"""AR701: loops that a model can keep going for ever, beside those that stop by a limit, a deadline, or by seeing a circle."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import anthropic
import httpx
import openai
import requests

from tests.corpus_loops import labelled

ORDERS = "https://api.example.com/orders"
BACKEND = {"GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped"}}
FACTS = {"backend": BACKEND, "prices": {"gpt-5.1": {"input": 1.25, "output": 10}}}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}}
]
RESPONSE_TOOLS: list[Any] = [{"type": "function", "name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}]
CLAUDE_TOOLS: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": PARAMETERS}]


def get_order(order_id: str) -> str:
    try:
        return requests.get(f"{ORDERS}/{order_id}", timeout=5).text
    except requests.RequestException as failure:
        return f"error: {failure}"


def run_command(command: str) -> str:
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=False)
    return (done.stdout + done.stderr).strip() or "(nothing)"


SHELL_TOOL: Any = {
    "name": "run_command",
    "description": "Runs a line of the shell in the workspace.",
    "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
}


def coded_in(steps: Any, question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in steps:
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=[SHELL_TOOL])
        messages.append({"role": "assistant", "content": answer.content})
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": run_command(block.input["command"])}
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "I could not finish this in the steps that I have."


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR701="failed")
def chat_without_a_limit(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})


@labelled(AR701="failed")
def a_coding_agent(question: str) -> str:
    """What its commands do is not seen, but that it gives them for ever."""
    return coded_in(iter(int, 1), question)


@labelled(AR701="passed")
def a_coding_agent_with_a_limit(question: str) -> str:
    return coded_in(range(12), question)


@labelled(FACTS, AR701="failed")
async def streamed_by_claude(question: str) -> str:
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        async with client.messages.stream(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS) as stream:
            answer = await stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]  # type: ignore[arg-type]
        messages.append({"role": "user", "content": results})


@labelled(FACTS, AR701="failed")
def only_identical_calls_are_seen(question: str) -> str:
    """It sees a circle, and not a model that pages on and on."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    seen: set[str] = set()
    while True:
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            if call.function.arguments in seen:
                return "I have gone round in circles, and stop here."
            seen.add(call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})


@labelled(FACTS, AR701="failed")
def a_deadline_that_each_answer_puts_off(question: str) -> str:
    """It ends where nothing comes any more, and something always comes."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    heard_at = time.monotonic()
    while time.monotonic() - heard_at < 30:
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        heard_at = time.monotonic()
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]  # type: ignore[arg-type]
        messages.append({"role": "user", "content": results})
    return "The model has fallen silent."


@labelled(FACTS, AR701="failed")
def a_client_too_impatient_for_its_model(question: str) -> str:
    """Its timeout ends a run with a slow model; with a quick one nothing does."""
    client = openai.OpenAI(timeout=1, max_retries=0)
    messages: list[Any] = [{"role": "user", "content": question}]
    try:
        while True:
            message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
            messages.append(message)
            if not message.tool_calls:
                return message.content or ""
            for call in message.tool_calls:
                assert call.type == "function"
                messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    except openai.APITimeoutError:
        return "The model is slow today."


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR701="passed")
def while_true_with_a_counter(question: str) -> str:
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    steps = 0
    while True:
        steps += 1
        if steps > 12:
            return "I could not finish this in 12 steps."
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            output = get_order(**json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})


@labelled(FACTS, AR701="passed")
def until_a_deadline(question: str) -> str:
    """The clock of the world goes on with each call."""
    messages: list[Any] = [{"role": "user", "content": question}]
    end = time.monotonic() + 2
    with httpx.Client(timeout=30) as client:
        while time.monotonic() < end:
            body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT_TOOLS}
            message = client.post("https://api.openai.com/v1/chat/completions", json=body).json()["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"])
            for call in message["tool_calls"]:
                time.sleep(0.2)
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": "pending"})
    return "That took too long."


@labelled(FACTS, AR701="passed")
async def a_deadline_around_everything(question: str) -> str:
    """Nothing but the model takes time here."""

    async def asked() -> str:
        messages: list[Any] = [{"role": "user", "content": question}]
        async with openai.AsyncOpenAI() as client:
            while True:
                text, calls = "", dict[int, dict[str, str]]()
                chunks = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS, stream=True)
                async for chunk in chunks:
                    for choice in chunk.choices:
                        text += choice.delta.content or ""
                        for part in choice.delta.tool_calls or ():
                            call = calls.setdefault(part.index, {"id": part.id or "", "name": "get_order", "arguments": ""})
                            call["arguments"] += (part.function and part.function.arguments) or ""
                if not calls:
                    return text
                wanted = [
                    {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
                    for call in calls.values()
                ]
                messages.append({"role": "assistant", "content": text or None, "tool_calls": wanted})
                messages += [{"role": "tool", "tool_call_id": call["id"], "content": "pending"} for call in calls.values()]

    try:
        return await asyncio.wait_for(asked(), 45)
    except asyncio.TimeoutError:
        return "I could not find out within 45 seconds."


@labelled(FACTS, AR701="passed")
def by_the_time_of_day(question: str) -> str:
    client = openai.OpenAI(timeout=20)
    items: list[Any] = [{"role": "user", "content": question}]
    end = datetime.now(timezone.utc) + timedelta(seconds=60)
    while datetime.now(timezone.utc) < end:
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": "pending"} for call in calls]
    return "My minute is over, and I have found nothing."


class TooManySteps(Exception):
    """The documented way in which this loop stops."""


@labelled(FACTS, AR701="passed")
def by_an_exception_of_its_own(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": get_order(**block.input)}  # type: ignore[arg-type]
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    raise TooManySteps("the order could not be found in 10 steps")


@labelled(FACTS, AR701="not_applicable")
def a_chat_without_tools(question: str) -> str:
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


# --- who asks a human in each step, and hears no -------------------------------------------------------------------------


def permitted(block: Any) -> str:
    if input(f"Run {block.input.get('command')!r}? [y/N] ").strip().lower() not in ("y", "yes"):
        return "The user does not allow this command."
    return run_command(block.input["command"])


def asked_for_each(steps: Any, question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in steps:
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=[SHELL_TOOL])
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": permitted(block)} for block in calls]
        messages.append({"role": "user", "content": results})
    return "I have stopped after so many steps; tell me whether I should go on."


@labelled(AR701="failed", AR507="not_applicable")
def a_permission_for_each_step_is_no_end(question: str) -> str:
    """Nobody says yes, and the model goes on asking for another command."""
    return asked_for_each(itertools.count(), question)


@labelled(AR701="passed", AR507="passed")
def a_permission_for_each_of_thirty_steps(question: str) -> str:
    return asked_for_each(range(30), question)
