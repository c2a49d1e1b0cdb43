"""A budget that is kept by the length of the texts does not see what else is paid for.

Models think before they answer, and what they think is output that nobody sees. Providers keep conversations, read prompts from
a cache, and count pictures, schemas and instructions of their own. All of that stands in the usage that comes with each answer,
and nowhere else. An estimate is good before a call; after it, only the provider's own figure is true.

The model answers in a few words, and its usage says that the call used nearly half of the budget, as in AR501. The loop fails if
it goes on after that has spent the budget. Where usage is streamed, it has to be read from the stream. Of a budget that fails AR501 it
is a finding, too, that it would end the conversation if the stream told of the usage unasked, or if all of it were output.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import Check, Finding, Judgement, NotApplicable, Severity, SpentBudget, TokenUse, Unproven, UnseenUsage

STREAM = 'Ask for it with `stream_options={"include_usage": True}`, and add up `chunk.usage` of the last chunk.'

check = Check(
    id="AR508",
    title="Usage that the provider reports is not counted",
    severity=Severity.MEDIUM,
    profile="standard",
    about="loop",
    fix="Add up the usage of every answer (`response.usage.total_tokens`; of Anthropic's input, output and both kinds of cached tokens).",
    since="0.1",
)


@check
def judge(spent_budget: SpentBudget, unseen_usage: UnseenUsage) -> Iterable[Judgement]:
    telling, spending = spent_budget.telling, unseen_usage.spending
    if not spent_budget.tried:
        yield Unproven("no budget is declared: give token_budget=50_000, the tokens of one conversation")
    elif telling is not None and telling.goes_on:
        yield _counted_in_part(telling, unseen_usage) or NotApplicable("nothing enforces the budget, see AR501")
    elif spent_budget.starts_afresh:
        yield NotApplicable("each question is one call of the model, of which the next knows nothing: nothing adds up to a budget")
    elif spending is None:
        yield Unproven("no conversation comes near the budget, see AR501")
    elif spending.goes_on or len(spending.late) > 1:
        unread = "; its streams are not asked to report any" if unseen_usage.without_usage else ""
        yield Finding(
            f"the provider reports {spending.share:,} tokens for each call, and the budget of {spending.budget:,} does not end it: "
            f"{spending.used:,} after {len(spending.steps)} calls. It counts the texts alone{unread}",
            where=spending.late[0].call.where,
            evidence={"token_budget": spending.budget, "reported": spending.used, "streams_report_usage": not unseen_usage.without_usage},
            fix=STREAM if unseen_usage.without_usage else "",
        )
    elif not spending.late and (spending.as_usual or not spending.stops):
        how = "as ever" if spending.as_usual else "and not for its budget"
        yield Unproven(f"it stops after {len(spending.steps)} model calls, {how}, before the usage reported has spent the budget")


def _counted_in_part(telling: TokenUse, unseen: UnseenUsage) -> Finding | None:
    """A budget that would end the conversation, and hears of too little; None where there is no such budget."""
    if (partly := unseen.partly) is None:
        return None
    heard = "streams told of it unasked" if unseen.without_usage else "all of it were output"
    what = "its streams are not asked to report any" if unseen.without_usage else "what is reported of the prompts is not counted"
    return Finding(
        f"the budget of {telling.budget:,} tokens ends it after {len(partly.steps)} calls if {heard}, and else it goes on: {what}",
        where=telling.late[0].call.where,
        evidence={"token_budget": telling.budget, "reported": telling.used, "streams_report_usage": not unseen.without_usage},
        fix=STREAM if unseen.without_usage else "",
    )


@check.passes(prompt="question", token_budget=8_000)
def by_the_usage(question: str) -> str:
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
def by_the_length_of_the_texts(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while used + len(str(messages)) // 4 <= 8_000:
        used += len(str(messages)) // 4
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I have used up what I may spend on this question. Please ask a colleague."
