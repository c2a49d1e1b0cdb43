"""A model that calls a tool which does not exist ends the run of its user.

Models make names of tools up: of one that they have seen elsewhere, of one that was there in an older prompt, of two that they mix. It is
no accident of the code but a part of its input, and rare enough to be missed in every test by hand. `TOOLS[call.name]` raises a
KeyError then, and the user, whose question has been paid for up to here, gets nothing. A model that is told "there is no tool
get_order_v2; there are get_order and send_email" takes the right one in its next answer.

The model calls a tool under a name that was not offered, with valid arguments. The loop passes if it goes on and the model is told
under the id of its call, or if it stops and tells its user why. It fails if the run ends with an exception or without a word, if the
next request leaves the call unanswered (the provider refuses it), or if another tool is carried out in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import Check, Finding, Judgement, NotApplicable, Severity, Slip, Slips, Unproven, read_answer, shortened

SHOWN = 60  # characters of an answer

check = Check(
    id="AR704",
    title="A tool's name that the model made up ends the run",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix="Look the tool up with `TOOLS.get(name)`, and where there is none answer the call's id with an error that names those there are.",
    since="0.1",
)


@check
def judge(malformed_calls: Slips) -> Iterable[Judgement]:
    slip = malformed_calls.unknown
    if slip is None:
        yield _not_tried(malformed_calls)
        return
    if slip.made is None or any(tool.name == slip.made[1].name for tool in slip.made[0].tools):
        yield Unproven("the loop leaves the model no choice which tool it calls, so that none could be made up")
        return
    name, where = slip.made[1].name, slip.where
    evidence = {"tool": name}
    if (raised := malformed_calls.breaks_off(slip)) is not None:
        yield Finding(
            f"the model calls {name}, which is not there, and the run ends with {_told(raised.kind, raised.message)}",
            where=raised.where or where,
            evidence={**evidence, "exception": raised.kind},
            seen=slip.conversation,
        )
    elif slip.conversation.raised is not None:
        raised = slip.conversation.raised
        yield Unproven(
            f"the loop ends with {raised.kind} for a call of a tool that is there, too ({raised.where}): let a normal call of its tools "
            "work, by backend= and their args="
        )
    elif slip.conversation.ending is not None:
        yield Unproven(f"the loop does not come to an end behind a call of {name}: {slip.conversation.ending.story}")
    elif done := next(filter(None, (slips.in_its_place for slips in (malformed_calls, *malformed_calls.others))), ()):
        yield Finding(
            f"the model calls {name}, which is not there, and {done[0].story} is carried out in its place", done[0].where, evidence
        )
    elif (told := _as_if_it_were_there(malformed_calls, slip)) is not None:
        yield Finding(
            f"the model calls {name}, which is not there, and is told what another tool says: {shortened(repr(told), SHOWN)}", where
        )
    elif malformed_calls.ends_silently(slip):
        yield Finding(f"the model calls {name}, which is not there, and the run ends: the user gets nothing", where, evidence)
    elif slip.is_dangling:
        yield Finding(
            f"the model calls {name}, which is not there, and the next request leaves the call without an answer: the provider refuses it",
            where,
            evidence,
        )


def _as_if_it_were_there(slips: Slips, slip: Slip) -> str | None:
    """The answer to a call of a tool that is there, word for word; None where it is another, or the report of a failure."""
    usual = slips.trial.answer if slips.trial is not None else None
    if not usual or slip.told != usual or slip.is_marked or read_answer(usual).tells_of_failure:
        return None
    return usual


def _not_tried(slips: Slips) -> Judgement:
    if slips.plain is not None and slips.plain.offered:
        return Unproven("none of the tools that it offers could be called: its model is not asked again in the way that leads there")
    return NotApplicable("it offers the model no tools")


def _told(kind: str, message: str) -> str:
    return f"{kind}: {message}" if message else kind


@check.passes(prompt="question")
def with_an_answer_for_the_model(question: str) -> str:
    import json

    import openai

    tools: dict[str, Any] = {"get_order": lambda order_id: f"Order {order_id} is shipped."}
    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    offered: list[Any] = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in tools]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=offered).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            assert call.type == "function"
            tool = tools.get(call.function.name)
            told = f"There is no tool {call.function.name}. There are: {', '.join(tools)}."
            output = tool(**json.loads(call.function.arguments)) if tool else told
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."


@check.fails(prompt="question")
def by_its_name_alone(question: str) -> str:
    import json

    import openai

    tools: dict[str, Any] = {"get_order": lambda order_id: f"Order {order_id} is shipped."}
    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    offered: list[Any] = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in tools]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=offered).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            assert call.type == "function"
            output = tools[call.function.name](**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."
