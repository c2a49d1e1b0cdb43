"""AR507: loops that stop at a limit of their own without a word, beside those that say why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai

from tests.corpus_loops import labelled
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS, CLAUDE_TOOLS, RESPONSE_TOOLS, get_order
from tests.corpus_loops.token_budgets import answered

FACTS = {"backend": BACKEND}


class MaxStepsExceeded(Exception):
    pass


@labelled(FACTS, AR507="failed")
def by_an_exception(question: str) -> str:
    """Documented, and an error page for the user all the same."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    raise MaxStepsExceeded("8 steps")


@labelled(FACTS, AR507="failed")
def the_last_text_that_is_none(question: str) -> str | None:
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    steps = 0
    while steps < 6:
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            break
        items += answer.output
        items += [{"type": "function_call_output", "call_id": c.call_id, "output": get_order(**json.loads(c.arguments))} for c in calls]
        steps += 1
    return answer.output_text


@labelled(FACTS, AR507="failed")
def a_stream_that_just_ends(question: str) -> Iterator[str]:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(7):
        with client.messages.stream(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS) as stream:
            yield from stream.text_stream
            answer = stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return
        messages.append(
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": c.id, "content": get_order(**c.input)} for c in calls]}  # type: ignore[arg-type]
        )


@labelled(FACTS, AR507="failed")
def an_empty_answer_in_a_dict(question: str) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": question}]
    answer = ""
    for _ in range(8):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            answer = message.content or ""
            break
        messages += answered(message.tool_calls)
    return {"answer": answer, "steps": len(messages)}


@dataclass
class Outcome:
    output: str | None
    stop_reason: str


@labelled(FACTS, AR507="unproven")
def the_reason_in_a_field_of_its_own(question: str) -> Outcome:
    """Somebody may well show it to the user: that is not to be seen from here."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return Outcome(message.content, "answered")
        messages += answered(message.tool_calls)
    return Outcome(None, "max_steps")


@labelled(FACTS, AR507="passed")
def printed_at_the_end(question: str) -> None:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            print(message.content)
            return
        messages += answered(message.tool_calls)
    print("Sorry, I could not find out in 8 steps.")


@labelled(FACTS, AR507="passed")
def one_more_call_without_tools(question: str) -> str:
    """The model is asked to wrap up."""
    messages: list[Any] = [{"role": "user", "content": question}]
    client = openai.OpenAI()
    for _ in range(5):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    messages.append({"role": "user", "content": "You have no steps left. Say what you have found out."})
    return client.chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or "I found out nothing."


@labelled(FACTS, AR507="not_applicable")
def it_never_stops(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    client = openai.OpenAI()
    while True:
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)


@labelled(AR507="unproven")
def what_no_stand_in_stands_for(question: str) -> str:
    """A line for the system is refused, and with it the loop ends: how it stops by itself is not seen."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": str(os.system("make orders"))})
    return ""
