"""AR505, AR701, AR702 and AR708: agents whose tools are agents, and the tools of these: the outer one asks nobody by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import requests

from tests.corpus_loops import labelled

FACTS = {"backend": {"GET https://warehouse.example.com/tables/{name}": lambda request: {"table": request.path, "rows": 12}}}
TABLE: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
TASK: dict[str, Any] = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}
WHOLE, LONG = 10_000_000, 6_000  # characters


def read_table(name: str, most: int = LONG) -> str:
    try:
        return requests.get(f"https://warehouse.example.com/tables/{name}", timeout=4).text[:most]
    except requests.RequestException as failure:
        return f"error: {type(failure).__name__}, try again"


def chat_agent(system: str, name: str, schema: dict[str, Any], tool: Callable[[str], str], steps: int) -> Callable[[str], str]:
    """An agent with a single tool of a single argument."""
    tools: list[Any] = [{"type": "function", "function": {"name": name, "description": f"Use {name}.", "parameters": schema}}]

    def run(text: str) -> str:
        messages: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        for _ in range(steps):
            message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
            messages.append(message)
            if not message.tool_calls:
                return message.content or ""
            for call in message.tool_calls:
                assert call.type == "function"
                try:
                    (given,) = json.loads(call.function.arguments).values()
                    output = tool(given) if call.function.name == name else f"There is no {call.function.name}."
                except (AttributeError, ValueError) as mistake:
                    output = f"invalid arguments: {mistake}"
                messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
        return "It took more steps than I may take."

    return run


def head_of_analysts(question: str, kept: Callable[[list[Any]], list[Any]]) -> str:
    """An agent of Claude's below one of OpenAI's, which sends what is `kept` of its messages."""

    def analyst(task: str) -> str:
        client, said = anthropic.Anthropic(), [{"role": "user", "content": task}]
        for _ in range(3):
            answer = client.messages.create(
                model="claude-haiku-4-5",
                max_tokens=500,
                messages=said,  # type: ignore[arg-type]
                tools=[{"name": "read_table", "description": "A table.", "input_schema": TABLE}],
            )
            calls = [block for block in answer.content if block.type == "tool_use"]
            if not calls:
                return "".join(block.text for block in answer.content if block.type == "text")
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": read_table(str(call.input))} for call in calls]
            said += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]  # type: ignore[dict-item]
        return "It took more steps than I may take."

    tools: list[Any] = [{"type": "function", "function": {"name": "ask_analyst", "description": "Ask one.", "parameters": TASK}}]
    messages: list[Any] = [
        {"role": "system", "content": "You lead analysts of a warehouse. Never give them names of customers."},
        {"role": "user", "content": question},
    ]
    for _ in range(12):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=kept(messages), tools=tools).choices[0].message
        messages.append(answer.model_dump(exclude_none=True))
        if not answer.tool_calls:
            return answer.content or ""
        for call in answer.tool_calls:
            assert call.type == "function"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": analyst(call.function.arguments)})
    return "It took more steps than I may take."


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR701="failed", AR702="failed", AR708="passed")
def a_head_without_a_limit(question: str) -> str:
    """Those below have their limits, and it asks them for ever."""
    analyst = chat_agent("You are an analyst.", "read_table", TABLE, read_table, 4)
    return chat_agent("You lead analysts.", "ask_analyst", TASK, analyst, 1_000_000)(question)


@labelled(FACTS, AR701="failed", AR702="failed")
def a_helper_without_a_limit(question: str) -> str:
    analyst = chat_agent("You are an analyst.", "read_table", TABLE, read_table, 1_000_000)
    return chat_agent("You lead analysts.", "ask_analyst", TASK, analyst, 5)(question)


@labelled(FACTS, AR702="passed", AR708="failed")
def a_helper_that_takes_all(question: str) -> str:
    analyst = chat_agent("You are an analyst.", "read_table", TABLE, lambda name: read_table(name, WHOLE), 4)
    return chat_agent("You lead analysts.", "ask_analyst", TASK, analyst, 5)(question)


@labelled({**FACTS, "context_window": 6_000}, AR503="passed", AR505="failed", AR701="passed")
def a_head_that_forgets_its_rules(question: str) -> str:
    """The helper has rules of its own, and the head's are the first to go."""
    return head_of_analysts(question, lambda messages: messages[-4:])


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled({**FACTS, "context_window": 6_000}, AR503="passed", AR505="passed", AR506="not_applicable", AR701="passed")
def a_head_that_keeps_its_rules(question: str) -> str:
    """What the helper is asked has neither them nor the question, and is another conversation."""
    return head_of_analysts(question, lambda messages: [*messages[:2], *(messages[2:][-4:])])


@labelled(FACTS, AR505="unproven", AR701="passed")
def a_helper_without_rules(question: str) -> str:
    """It begins afresh, and nothing is taken out of anything; the provider refuses what is too long, and it says so."""
    try:
        return head_of_analysts(question, lambda messages: messages)
    except openai.BadRequestError:
        return "That has become too long for me."


@labelled(FACTS, AR701="passed", AR702="passed", AR708="passed")
def limits_for_all(question: str) -> str:
    analyst = chat_agent("You are an analyst.", "read_table", TABLE, read_table, 8)
    return chat_agent("You lead analysts.", "ask_analyst", TASK, analyst, 25)(question)


@labelled(FACTS, AR702="passed", AR708="passed")
async def handed_on_by_claude(question: str) -> str:
    """The helper is another one's model, with its tools in parallel."""
    client = anthropic.AsyncAnthropic()

    async def agent(system: str, tools: list[Any], text: str, steps: int) -> str:
        messages: list[Any] = [{"role": "user", "content": text}]
        for _ in range(steps):
            answer = await client.messages.create(model="claude-sonnet-5", max_tokens=900, system=system, messages=messages, tools=tools)
            messages.append({"role": "assistant", "content": answer.content})
            calls = [block for block in answer.content if block.type == "tool_use"]
            if not calls:
                return "".join(block.text for block in answer.content if block.type == "text")
            outputs = await asyncio.gather(*(carried_out(call.name, call.input) for call in calls))
            results = [
                {"type": "tool_result", "tool_use_id": call.id, "content": output} for call, output in zip(calls, outputs, strict=True)
            ]
            messages.append({"role": "user", "content": results})
        return "It took more steps than I may take."

    async def carried_out(name: str, given: Any) -> str:
        if name == "read_table" and isinstance(given.get("name"), str):
            return await asyncio.to_thread(read_table, given["name"])
        if name == "ask_clerk" and isinstance(given.get("task"), str):
            return await agent(
                "You are a clerk.", [{"name": "read_table", "description": "A table.", "input_schema": TABLE}], given["task"], 6
            )
        return f"{name} cannot be called so."

    return await agent("You run an office.", [{"name": "ask_clerk", "description": "A clerk.", "input_schema": TASK}], question, 6)
