"""A model whose system prompt or goal was thrown out with the old messages goes on working, without rules or without knowing for what.

The oldest messages are the first to go when a context is tidied up, and the oldest of all are the ones that matter most: the system
prompt with its prohibitions, and the user's question. `messages[-10:]` takes both away. Nothing fails: the model answers as
before, and forgets what it must never do.

Where something is taken out of a context that grows (see AR503), or of one that the provider has refused (see AR504), all later
requests of the same question must have most of the system prompt's words, and a word of the user's that nobody else would say. If the loop
lets a model summarise, the summary repeats that word where it stands in what was handed over.
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
    ModelRequest,
    NotApplicable,
    RefusedContext,
    Severity,
    Step,
    Unproven,
    lost_instructions,
)

check = Check(
    id="AR505",
    title="The system prompt or the user's goal is lost when the context is tidied up",
    severity=Severity.HIGH,
    profile="standard",
    about="loop",
    fix="Keep both out of what is tidied up: `[system, question, *recent]`, and hand them to the model that summarises the rest.",
    since="0.1",
)


@check
def judge(grown_context: GrownContext, refused_context: RefusedContext) -> Iterable[Judgement]:
    growths = [growth for growth in (*grown_context.growths, refused_context.growth) if growth is not None and growth.compacted]
    if not growths:
        if grown_context.never_tidied:
            yield NotApplicable("nothing is ever taken out of its context, see AR503")
        else:
            yield Unproven("nothing was taken out of its context, see AR503")
        return
    for growth in growths:
        if found := [_lost(growth, *loss) for loss in losses(growth)]:
            yield from found
            return


def losses(growth: Growth) -> Iterable[tuple[str, Step]]:
    """What is gone, and the first step that goes without it."""
    first = growth.steps[0].call.request
    begin = growth.steps.index(growth.compacted[0])
    later = growth.steps[begin:]
    if step := next((step for step in later if lost_instructions(first, step.call.request)), None):
        yield "the system prompt", step
    if not _has(first, growth.steps[0].turn.text if growth.by_turns else growth.goal):
        return  # it never sends the user's own words
    if step := next((step for step in later if not _has(step.call.request, step.turn.text if growth.by_turns else growth.goal)), None):
        yield "the user's question", step


def _has(request: ModelRequest, words: str) -> bool:
    return any(words in message.text for message in request.messages)


def _lost(growth: Growth, what: str, step: Step) -> Finding:
    number = growth.steps.index(step) + 1
    return Finding(
        f"{what} is gone from model call {number}, after older messages were taken out; {step.prompt:,} tokens are left",
        where=step.call.where,
        evidence={"lost": what, "call": number, "tokens": step.prompt},
    )


@check.passes(prompt="question", context_window=8_000)
def the_rules_and_the_question_stay(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    rules: list[Any] = [{"role": "system", "content": "You help customers. Never refund more than 50 dollars."}]
    goal: list[Any] = [{"role": "user", "content": question}]
    recent: list[Any] = []
    for _ in range(12):
        context = rules + goal + recent
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=context, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        results = [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
        recent = [*recent, answer.model_dump(exclude_none=True), *results][-4:]
    return "I could not find out: it took more steps than I may take."


@check.fails(prompt="question", context_window=8_000)
def the_last_four_messages(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [
        {"role": "system", "content": "You help customers. Never refund more than 50 dollars."},
        {"role": "user", "content": question},
    ]
    for _ in range(12):
        context = messages[-4:]
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=context, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take."
