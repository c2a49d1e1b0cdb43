"""A call whose arguments are no JSON, or not what the schema asks for, ends the run, or is carried out as it is.

The arguments of a call are a text that a model has written: the limit of its output cuts it in the middle, a value has another type than
the schema says, a field is missing, it is a list, or nothing at all. The providers promise none of it, but for strict schemas. A loop
that takes it for valid has two ways to fail. It raises, and its user gets nothing; or, worse, it goes on: what was mended by a
lenient parser, or has a dict in the place of an id, reaches the tool, and the refund is made of what nobody has asked for.

The model calls one of the tools with arguments that are malformed in each way that the provider's protocol can carry, streamed
if the loop streams, and is then done. The loop passes if the tool is not carried out and the model is told under the id of its
call, or the user why it stopped. What is carried out is seen at the backend and in the effects, and in what the model is
told. Arguments that are missing count where the schema requires some.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_agentready.domain import (
    Act,
    Check,
    Finding,
    Judgement,
    ModelAnswer,
    NotApplicable,
    Severity,
    Slip,
    Slips,
    Unproven,
    listed,
    read_answer,
    shortened,
)

Tried = tuple[Slips, Slip]  # a tool, and one malformed call of it
SHOWN = 80  # characters of what the model wrote, or an exception says
HOW = {
    "truncated": "truncated JSON",
    "unclosed": "JSON that is not closed",
    "array": "an array",
    "text": "no JSON",
    "empty": "empty",
    "types": "of a wrong type",
    "missing": "missing",
}
GARBAGE = re.compile(r"\bunexpected\b|not of this type|not\+of\+this\+type")  # by which values of a wrong type are known again
CUT_OFF = (
    "An answer that its limit has cut off, with {reason}, has a call that is not whole: look at that reason first, and then ask again "
    "with a larger limit, answer the call's id with the error, or tell the user why you stop. Validate all other arguments, too."
)
REASONS = {"messages": "`stop_reason` max_tokens", "responses": "`status` incomplete", "chat": "`finish_reason` length"}
REFUSALS = re.compile(
    r"valid|missing|require|argument|parameter|expect|must|schema|parse|json|decode|type|need|provide|no such", re.IGNORECASE
)

check = Check(
    id="AR705",
    title="Arguments that the model wrote badly end the run, or are carried out",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix="Validate the arguments before the tool gets them (`Arguments.model_validate_json(call.function.arguments)`), in a `try` whose "
    "`except` answers the call's id with the error, so that the model can write them again.",
    since="0.1",
)


@check
def judge(malformed_calls: Slips) -> Iterable[Judgement]:
    trial = malformed_calls.trial
    if trial is None:
        offered = malformed_calls.plain is not None and malformed_calls.plain.offered
        yield Unproven("none of the tools that it offers could be called") if offered else NotApplicable("it offers the model no tools")
        return
    tried = [(tool, slip) for tool in (malformed_calls, *malformed_calls.others) for slip in _arrived(tool)]
    findings = [*_crashes(tried), *_executed(tried), *_lost(tried)]
    yield from findings
    if findings:
        return
    if not tried:
        yield Unproven("no malformed call reached it: the loop leaves the model no choice which tool it calls")
    if (failure := malformed_calls.failure) is not None:
        yield Unproven(
            f"the loop ends with {failure.kind} for a call that is well made, too ({failure.where}): let a normal call of its tools "
            "work, by backend= and their args="
        )
    if stuck := next((slip for _, slip in tried if slip.conversation.ending is not None), None):
        assert stuck.conversation.ending is not None
        yield Unproven(f"the loop does not come to an end behind arguments that are {HOW[stuck.how]}: {stuck.conversation.ending.story}")
    if unseen := [slip for tool, slip in tried if _is_unseen(tool, slip)]:
        yield Unproven(
            f"{trial.tool.name} asks nobody outside, and nothing in its answer tells whether it was carried out with "
            f"arguments that are {_named(unseen)}"
        )


def _arrived(slips: Slips) -> Iterator[Slip]:
    """Those that reached the loop, each text of arguments once, and only what the tool's own schema does not allow."""
    assert slips.trial is not None
    seen: set[str] = set()
    required = bool(slips.trial.tool.schema.get("required"))
    for slip in slips.malformed:
        if slip.made is None or slip.made[1].name != slips.trial.tool.name:
            continue
        arguments = slip.made[1].arguments
        if arguments not in seen and (required or arguments != "{}"):
            seen.add(arguments)
            yield slip


def _crashes(tried: Iterable[Tried]) -> Iterator[Finding]:
    """What one line cannot take is one cause, whatever it raises."""
    lines: dict[str, dict[str, list[Slip]]] = {}
    for tool, slip in tried:
        if (raised := tool.breaks_off(slip)) is not None:
            lines.setdefault(raised.where or slip.where, {}).setdefault(raised.kind, []).append(slip)
    for where, kinds in lines.items():
        found = [slip for each in kinds.values() for slip in each]
        ends = "; ".join(f"{_named(each)}: {kind}{_message(each[0])}" for kind, each in kinds.items())
        yield Finding(f"malformed arguments end the run{_cut(found)} ({ends})", where, _evidence(found), _fix(found))


def _message(slip: Slip) -> str:
    raised = slip.conversation.raised
    return f": {shortened(raised.message, SHOWN)}" if raised is not None and raised.message else ""


