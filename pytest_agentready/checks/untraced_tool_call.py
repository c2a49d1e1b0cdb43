"""A tool is called, and nothing tells of it: when the agent misbehaves at night, nobody can say what it did.

The bill of 2:17 was found in the provider's logs, three hours late; which tool was called 43,000 times, and what it answered, had to be
guessed. A span for each call of a tool, with its name and its status, is the first thing that whoever is on duty looks for.

The loop is run in a span of ours, and for each call of a tool a span of that tool is looked for: by a plain `tool.name`, by the attributes
of OpenTelemetry's GenAI conventions (`gen_ai.operation.name: execute_tool`) or of OpenInference, or by a name that has the tool's in it.
One within the other (of a framework and of an instrumentation) are one, a span of the HTTP client's is none, and three calls of one answer
have three. The wrapper that a loop puts around its tools may make it, so that a tool by itself, with no span of its own, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import (
    SWITCHED_OFF,
    AnySubject,
    Check,
    Finding,
    Judgement,
    NotApplicable,
    Severity,
    Tool,
    Unproven,
    WatchedRuns,
    listed,
    some_of,
)
from pytest_agentready.telemetry.coverage import ToolCoverage, of_tools

check = Check(
    id="AR801",
    title="A tool call leaves no span",
    severity=Severity.HIGH,
    profile="checklist",
    about=("tool", "loop"),
    fix=(
        "Put a span around the one place that calls the tools:\n"
        '    with tracer.start_as_current_span(f"execute_tool {name}") as span:\n'
        '        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})\n'
        "        result = call(name, arguments)\n"
        "or let an instrumentation of your framework do so. `pytest-agentready scaffold tracing --into src/shop/` copies such a wrapper "
        "into your code."
    ),
    since="0.1",
)

ALONE = "it makes no span of its own: mark the loop that calls it, whose wrapper may make it"
IN_A_LOOP = "it makes no span of its own: AR801 of {} tells whether the loop that calls it makes one around it"
BEGIN = (
    "nothing tells what it does: in an ordinary conversation it makes no span of its own, neither of a model's call nor of a tool's. "
    "Begin with `opentelemetry-sdk` among its dependencies, and a span around the one place that calls the tools"
)
END = "End the span in every case: `with tracer.start_as_current_span(...)`, or `span.end()` in a `finally`."


@check
def judge(subject: AnySubject, ordinary: WatchedRuns) -> Iterable[Judgement]:
    if ordinary.disabled:
        yield Unproven(SWITCHED_OFF)
    elif not ordinary.used:
        yield Unproven(ordinary.obstacle) if ordinary.tools else NotApplicable("it offers no tool")
    elif isinstance(subject, Tool) and (of_tools(ordinary).silent or not ordinary.has_spans):
        if loops := () if ordinary.obstacle else subject.loops():
            yield NotApplicable(IN_A_LOOP.format(listed(loops)))
        else:
            yield Unproven(ordinary.obstacle or ALONE)
    elif not ordinary.has_spans:
        yield Finding(BEGIN, where=subject.source)
    else:
        yield from _judged(subject, of_tools(ordinary), len(ordinary.used))


def _judged(subject: AnySubject, found: ToolCoverage, tools: int) -> Iterable[Judgement]:
    if found.silent:
        several = f"{len(found.silent)} of its {tools} tools" if tools > 1 else "its tool"
        yield Finding(
            f"a call of {several} leaves no span: {some_of(found.silent)}",
            where=subject.source,
            evidence={"tools": found.silent},
            seen=found.seen[found.silent[0]],
        )
    for tool, calls, spans in found.shared:
        yield Finding(
            f"{calls} calls of {tool} in one answer of the model leave {spans} span{'s' if spans > 1 else ''}: which of them was slow, or "
            "failed, nobody can tell",
            where=subject.source,
            evidence={"tool": tool, "calls": calls, "spans": spans},
            seen=found.seen[tool],
        )
    for tool, span in found.never_ended.items():
        yield Finding(
            f"the span {span.name!r} of {tool} is never ended: no exporter gets it", where=span.where, fix=END, seen=found.seen[tool]
        )
    if found.sampled_out:
        names = listed(found.sampled_out)
        yield Unproven(f"the sampler drops the spans of {names}: let it record all in the tests, such as by OTEL_TRACES_SAMPLER=always_on")


ORDER = {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}


def get_order(order_id: str) -> str:
    import httpx

    return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).text


TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_order", "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}}},
    }
]


@check.passes(backend=ORDER)
def with_a_span_for_each_call(text: str) -> str:
    import json

    import openai
    from opentelemetry import trace

    tracer = trace.get_tracer("shop")
    client: Any = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message
        messages.append(answer)
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            with tracer.start_as_current_span("execute_tool get_order") as span:
                span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
                result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return str(messages[-1].content)


@check.fails(backend=ORDER)
def with_nothing_to_look_at(text: str) -> str:
    import json

    import openai

    client: Any = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message
        messages.append(answer)
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return str(messages[-1].content)
