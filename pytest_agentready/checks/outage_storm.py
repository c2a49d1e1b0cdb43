"""A tool whose backend is down fails each time it is called, and a model that is not stopped calls it again: the incident of 2:17 am.

The service behind the tool had stopped answering, every call timed out, and the error invited the model to try once more. Nothing
failed loudly: the loop was busy, for 43,000 calls and $847, until somebody woke up. A tool that has failed five times running fails
a sixth time. Who sees that is the loop alone: it counts failures in a row, opens a circuit breaker, or has a limit of its steps.

The loop runs with a model that wants a tool called in every answer, while everybody whom the tool asks reads the request and never
answers: first the same call each time, then another one each time. It passes if it comes to an end by itself, in whatever way, before
`max_model_calls` (60) calls of the model. Where AR701 fails as well, both count: it has neither a limit of its steps nor an error budget.
Where its tools are agents, it is their tools that time out: the loop calls such an agent for ever, and then the agent its tool.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    Check,
    Conversation,
    Finding,
    Judgement,
    NotApplicable,
    OutageStorm,
    Severity,
    Turn,
    Unproven,
    carried_out,
    duration,
    in_dollars,
    priced,
)

check = Check(
    id="AR702",
    title="Nothing stops a model whose tools time out for ever",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix=(
        "Count the failures in a row, and stop at a few: `if failures >= 3: return 'The order system does not answer. I have stopped.'`; "
        "or put a circuit breaker around the tools, and a limit on the steps."
    ),
    since="0.1",
)

UNASKED = 100  # requests without a call of the model in between: what goes on there is no tool's few retries


@check
def judge(outage_storm: OutageStorm) -> Iterable[Judgement]:
    if not outage_storm.conversations:
        yield Unproven(outage_storm.obstacle) if outage_storm.obstacle else NotApplicable("it offers the model no tools")
        return
    for how, conversation in outage_storm.conversations:
        turn = conversation.last
        if turn.ending is not None and (_goes_on(turn) or turn.ending.kind == "runaway"):
            yield _storm(outage_storm, how, conversation)
        elif turn.ending is not None:
            yield Unproven(_held(outage_storm.tool, turn))
        elif not any(carried_out(turn)):
            yield Unproven(f"{outage_storm.tool} asked nobody while its backend was to be down, so that no call of it could time out")


def _goes_on(turn: Turn) -> bool:
    """Was the model asked again, after the tool had failed? Else it is the tool that does not come to an end."""
    return len(turn.model_calls) > 1 and turn.ending is not None and turn.ending.kind != "stuck"


def _storm(outage_storm: OutageStorm, how: str, conversation: Conversation) -> Finding:
    turn = conversation.last
    count = len(turn.model_calls)
    made = [requests for requests in carried_out(turn) if requests]
    calls = f"{len(made)} calls of {outage_storm.tool}" if len(made) != 1 else f"1 call of {outage_storm.tool}"
    if made and len(made[-1]) >= UNASKED:  # around the tool, without a word to the model
        calls += f", the last of which asks {made[-1][-1].host} {len(made[-1]):,} times"
    spent = f"{count} model calls" if count != 1 else "1 model call"
    return Finding(
        f"still calling after {spent} and {calls}, which never gets an answer ({how}; {duration(turn.run.virtual)} of virtual time)"
        f"{priced(outage_storm.cost, count) if count > 1 else ''}",
        where=turn.model_calls[-1].where if turn.model_calls else "",
        seen=turn.run,
        evidence={
            "model_calls": count,
            "tool_calls": len(made),
            "virtual_seconds": round(turn.run.virtual, 1),
            "cost_usd": in_dollars(outage_storm.cost),
        },
    )


def _held(tool: str, turn: Turn) -> str:
    assert turn.ending is not None
    where = f", at {turn.ending.where}" if turn.ending.where else ""
    if turn.ending.kind == "stuck":
        return f"{tool} waits for ever for a backend that never answers ({turn.ending.story}{where}): give it a timeout, see AR202"
    return f"{tool} does not come to an end while its backend never answers ({turn.ending.story}{where}), see AR202 and AR205"


@check.passes(prompt="question", backend={"GET https://api.example.com/orders/7": {"status": "shipped"}})
def with_an_error_budget(question: str) -> str:
    import httpx
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    failures = 0
    while failures < 3:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            try:
                result, failures = httpx.get("https://api.example.com/orders/7", timeout=2).text, 0
            except httpx.HTTPError as failure:
                result, failures = f"failed: {failure!r}", failures + 1
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "The order system does not answer, so I have stopped. A colleague will call you."


@check.fails(prompt="question", backend={"GET https://api.example.com/orders/7": {"status": "shipped"}})
def with_a_text_that_invites_another_try(question: str) -> str:
    import httpx
    import openai

    tools: list[Any] = [{"type": "function", "function": {"name": "get_order_status", "parameters": {"type": "object", "properties": {}}}}]
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message
        if not answer.tool_calls:
            return str(answer.content)
        messages.append(answer)
        for call in answer.tool_calls:
            try:
                result = httpx.get("https://api.example.com/orders/7", timeout=2).text
            except httpx.HTTPError:
                result = "Request timed out. Please try again."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
