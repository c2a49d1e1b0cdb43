"""A budget that is looked at after the call has been made is overdrawn by that call, and the last is always the largest.

The prompt of a call is the whole conversation so far: when a budget of 50,000 tokens has 3,000 left, the next call may well need
30,000. Who adds up after the call learns of it from the bill. What a call will need is known beforehand, near enough: the
tokens of the prompt can be estimated, and those of the answer bounded by `max_tokens`.

In the conversation of AR501, 94 % of the budget are used by two calls, and the third needs nearly half of it for its prompt alone. The
loop fails if it begins that call. Its own estimate may differ from ours by a third.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    Check,
    EndlessCalls,
    Finding,
    Judgement,
    NotApplicable,
    Severity,
    SpentBudget,
    Step,
    TokenUse,
    Unproven,
    exceed,
)

check = Check(
    id="AR502",
    title="The token budget is looked at only after it is overdrawn",
    severity=Severity.MEDIUM,
    profile="checklist",
    about="loop",
    fix="Look before each call: `if used + estimate_tokens(messages) > BUDGET: return reason`, and add up the usage after it.",
    since="0.1",
)


@check
def judge(endless_calls: EndlessCalls, spent_budget: SpentBudget) -> Iterable[Judgement]:
    telling = spent_budget.telling
    if not spent_budget.tried:
        yield Unproven("no budget is declared: give token_budget=50_000, the tokens of one conversation")
    elif telling is not None and telling.goes_on:
        yield NotApplicable("nothing enforces the budget, see AR501")
    elif endless_calls.never_stops:
        yield NotApplicable("nothing else stops it, see AR701")
    elif spent_budget.starts_afresh:
        yield NotApplicable("each question is one call of the model, of which the next knows nothing: nothing adds up to a budget")
    elif late := next(((one, step) for one in spent_budget.tried for step in one.steps if is_late(one, step)), None):
        yield _finding(*late)
    elif telling is None:
        yield Unproven("no conversation comes near the budget, see AR501")


def is_late(spending: TokenUse, step: Step) -> bool:
    """A first call has no other before it that could have used anything."""
    return step.before > 0 and (step.before > spending.budget or exceed(step.projected, spending.budget))


def _finding(spending: TokenUse, step: Step) -> Finding:
    budget = spending.budget
    return Finding(
        f"a call with a prompt of {step.prompt:,} tokens is begun when {step.before:,} of {budget:,} are used: "
        f"{spending.used:,} in the end, {spending.used / budget - 1:.0%} over the budget",
        where=step.call.where,
        seen=spending.conversation,
        evidence={"token_budget": budget, "used_before": step.before, "prompt": step.prompt, "tokens": spending.used},
    )


@check.passes(prompt="question", token_budget=8_000)
def before_each_call(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while used + len(str(messages)) // 4 <= 8_000:
        response = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools)
        used += response.usage.total_tokens if response.usage else 0
        answer = response.choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I have used up what I may spend on this question. Please ask a colleague."


@check.fails(prompt="question", token_budget=8_000)
def after_each_call(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while used <= 8_000:
        response = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools)
        used += response.usage.total_tokens if response.usage else 0
        answer = response.choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I have used up what I may spend on this question. Please ask a colleague."
