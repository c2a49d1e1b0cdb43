"""A model that calls several tools at once is answered for some of them only, or for one what was meant for another.

Models call tools in parallel where they can: three orders are looked up in one answer. Each call has an id, and the next request has to
have a result for each, once. Where one is missing, or stands twice, the provider refuses the request with HTTP 400, and the run
ends at a place that has nothing to do with the cause. Where results are put under the ids in the order in which they were ready,
nobody refuses anything: the model tells one customer the state of another's order.

The model calls one tool three times in a single answer, each time about something else, and the backend answers the last first. The ids
are looked up in the next request, and the results compared with those of the same calls, each made alone. In which order the
results stand is no matter. A loop that asks for one call at a time (`parallel_tool_calls=False`, `disable_parallel_tool_use`) gets
no more than that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_agentready.domain import (
    Check,
    Conversation,
    Finding,
    Judgement,
    NotApplicable,
    ParallelCalls,
    Severity,
    ToolCall,
    Unproven,
    answer_of,
    answered_twice,
    calls_of,
    shortened,
    unanswered,
)

FIRST = "let a normal call of its tools work, by backend= and their args="
SHOWN = 60  # characters of an answer
MARK = re.compile(r"\(\d{1,3}\)")  # as the experiment's backend puts it behind the words of an answer

check = Check(
    id="AR707",
    title="Of several calls at once one is not answered, or answered with another's result",
    severity=Severity.MEDIUM,
    profile="standard",
    about="loop",
    fix="Go through all of `message.tool_calls`, and give each its own result under its own id: `zip(calls, await gather(*runs))` keeps "
    "them together, `as_completed` does not.",
    since="0.1",
)


@check
def judge(parallel_calls: ParallelCalls) -> Iterable[Judgement]:
    together, apart = parallel_calls.together, parallel_calls.apart
    if parallel_calls.one_at_a_time:
        yield NotApplicable("it asks the model for one call at a time")
        return
    if together is None:
        yield NotApplicable("it offers the model no tools")
        return
    wanted = calls_of(together)
    if len(wanted) < 2:
        yield Unproven("the model is not asked in a way in which it could make several calls at once")
        return
    where = next(call.where for call, made in together.wanted if made.id == wanted[0].id)
    if (raised := together.raised) is not None:
        if alone := next((each.raised for each in apart if each.raised is not None), None):
            yield Unproven(f"the loop ends with {alone.kind} for a single call, too ({alone.where}): {FIRST}")
            return
        told = f": {raised.message}" if raised.message else ""
        yield Finding(f"{len(wanted)} calls at once end the run with {raised.kind}{told}", raised.where or where, seen=together)
    elif together.ending is not None:
        yield Unproven(f"the loop does not come to an end behind {len(wanted)} calls at once: {together.ending.story}")
    else:
        findings = [*_missing(together, wanted, where), *_swapped(together, parallel_calls.told, wanted, where)]
        yield from findings
        if not findings:
            yield from _unseen(apart, parallel_calls.told)


def _missing(together: Conversation, wanted: tuple[ToolCall, ...], where: str) -> Iterator[Finding]:
    if missing := unanswered(together, wanted):
        yield Finding(
            f"of {len(wanted)} calls at once {len(missing)} {'has' if len(missing) == 1 else 'have'} no answer in the next request: "
            "the provider refuses it",
            where,
            evidence={"calls": len(wanted), "unanswered": len(missing)},
        )
    if twice := answered_twice(together, wanted):
        yield Finding(
            f"of {len(wanted)} calls at once {len(twice)} {'is' if len(twice) == 1 else 'are'} answered twice in the next request: "
            "the provider refuses it",
            where,
            evidence={"calls": len(wanted), "answered_twice": len(twice)},
        )


def _swapped(together: Conversation, known: Mapping[str, str], wanted: tuple[ToolCall, ...], where: str) -> Iterator[Finding]:
    """A result that is exactly another call's, and not its own."""
    if len(set(known.values())) < len(known):
        return
    for call in wanted:
        own, told = known.get(call.arguments), answer_of(together, call)
        whose = next((arguments for arguments, answer in known.items() if answer == told), None)
        if own is None or own == told or told is None or whose is None:
            continue
        displaced = next((answer_of(together, other) for other in wanted if other.arguments == whose), None) != told
        if displaced or _is_about(whose, call.arguments, told):
            yield Finding(
                f"the call with {call.arguments} is answered with what belongs to {whose}: {shortened(repr(told), SHOWN)}",
                where,
                evidence={"call": call.arguments, "answered_with": whose},
            )
            return


def _is_about(whose: str, own: str, told: str) -> bool:
    """Has this answer something in it that the one call has, and not the other? That a limit is reached is said to all alike."""
    others = {str(value) for value in json.loads(own).values()}
    values = {str(value) for value in json.loads(whose).values()} - others
    return any(value in told for value in values) or MARK.search(told) is not None


def _unseen(apart: Iterable[Conversation], known: Mapping[str, str]) -> Iterator[Unproven]:
    if not known:
        yield Unproven("what its tools answer is not among the messages of a tool: whether two results are swapped is not seen")
    elif len(set(known.values())) < 2 and any(each.backend_requests for each in apart):
        yield Unproven(
            "its tools tell the model the same whatever they are asked, so that swapped results would not be seen: "
            "give a backend= that answers by what is asked"
        )


@check.passes(prompt="question")
def each_under_its_own_id(question: str) -> str:
    import json

    import openai

    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    tools: list[Any] = [{"type": "function", "function": {"name": "get_order", "parameters": schema}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            assert call.type == "function"
            output = f"Order {json.loads(call.function.arguments)['order_id']} is shipped."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."


@check.fails(prompt="question")
def the_first_alone(question: str) -> str:
    import json

    import openai

    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    tools: list[Any] = [{"type": "function", "function": {"name": "get_order", "parameters": schema}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        call = answer.tool_calls[0]
        assert call.type == "function"
        output = f"Order {json.loads(call.function.arguments)['order_id']} is shipped."
        messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."