def _executed(tried: Iterable[Tried]) -> Iterator[Finding]:
    found = [(slip, done) for tool, slip in tried if (done := _done(tool, slip)) is not None]
    if found:
        slip, done = found[0]
        slips = [each for each, _ in found]
        names = list(dict.fromkeys(each.tool for each in slips))
        example = done.story if isinstance(done, Act) else f"the model is told {shortened(repr(done), SHOWN)}"
        written = shortened(slip.made[1].arguments if slip.made else "", SHOWN)
        yield Finding(
            f"{listed(names)} {'is' if len(names) == 1 else 'are'} carried out with arguments that are "
            f"{_named(slips)}{_cut(slips)}: {written} gives {example}",
            where=done.where if isinstance(done, Act) else slip.where,
            seen=slip.conversation,
            evidence=_evidence(slips),
            fix=_fix(slips),
        )


def _lost(tried: Iterable[Tried]) -> Iterator[Finding]:
    whole = [(tool, slip) for tool, slip in tried if tool.breaks_off(slip) is None]
    if silent := [slip for tool, slip in whole if tool.ends_silently(slip)]:
        told = f"arguments that are {_named(silent)} end the run{_cut(silent)}: the user gets nothing"
        yield Finding(told, silent[0].where, _evidence(silent), _fix(silent))
    if dangling := [slip for _, slip in whole if slip.is_dangling]:
        yield Finding(
            f"a call with arguments that are {_named(dangling)}{_cut(dangling)} has no answer in the next request: the provider refuses it",
            dangling[0].where,
            _evidence(dangling),
            _fix(dangling),
        )


def _cut(slips: Iterable[Slip]) -> str:
    """That the model did not write them badly, but was not let write on; "" where some were written so."""
    reason = _reason(slips)
    return f", in an answer that its limit has cut off, with {reason}" if reason else ""


def _fix(slips: Iterable[Slip]) -> str:
    reason = _reason(slips)
    return CUT_OFF.format(reason=reason) if reason else ""


def _reason(slips: Iterable[Slip]) -> str:
    """How the provider says that the answers were cut off; "" where not all of them were."""
    answers = [slip.made[0] for slip in slips if slip.made is not None]
    if not all(isinstance(made.answer, ModelAnswer) and made.answer.out_of_tokens for made in answers):
        return ""
    return next((REASONS[made.request.endpoint] for made in answers), "")


def _done(slips: Slips, slip: Slip) -> Act | str | None:
    """What the tool did with such arguments: at the backend, or what it says that only these arguments explain."""
    assert slips.trial is not None
    if slip.how == "empty" and not slips.trial.tool.schema.get("required"):
        return None
    done = slips.carried_out(slip)
    if slip.how == "types":
        return next((act for act in done if GARBAGE.search(act.content)), None) or _echo(slips, slip)
    return next(iter(done), None) or _echo(slips, slip)


def _echo(slips: Slips, slip: Slip) -> str | None:
    """Of a tool that asks nobody: its usual answer, with these arguments in the place of the others."""
    assert slips.trial is not None
    usual, told = slips.trial.answer, slip.told
    if slips.kinds or not usual or not told or slip.made is None:
        return None
    for garbage, written in itertools.product(_read(slip.made[1].arguments), (str, json.dumps)):
        said = usual
        for name, value in slips.trial.arguments.items():
            said = said.replace(written(value), written(garbage.get(name, value)))
        if said == told and said != usual:
            return told
    return None


def _read(arguments: str) -> Iterator[Mapping[str, Any]]:
    """The arguments as a lenient reader takes them: those that are truncated with what they lack."""
    for end in ("", '"}', "}"):
        try:
            found = json.loads(arguments + end)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _is_unseen(slips: Slips, slip: Slip) -> bool:
    """Could it have been carried out, and nobody would know? A tool that asks nobody has only its answer to tell."""
    assert slips.trial is not None
    told = slip.told
    if slips.kinds or told is None or slip.is_marked or told == "":
        return False
    return not REFUSALS.search(told) and not read_answer(told).reads_as_failure(read_answer(slips.trial.answer or ""))


def _named(slips: Iterable[Slip]) -> str:
    return " or ".join(listed(dict.fromkeys(HOW[slip.how] for slip in slips)).rsplit(" and ", 1))


def _evidence(slips: Iterable[Slip]) -> dict[str, Any]:
    made = [(slip.how, *slip.made) for slip in slips if slip.made is not None]
    return {"calls": [{"how": how, "tool": call.name, "arguments": call.arguments} for how, _, call in made]}


@check.passes(prompt="question", backend={"GET https://api.example.com/orders/{id}": {"status": "shipped"}})
def validated(question: str) -> str:
    import openai
    import requests
    from pydantic import BaseModel, ValidationError

    class Arguments(BaseModel):
        order_id: str

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order", "parameters": Arguments.model_json_schema()}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            assert call.type == "function"
            try:
                arguments = Arguments.model_validate_json(call.function.arguments)
                output = requests.get(f"https://api.example.com/orders/{arguments.order_id}", timeout=5).text
            except ValidationError as mistake:
                output = f"These arguments are not valid, write them again: {mistake}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."


@check.fails(prompt="question", backend={"GET https://api.example.com/orders/{id}": {"status": "shipped"}})
def taken_as_they_are(question: str) -> str:
    import json

    import openai
    import requests

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
            arguments = json.loads(call.function.arguments)
            output = requests.get(f"https://api.example.com/orders/{arguments['order_id']}", timeout=5).text
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."
