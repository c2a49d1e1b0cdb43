"""A prompt that is longer than the model's window is refused, and where nobody expects that, the conversation ends with it.

The error comes late, in long and valuable conversations, and comes again with every further try: what was said does not get
shorter by itself. A loop can see it coming, by the size of the prompt; and when the provider refuses a prompt all the same, it can
take something out and ask again, or tell the user that a new conversation is needed.

Two conversations are looked at. In one the context grows beyond the `context_window` that is declared, with a margin of a third
for estimates, and the provider refuses it there. In the other, which needs no declaration, the provider refuses a prompt after
some steps, and every further one that is no shorter. The loop passes if it asks with less, or if the user gets something to read.
Where it is seen to keep its prompts within a window that is declared, the second is not asked for.
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
    Loop,
    NotApplicable,
    RefusedContext,
    Severity,
    Unproven,
    overflows,
    unhandled,
)

check = Check(
    id="AR504",
    title="A prompt that is too long ends the conversation",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix="Catch the provider's error (`context_length_exceeded`), take the oldest turns out and ask again, or tell the user why it ends.",
    since="0.1",
)


@check
def judge(loop: Loop, grown_context: GrownContext, refused_context: RefusedContext) -> Iterable[Judgement]:
    met = False
    growths = [growth for growth in (*grown_context.growths, refused_context.growth) if growth is not None]
    if growths and all("truncation" in growth.left_to_provider for growth in growths):
        yield NotApplicable("its requests let the provider cut off what is too long (truncation='auto')")
        return
    by_window = [growth for growth in grown_context.growths if growth.fact == "context_window"]
    if any(growth.fits and not _is_spent(growth, loop.facts.token_budget) for growth in by_window) and not any(
        overflows(growth.conversation) for growth in by_window
    ):
        return
    for growth in growths:
        overflow = overflows(growth.conversation)
        if overflow is None:
            continue
        met = True
        turn, prompt = overflow
        if problem := unhandled(turn):
            declared = "" if growth is refused_context.growth else f", longer than context_window={growth.limit:,}"
            yield Finding(
                f"the provider refuses a prompt as too long ({prompt:,} tokens{declared}), and {problem}",
                where=_where(growth, prompt),
                evidence={"prompt": prompt, "context_window": growth.limit if growth is not refused_context.growth else ""},
            )
            return
    if not met:
        yield Unproven("no prompt of it could be refused as too long: it asks the model nothing in these conversations")


def _is_spent(growth: Growth, budget: int | None) -> bool:
    """Was it the budget that ended it, and not the size of the prompt? In a conversation that began long before, it may not be."""
    last = growth.steps[-1]
    return not growth.made_room and budget is not None and last.before + 2 * last.used >= budget


def _where(growth: Growth, prompt: int) -> str:
    """The line that sends it."""
    return next(call.where for call in growth.conversation.model_calls if call.request.prompt_tokens == prompt)


@check.passes(prompt="question")
def ask_again_with_less(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    goal: list[Any] = [{"role": "system", "content": "You help customers."}, {"role": "user", "content": question}]
    steps: list[list[Any]] = []  # each with the model's message, and the answers to it
    for _ in range(12):
        context = goal + [message for step in steps for message in step]
        try:
            answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=context, tools=tools).choices[0].message
        except openai.BadRequestError as error:
            if error.code != "context_length_exceeded" or not steps:
                return "This conversation has become too long for me. Please begin a new one."
            del steps[: len(steps) // 2 + 1]
            continue
        if not answer.tool_calls:
            return str(answer.content)
        results = [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
        steps.append([answer.model_dump(exclude_none=True), *results])
    return "I could not find out: it took more steps than I may take."


@check.fails(prompt="question")
def as_if_there_were_no_end(question: str) -> str:
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(12):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take."
