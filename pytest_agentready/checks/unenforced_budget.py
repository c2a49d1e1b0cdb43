"""A budget of tokens that nothing enforces is a wish: the conversation goes on, and each call costs more than the one before.

Every call of a model sends the whole conversation again, so that its tokens add up with the square of its length. A budget says
where that ends, whatever the model wants, the tools answer or the user asks. It has to be kept in code: a limit of the steps
knows nothing of their size, and an alert comes when the money is gone.

The loop is asked by a user, and answered by a model, that between them use up nearly half of `token_budget` with each call,
counted by the usage that the provider reports. It passes if it ends the conversation in whatever way; it fails if two or more
calls of the model are begun after the budget has been spent. Where a limit of its steps would have ended it by then in any case,
the conversation is held once more, and one answer spends the whole budget.
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
    TokenUse,
    Unproven,
    broke,
    shortened,
)

check = Check(
    id="AR501",
    title="The loop goes on after its token budget is spent",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix="Add up `response.usage.total_tokens` of every call, and end the conversation, with a reason, before a call that no longer fits.",
    since="0.1",
)


@check
def judge(endless_calls: EndlessCalls, spent_budget: SpentBudget) -> Iterable[Judgement]:
    if not spent_budget.tried:
        yield Unproven(f"no budget is declared{_endless(endless_calls)}: give token_budget=50_000, the tokens of one conversation")
        return
    telling = spent_budget.telling
    if telling is not None and telling.goes_on:
        yield _finding(telling)
    elif telling is None:
        yield _reason(spent_budget)


def _endless(endless_calls: EndlessCalls) -> str:
    """What a model that always wants a tool has used."""
    longest = max(endless_calls.conversations, key=lambda one: len(one.model_calls), default=None)
    if longest is None:
        return ""
    used = sum(call.usage.total for call in longest.model_calls if call.usage is not None)
    end = "when it was ended" if longest.ending is not None else "when the loop stopped"
    return f", and a model that always wants a tool has used {used:,} tokens in {len(longest.model_calls)} calls {end}"


def _finding(telling: TokenUse) -> Finding:
    late = telling.late
    more = f"{len(late)} more model calls are begun" if len(late) > 1 else "one more model call is begun, as many as ever"
    ended = "" if telling.conversation.ending is None else ", when it was ended"
    return Finding(
        f"the budget of {telling.budget:,} tokens is spent, and {more}: {telling.used:,} tokens in all, "
        f"{telling.used / telling.budget:.1f} times the budget{ended}",
        where=late[0].call.where,
        seen=telling.conversation,
        evidence={"token_budget": telling.budget, "tokens": telling.used, "late_calls": len(late)},
    )


def _reason(spent: SpentBudget) -> Judgement:
    last = spent.tried[-1]
    raised = last.conversation.raised
    if raised is not None and broke(raised):
        said = f": {shortened(' '.join(raised.message.split()), 100)}" if raised.message else ""
        return Unproven(f"it fails with {raised.kind}{said} ({raised.where}) before the budget of {last.budget:,} tokens is spent")
    if spent.starts_afresh:
        return NotApplicable("each question is one call of the model, of which the next knows nothing: nothing adds up to a budget")
    if not last.steps:
        return Unproven("it asks the model nothing when the user's question is long: give call= with which it does")
    if last.took_the_text:
        return Unproven("it takes what the model says beside a call of a tool for the answer, and goes no further")
    return Unproven(
        f"it stops at model call {len(last.steps)}, as ever, when {last.used:,} of {last.budget:,} tokens are used: "
        "declare a smaller token_budget to see it kept"
    )


@check.passes(prompt="question", token_budget=8_000)
def within_the_budget(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    for _ in range(20):
        if used + len(str(messages)) // 4 > 8_000:
            return "I have used up what I may spend on this question. Please ask a colleague."
        response = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools)
        used += response.usage.total_tokens if response.usage else 0
        answer = response.choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take."


@check.fails(prompt="question", token_budget=8_000)
def whatever_it_costs(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(20):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take."
