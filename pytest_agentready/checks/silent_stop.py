"""A loop that stops early and does not say why leaves its user waiting, or with a broken page.

A limit of the steps or of the budget is met in the ordinary course of things, and somebody is at the other end: a customer, or
another program. An exception that leaves the loop is an error page for him, also one that is documented; None and an empty text
are a blank one. A sentence is enough: what was tried, that it stops here, and what to do now.

The conversations that other checks hold are looked at again, those which the loop ended by itself although the model wanted to go
on: without an end (AR701), and beyond the budget (AR501). The loop passes if the user gets any text to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import Check, EndlessCalls, Finding, Judgement, NotApplicable, Severity, SpentBudget, Turn, Unproven, broke

check = Check(
    id="AR507",
    title="The loop stops early without a word to the user",
    severity=Severity.MEDIUM,
    profile="checklist",
    about="loop",
    fix='Return a reason where the loop gives up: `return "I could not finish this in 8 steps. A colleague will look at it."`.',
    since="0.1",
)


@check
def judge(endless_calls: EndlessCalls, spent_budget: SpentBudget) -> Iterable[Judgement]:
    if endless_calls.never_stops:
        yield NotApplicable("it never stops, see AR701")
        return
    stopped = [*_stopped(endless_calls, spent_budget)]
    if not stopped:
        if ended := [conversation.ending for conversation in endless_calls.conversations if conversation.ending is not None]:
            yield Unproven(f"it does not get so far as to stop, for a tool of it does not come to an end: {ended[0].story}")
        else:
            yield NotApplicable("it offers the model no tools: there is nothing that it could stop")
        return
    for when, turn in stopped:
        if broke(turn.raised):
            continue
        if problem := silence_of(turn):
            where = turn.raised.where if turn.raised is not None and turn.raised.where else turn.model_calls[-1].where
            yield Finding(f"{when} {problem}", where=where, evidence={"model_calls": len(turn.model_calls)}, seen=turn.run)
            return
    if all(broke(turn.raised) for _, turn in stopped):
        raised = stopped[0][1].raised
        assert raised is not None
        yield Unproven(f"it fails with {raised.kind} ({raised.where}) before it stops by itself: give a backend= with which its tools work")
    elif any(not turn.heard.strip() and not broke(turn.raised) for _, turn in stopped):
        yield Unproven(
            "what it returns when it stops has no text that could be found: give call=, which returns what the user gets to read"
        )


def _stopped(endless_calls: EndlessCalls, spent_budget: SpentBudget) -> Iterable[tuple[str, Turn]]:
    """The turns that the loop ended by itself, and where that was."""
    for conversation in endless_calls.conversations:
        if conversation.ending is None and conversation.model_calls:
            yield f"after {len(conversation.model_calls)} model calls it stops:", conversation.last
    for one in spent_budget.tried:
        for turn in one.conversation.turns:
            if one.stops and turn.ending is None and (not spent_budget.by_turns or not turn.model_calls) and one.steps:
                yield f"when {one.used:,} of {one.budget:,} tokens are used it stops:", turn


def silence_of(turn: Turn) -> str:
    """What the user gets where that is no reason; "" where it is something to read, or cannot be told."""
    if turn.raised is not None:
        raised = turn.raised
        return f"{raised.kind}{f' ({raised.message})' if raised.message else ''} leaves the loop, and the user gets no answer"
    if turn.mute and not turn.heard.strip():
        return "the user gets nothing, or an empty text"
    return ""


@check.passes(prompt="question")
def with_a_reason(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not finish this in 8 steps. A colleague will look at it."


@check.fails(prompt="question")
def with_nothing(question: str) -> str | None:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return answer.content
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return None
