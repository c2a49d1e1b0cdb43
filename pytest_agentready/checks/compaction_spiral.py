"""A summary that leaves the context as full as it was brings the next summary, and the loop pays a model to summarise summaries.

It happens where summaries are added to what they stand for, where more is kept word for word than fits below the mark, where the mark
is one of all that was ever used and not of the context, or where the call that summarises is itself looked at, found too long, and
summarised. Each step then costs two calls or ten, and what the model still knows gets thinner each time.

The context grows past the mark (see AR503), and from the first summary on the model says little. A summary is half as long
as what was to be summarised, at most a third of the mark. The loop fails if four steps in a row are each preceded by a summary and are no
shorter for it, if six are, however short they have become, or if nine summaries follow one another without a step.
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
    RefusedContext,
    Severity,
    Step,
    Unproven,
    asked_last,
    order_of,
)

IN_A_ROW = 9  # summaries without a step; there may be one for each old turn
ENDED = 5  # where it does not come to a further step at all
STEPS = 4  # each with a summary before it
WITH_EACH = 6  # in a row, and the model says little in each: what sets the summaries off is not the size of the context
AS_LONG = 0.8  # of the prompt at which it was first summarised

check = Check(
    id="AR506",
    title="Summaries are followed by summaries",
    severity=Severity.MEDIUM,
    profile="standard",
    about="loop",
    fix="Put the summary in the place of what it stands for, keep less than half of the mark word for word, and do not compact the call "
    "that summarises.",
    since="0.1",
)


@check
def judge(grown_context: GrownContext, refused_context: RefusedContext) -> Iterable[Judgement]:
    growths = [growth for growth in (*grown_context.growths, refused_context.growth) if growth is not None]
    for growth in growths:
        if finding := _in_a_row(growth) or (None if growth.by_results else _step_by_step(growth)):  # there each step is long
            yield finding
            return
    if any(summarised(growth) for growth in growths):
        return
    if any(growth.compacted for growth in growths):
        yield NotApplicable("it lets no model summarise")
    elif grown_context.never_tidied:
        yield NotApplicable("nothing is ever taken out of its context, see AR503")
    else:
        yield Unproven("nothing was taken out of its context, see AR503")


def summarised(growth: Growth) -> tuple[Step, ...]:
    """The steps that are preceded by calls aside of a kind of which the first ones have none: a plan is no summary."""
    planned = {order_of(call.request) for step in growth.steps[1:3] for call in step.aside}
    return tuple(step for step in growth.steps[3:] if any(order_of(call.request) not in planned for call in step.aside))


def _in_a_row(growth: Growth) -> Finding | None:
    last = asked_last(growth.conversation)
    ended = growth.conversation.ending is not None or growth.conversation.raised is not None
    asides = max((step.aside for step in growth.steps), key=len, default=())
    if ended and len(last) >= ENDED:
        asides = last
    elif len(asides) < IN_A_ROW:
        return None
    return Finding(
        f"{len(asides)} calls of the model that summarise follow one another without a step between them"
        f"{', until it was ended' if growth.conversation.ending is not None and asides is last else ''}",
        where=asides[-1].where,
        evidence={"summaries": len(asides)},
        seen=growth.conversation,
    )


def _step_by_step(growth: Growth) -> Finding | None:
    found = summarised(growth)
    if not found:
        return None
    begin = growth.steps.index(found[0])
    mark = max(step.prompt for step in growth.steps[:begin])
    later = growth.steps[begin:]
    row = _longest([step if step in found and step.prompt >= AS_LONG * mark else None for step in later])
    effect = "none is shorter for it"
    if len(row) < STEPS:
        row = _longest([step if step in found else None for step in later])
        effect = "there was little left to summarise"
        if len(row) < WITH_EACH:
            return None
    asides = sum(len(step.aside) for step in row)
    return Finding(
        f"{len(row)} steps in a row are each preceded by a summary, {asides} in all, and {effect}: "
        f"{row[-1].prompt:,} tokens after, {mark:,} before the first",
        where=row[0].aside[-1].where,
        evidence={"steps": len(row), "summaries": asides, "tokens_before": mark, "tokens": row[-1].prompt},
    )


def _longest(steps: list[Step | None]) -> list[Step]:
    """The longest row without a gap."""
    rows: list[list[Step]] = [[]]
    for step in steps:
        if step is None:
            rows.append([])
        else:
            rows[-1].append(step)
    return max(rows, key=len)


@check.passes(prompt="question", context_window=8_000)
def in_the_place_of_the_old(question: str) -> str:
    import openai

    client = openai.OpenAI()
    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    goal: list[Any] = [{"role": "user", "content": question}]
    notes: list[Any] = []
    recent: list[Any] = []
    for _ in range(16):
        if len(str(notes + recent)) // 4 > 6_000:
            ask: list[Any] = [{"role": "user", "content": f"Summarise in 200 words: {notes + recent[:-2]}"}]
            summary = client.chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content
            notes, recent = [{"role": "user", "content": f"What happened so far: {summary}"}], recent[-2:]
        answer = client.chat.completions.create(model="gpt-5.1", messages=goal + notes + recent, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        recent.append(answer.model_dump(exclude_none=True))
        recent += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take."


@check.fails(prompt="question", context_window=8_000)
def beside_the_old(question: str) -> str:
    import openai

    client = openai.OpenAI()
    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(16):
        if len(str(messages)) // 4 > 6_000:
            ask: list[Any] = [{"role": "user", "content": f"Summarise in 200 words: {messages}"}]
            summary = client.chat.completions.create(model="gpt-5.1-mini", messages=ask).choices[0].message.content
            messages.append({"role": "user", "content": f"What happened so far: {summary}"})
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer.model_dump(exclude_none=True))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "pending"} for call in answer.tool_calls]
    return "I could not find out: it took more steps than I may take."
