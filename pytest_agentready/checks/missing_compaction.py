"""A conversation whose context is never tidied up ends at the model's window, or at the end of its budget, in the middle of the work.

Everything that was said is sent again with every call: old answers of tools, dead ends, pages that nobody needs any more. Treat
tokens like memory, with a mark at which something is reclaimed: at 75 % of what there is, shorten old results, drop old
turns, or have them summarised, and go on with the rest.

The context grows by what the model says in each step, past 75 % of `context_window`, or of what may be used of `token_budget`: within
one question, and where nothing comes of it over several of the user's turns. The loop fails if it goes on past the mark, and
nothing has been taken out of any request. Estimates that differ from ours by some 15 % are allowed for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    Check,
    Finding,
    GrownContext,
    Growth,
    Judgement,
    NotApplicable,
    Severity,
    Unproven,
    broke,
    listed,
    overflows,
)

check = Check(
    id="AR503",
    title="Nothing is taken out of a context that grows past 75 %",
    severity=Severity.MEDIUM,
    profile="checklist",
    about="loop",
    fix="Look at the context's size before each call; from 75 % on drop or summarise the oldest turns, not the system prompt and the goal.",
    since="0.1",
)


@check
def judge(grown_context: GrownContext) -> Iterable[Judgement]:
    growths = grown_context.growths
    if not growths:
        yield Unproven("no limit is declared: give context_window=128_000, or token_budget=50_000")
    elif any(growth.compacted for growth in growths):
        return
    elif any(growth.left_to_provider for growth in growths):
        words = listed(sorted({word for growth in growths for word in growth.left_to_provider}))
        yield NotApplicable(f"its requests leave it to the provider to make room ({words})")
    elif found := next((growth for growth in growths if growth.past), None):
        yield _finding(found)
    else:
        yield _reason(growths)


def _finding(growth: Growth) -> Finding:
    highest = max(growth.past, key=lambda step: step.projected if growth.by_use else step.prompt)
    tokens = highest.projected if growth.by_use else highest.prompt
    share = f"{tokens / growth.limit:.0%} of {growth.fact}={growth.limit:,}"
    what = f"{tokens:,} tokens are used or about to be, {share}" if growth.by_use else f"the prompt has {tokens:,} tokens, {share}"
    return Finding(
        f"{what}, and all that was ever said is sent again: nothing is taken out in {len(growth.steps)} calls",
        where=highest.call.where,
        evidence={growth.fact: growth.limit, "tokens": tokens, "calls": len(growth.steps)},
    )


def _reason(growths: tuple[Growth, ...]) -> Judgement:
    reached = max(growths, key=lambda growth: growth.highest / growth.limit)
    so_far = f"{reached.highest:,} tokens, {reached.highest / reached.limit:.0%} of {reached.fact}={reached.limit:,}"
    for growth in growths:
        if (raised := growth.conversation.raised) is not None and broke(raised) and overflows(growth.conversation) is None:
            return Unproven(f"it fails with {raised.kind} ({raised.where}) before its context is so large")
    if not any(growth.steps for growth in growths):
        return Unproven("no call of the model takes up what was said: give call= with which one does")
    if all(growth.by_turns and not growth.carried for growth in growths):
        if any(growth.conversation.offered for growth in growths):
            return Unproven("its steps are too few to fill a context with what a model says, and the next question starts afresh")
        return NotApplicable("each question is one call of the model, of which the next knows nothing: its context does not grow")
    if any(growth.conversation.ending is not None for growth in growths):
        return Unproven(f"it does not come to an end with a longest prompt of {so_far}: see AR506 and AR701")
    if any(growth.cut_short and not growth.by_turns for growth in growths):
        return Unproven(f"it stops before its context is so large: its longest prompt has {so_far}")
    return Unproven(f"its context does not grow so far, neither by its steps nor by the user's turns: its longest prompt has {so_far}")


@check.passes(prompt="question", context_window=8_000)
def older_turns_make_room(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    goal: list[Any] = [{"role": "system", "content": "You help customers."}, {"role": "user", "content": question}]
    steps: list[list[Any]] = []  # each with the model's message, and the answers to it
    for _ in range(12):
        while len(steps) > 1 and len(str(steps)) // 4 > 6_000:
            del steps[0]
        context = goal + [message for step in steps for message in step]
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=context, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        results = [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
        steps.append([answer.model_dump(exclude_none=True), *results])
    return "I could not find out: it took more steps than I may take."


@check.fails(prompt="question", context_window=8_000)
def all_that_was_ever_said(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "system", "content": "You help customers."}, {"role": "user", "content": question}]
    for _ in range(12):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take."
