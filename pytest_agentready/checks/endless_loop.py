"""A model that calls a tool again and again is never stopped, and every call is paid for.

At 2:17 am a support agent called a failing tool 43,000 times and spent $847. A model may well want a tool for ever: it gets the
same answer and hopes for another, or it pages through something that has no end. Nothing in the model ends that. The loop has
to: by a limit of its steps, of its tokens, of its time or its money, or by seeing that it goes round in circles.

The loop runs with a model that wants a tool called in every answer, once with the same arguments each time and once with others
each time. It passes if it comes to an end by itself, in whatever way, before `max_model_calls` (60) calls of the model, each of
which may take five virtual seconds. Where its tools are agents, one of them is asked by such a model, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    Check,
    Conversation,
    EndlessCalls,
    Finding,
    Judgement,
    NotApplicable,
    Severity,
    Unproven,
    in_dollars,
    priced,
)

check = Check(
    id="AR701",
    title="Nothing stops a model that calls tools for ever",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix="Bound the loop: `for step in range(MAX_STEPS):` in place of `while True:`, and tell the user why it stopped.",
    since="0.1",
)


MANY = 2  # calls of a model: it was asked again


@check
def judge(endless_calls: EndlessCalls) -> Iterable[Judgement]:
    if not endless_calls.conversations:
        yield NotApplicable("it offers the model no tools")
        return
    tried = (
        ("still calling", "the same", endless_calls.same),
        ("still calling", "another", endless_calls.other),
        ("an agent that is one of its tools is still calling", "another", endless_calls.within),
    )
    for what, how, conversation in tried:
        if conversation is not None and (ending := conversation.ending) is not None:
            count = len(conversation.model_calls)
            if ending.kind != "runaway" or count < MANY:
                yield Unproven(f"a tool does not come to an end, after {count} calls of the model ({ending.story}), see AR202")
                continue
            yield Finding(
                f"{what} after {count} model calls, with {how} tool call each time{priced(endless_calls.cost, count)}",
                where=_where(conversation),
                seen=conversation,
                evidence={"model_calls": count, "cost_usd": in_dollars(endless_calls.cost)},
            )
    if not endless_calls.varies:
        yield Unproven("its backend= raises where the tool is called with other arguments than at first: let it answer others as well")


def _where(conversation: Conversation) -> str:
    return conversation.model_calls[-1].where if conversation.model_calls else ""


@check.passes(prompt="question")
def within_eight_steps(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take. A colleague will call you."


@check.fails(prompt="question")
def while_the_model_wants(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
