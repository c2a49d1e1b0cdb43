"""A call whose arguments have not arrived in full is carried out with what there is of them.

Streams break off: a proxy closes them, a deployment restarts, a line goes silent. What has arrived of a call by then is the beginning of
its arguments, `{"amount": 10` of `{"amount": 1000}`. Parsers for streams, those of the providers' own SDKs too, mend such a text so
that it can be shown while it grows. A loop that takes what is there when the stream is over, whatever it ended with, carries out a
call that the model has never finished.

The stream of a call breaks off before the end of its arguments, or before their beginning: the connection is closed, nothing more
comes, or the stream ends in good order without its finish reason. The loop passes if the tool is not carried out: it may raise,
ask the model again, or tell its user. What is carried out is seen at the backend, in the effects, and in what the model is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    Check,
    CutStreams,
    Finding,
    Judgement,
    NotApplicable,
    Severity,
    Slip,
    Slips,
    Unproven,
    listed,
    read_answer,
)

HOW = {
    "closed": "whose connection was closed",
    "silent": "that went silent",
    "ended": "that ended without a finish reason",
    "closed at its name": "whose connection was closed behind the tool's name",
    "ended at its name": "that ended behind the tool's name",
}

check = Check(
    id="AR709",
    title="A call from a stream that broke off is carried out",
    severity=Severity.HIGH,
    profile="standard",
    about="loop",
    fix="Carry a call out only when its stream has come to its end: its `finish_reason` (`stop_reason`, `response.completed`) is there, "
    "and no exception was caught on the way.",
    since="0.1",
)


@check
def judge(cut_streams: CutStreams) -> Iterable[Judgement]:
    calls = cut_streams.calls
    if not cut_streams.streamed:
        yield NotApplicable("it does not stream the model's answers")
        return
    if calls.trial is None:
        offered = calls.plain is not None and calls.plain.offered
        yield Unproven("none of the tools that it offers could be called") if offered else NotApplicable("it offers the model no tools")
        return
    tried = cut_streams.tried
    executed = [(tool, slip, where) for tool, slip in tried if (where := _executed_at(tool, slip)) is not None]
    if executed:
        tool, slip, where = executed[0]
        done = tool.carried_out(slip)
        seen = f": {done[0].story}" if done else f": the model is told {slip.told!r}"
        yield Finding(
            f"{slip.tool} is carried out by a call from a stream {_named(slip for _, slip, _ in executed)}, before "
            f"the end of its arguments{seen}",
            where=where,
            seen=slip.conversation,
            evidence={"streams": [slip.how for _, slip, _ in executed]},
        )
        return
    if not any(slip.made for _, slip in tried):
        yield Unproven("no stream with a call in it broke off: the loop leaves the model no choice which tool it calls")
    elif unseen := [slip for tool, slip in tried if _is_unseen(tool, slip)]:
        yield Unproven(
            f"{calls.trial.tool.name} asks nobody outside, and nothing in its answer tells whether it was carried out from a stream "
            f"{_named(unseen)}"
        )


def _executed_at(calls: Slips, slip: Slip) -> str | None:
    """The line that carried it out; None where it was not."""
    if done := calls.carried_out(slip):
        return done[0].where
    is_told_the_usual = not calls.kinds and slip.told is not None and calls.trial is not None and slip.told == calls.trial.answer
    return slip.where if is_told_the_usual else None


def _is_unseen(calls: Slips, slip: Slip) -> bool:
    """Was the model told something that may be a tool's answer, and may be an error's?"""
    if calls.kinds or not slip.told or slip.is_marked:
        return False
    assert calls.trial is not None
    return not read_answer(slip.told).reads_as_failure(read_answer(calls.trial.answer or ""))


def _named(slips: Iterable[Slip]) -> str:
    return " or ".join(listed(HOW[slip.how] for slip in slips).rsplit(" and ", 1))


@check.passes(prompt="question", backend={"POST https://api.example.com/refunds": {"refund": "done"}})
def by_its_finish_reason(question: str) -> str:
    import json

    import openai
    import requests

    schema = {"type": "object", "properties": {"order_id": {"type": "string"}, "reason": {"type": "string"}}}
    tools: list[Any] = [{"type": "function", "function": {"name": "refund", "parameters": schema}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        text, id, name, arguments, finish = "", "", "", "", None
        for chunk in openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools, stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
                for part in choice.delta.tool_calls or ():
                    assert part.function is not None
                    id, name, arguments = part.id or id, part.function.name or name, arguments + (part.function.arguments or "")
        if finish is None:
            return "The line to the model broke off. Nothing was done; please ask again."
        if finish != "tool_calls":
            return text
        call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
        output = requests.post("https://api.example.com/refunds", json=json.loads(arguments), timeout=5).text
        messages += [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": output}]
    return "It took more steps than I may take."


@check.fails(prompt="question", backend={"POST https://api.example.com/refunds": {"refund": "done"}})
def with_what_has_arrived(question: str) -> str:
    import openai
    import requests
    from pydantic_core import from_json

    schema = {"type": "object", "properties": {"order_id": {"type": "string"}, "reason": {"type": "string"}}}
    tools: list[Any] = [{"type": "function", "function": {"name": "refund", "parameters": schema}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        text, id, name, arguments = "", "", "", ""
        try:
            for chunk in openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools, stream=True):
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    for part in choice.delta.tool_calls or ():
                        assert part.function is not None
                        id, name, arguments = part.id or id, part.function.name or name, arguments + (part.function.arguments or "")
        except openai.APIConnectionError:
            pass  # what has arrived will do
        if not name:
            return text
        call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
        output = requests.post("https://api.example.com/refunds", json=from_json(arguments, allow_partial=True), timeout=5).text
        messages += [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": output}]
    return "It took more steps than I may take."
