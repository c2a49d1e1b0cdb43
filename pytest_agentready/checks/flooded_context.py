"""One long answer of a tool fills the model's window, and is paid for again with every request that follows.

A search without a limit, a log file, a page with its scripts: a tool's output may be any size, and in the messages it stays. A megabyte is
some 250,000 tokens. It does not fit into most windows, so that the provider's error ends the run; where it fits, each
further step costs a quarter of a million tokens of input, and what the model was told before is lost in it.

The tools' backends answer with a megabyte, and the size of the next requests is measured. Where much of it is there, the same is done with
two megabytes: what does not grow is bounded. A loop passes that cuts the output, has it summarised in parts, or stores it and
shows its beginning. It is the loop that has to see to it, for it knows all of its tools: that one of them bounds its own
result (AR106) helps only there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    Check,
    Conversation,
    Finding,
    HugeOutput,
    Judgement,
    ModelRequest,
    NotApplicable,
    Severity,
    Slips,
    Unproven,
    some_of,
    tokens,
)

MUCH = 50_000  # characters that are added to one request

check = Check(
    id="AR708",
    title="A megabyte of a tool's output goes into the next request",
    severity=Severity.MEDIUM,
    profile="standard",
    about="loop",
    fix="Bound what a tool may say, in the one place where results become messages: `output[:20_000]`, with a word that it was cut, and "
    "how to ask for the rest.",
    since="0.1",
)


@check
def judge(huge_outputs: tuple[HugeOutput, ...], malformed_calls: Slips) -> Iterable[Judgement]:
    if not huge_outputs:
        yield _not_tried(malformed_calls)
        return
    flooded = [output for output in huge_outputs if _grows(output)]
    if flooded:
        worst = max(flooded, key=lambda output: _added(output, output.huge))
        size = _added(worst, worst.huge)
        yield Finding(
            f"{size:,} characters of {some_of(output.tool.name for output in (each.trial for each in flooded))} go into the next request, "
            f"some {_tokens(worst.huge):,} tokens, and more where its backend sends more",
            where=_where(worst),
            seen=worst.huge,
            evidence={"characters": size, "tokens": _tokens(worst.huge)},
        )
        return
    for output in huge_outputs:
        raised = output.huge.raised
        if raised is not None and output.trial.conversation.raised is None:
            yield Unproven(f"with a long answer of {output.trial.tool.name}'s backend the run ends with {raised.kind} ({raised.where})")
            return
    if all(not _met(output) for output in huge_outputs):
        yield Unproven(
            "the answers of its tools' backend have nothing that could grow: give a backend= with a text or a list in its answers"
        )


def _not_tried(slips: Slips) -> Judgement:
    if slips.plain is None or not slips.plain.offered:
        return NotApplicable("it offers the model no tools")
    return Unproven("its tools ask nobody outside, so that nothing could be made long: give backend=, or arguments with which one does")


def _grows(output: HugeOutput) -> bool:
    """Is there much of it, and twice as much of twice as much?"""
    if output.twice is None or _added(output, output.huge) < MUCH:
        return False
    return _added(output, output.twice) > 1.5 * _added(output, output.huge)


def _added(output: HugeOutput, conversation: Conversation) -> int:
    """Characters by which its largest request is larger than that of the usual conversation.

    What the loop fetches by itself stands in the first request already, before a tool is called, and is none's output.
    """
    by_itself = max(0, _size(conversation.requests[0]) - _size(output.trial.conversation.requests[0])) if conversation.requests else 0
    return _largest(conversation) - by_itself - _largest(output.trial.conversation)


def _largest(conversation: Conversation) -> int:
    return max(map(_size, conversation.requests), default=0)


def _size(request: ModelRequest) -> int:
    return sum(len(message.text) for message in request.messages)


def _tokens(conversation: Conversation) -> int:
    largest = max(conversation.requests, key=_size)
    return sum(tokens(message.text) for message in largest.messages)


def _where(output: HugeOutput) -> str:
    """The line that asks the model, whose next request has it all."""
    return next((call.where for call, wanted in output.huge.wanted if wanted.name == output.trial.tool.name), "")


def _met(output: HugeOutput) -> bool:
    return any(turn.run.fired for turn in output.huge.turns)


@check.passes(prompt="question", backend={"GET https://api.example.com/orders/{id}": {"log": ["packed", "shipped"]}})
def cut(question: str) -> str:
    import json

    import openai
    import requests

    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    tools: list[Any] = [{"type": "function", "function": {"name": "get_log", "parameters": schema}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            assert call.type == "function"
            order = json.loads(call.function.arguments)["order_id"]
            output = requests.get(f"https://api.example.com/orders/{order}", timeout=5).text
            if len(output) > 20_000:
                output = f"{output[:20_000]}\n[cut: {len(output):,} characters in all]"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."


@check.fails(prompt="question", backend={"GET https://api.example.com/orders/{id}": {"log": ["packed", "shipped"]}})
def whole(question: str) -> str:
    import json

    import openai
    import requests

    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    tools: list[Any] = [{"type": "function", "function": {"name": "get_log", "parameters": schema}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            assert call.type == "function"
            order = json.loads(call.function.arguments)["order_id"]
            output = requests.get(f"https://api.example.com/orders/{order}", timeout=5).text
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "It took more steps than I may take."
