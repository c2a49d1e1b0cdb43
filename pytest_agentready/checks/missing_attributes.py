"""There is a span of each call, and it does not say what an alert or a bill is made of: which tool, which model, how many tokens.

A dashboard of errors by tool needs the tool's name as an attribute, for names of spans are free. Dollars are tokens times the price of
a model. And whoever reads `tool.status: error` wants to know next whether the call may be repeated.

Any of three dialects will do: the plain one (`tool.name`, `tool.retry_safe`), OpenTelemetry's GenAI conventions
(`gen_ai.tool.name`, `gen_ai.request.model`, `gen_ai.usage.input_tokens`) with its older names, and OpenInference's
(`llm.model_name`, `llm.token_count.prompt`). What is absent in all of them is a finding, one for each kind of span. Whether a
failed call may be repeated has a name in the plain dialect alone: it is asked for where the project's own code speaks that, and
the tool's mark does not say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_agentready.domain import Check, Finding, Judgement, NotApplicable, Run, Severity, WatchedRuns, listed, shortened
from pytest_agentready.telemetry.calls import ModelUse, traces
from pytest_agentready.telemetry.coverage import Judgeable, judgeable, of_models
from pytest_agentready.telemetry.failures import failures

check = Check(
    id="AR805",
    title="A span lacks what alerts and bills are made of",
    severity=Severity.MEDIUM,
    profile="checklist",
    about=("tool", "loop"),
    fix=(
        "Set them in any one dialect: of a tool `gen_ai.tool.name` (and `tool.retry_safe` where it fails), of a model "
        "`gen_ai.request.model`, `gen_ai.usage.input_tokens` and `gen_ai.usage.output_tokens`, from the usage that comes with each answer."
    ),
    since="0.1",
)

STREAM = 'Ask for it with `stream_options={"include_usage": True}`, and set the tokens from `chunk.usage` of the last chunk.'
ATTRIBUTES = "opentelemetry.attributes"  # the logger by which the SDK says that it drops one


class Absent(NamedTuple):
    """What a span does not say."""

    what: str
    whose: str  # the tool's name, or what else the call is of
    where: str
    run: Run


NAME = "the tool's name (gen_ai.tool.name, tool.name)"
RETRY = "whether a failed call may be repeated (tool.retry_safe)"
MODEL = "the model (gen_ai.request.model, llm.model_name)"
TOKENS = "the tokens (gen_ai.usage.input_tokens, llm.token_count.prompt)"


@check
def judge(ordinary: WatchedRuns, failed: WatchedRuns) -> Iterable[Judgement]:
    judged = judgeable(ordinary)
    if not judged.tools and not judged.models:
        yield NotApplicable(judged.reason)
        return
    dropped = _dropped(ordinary)
    if absent := [*_names(ordinary, judged), *_advice(ordinary, failed, judged)]:
        yield _told(absent, dropped)
    uses = of_models(ordinary) if judged.models else ()
    if absent := [lack for use in uses for lack in _of_model(use)]:
        unreported = any(not use.calls[-1].request.reports_usage for use in uses) and any(lack.what == TOKENS for lack in absent)
        why = ", and its stream is not asked to report any (stream_options.include_usage)" if unreported else ""
        yield replace(_told(absent, why + dropped), fix=STREAM if unreported and len({lack.what for lack in absent}) == 1 else "")
    if judged.see:
        yield NotApplicable(judged.reason)


def _told(absent: Sequence[Absent], more: str) -> Finding:
    whose, what = sorted({lack.whose for lack in absent}), list(dict.fromkeys(lack.what for lack in absent))
    first = absent[0]
    message = f"the span{'s' * (len(whose) > 1)} of {listed(whose)} lack{'s' * (len(whose) == 1)} {listed(what)}{more}"
    return Finding(message, where=first.where, evidence={"spans": whose, "absent": what}, seen=first.run)


def _names(ordinary: WatchedRuns, judged: Judgeable) -> Iterator[Absent]:
    known = traces(ordinary)
    for watched in ordinary.whole:
        for tool in sorted(judged.tools & {use.tool for use in watched.uses}):
            readings = known[id(watched.run)].of_tool(tool, ordinary.tools, watched.uses)
            if readings and not any(reading.tool for reading in readings):
                yield Absent(NAME, tool, readings[0].span.where, watched.run)


def _advice(ordinary: WatchedRuns, failed: WatchedRuns, judged: Judgeable) -> Iterator[Absent]:
    for failure in failures(ordinary, failed, judged):
        own = [reading for reading in failure.readings if reading.own_words and not reading.span.by_library]
        told = any(reading.retry_safe is not None for reading in failure.readings) or failure.tool in failed.retry_declared
        if failure.tool and own and not told:
            yield Absent(RETRY, failure.tool, own[0].span.where, failure.run)


def _of_model(use: ModelUse) -> Iterator[Absent]:
    readings = use.told.readings
    if not any(reading.model for reading in readings):
        yield Absent(MODEL, "a call of the model", readings[0].span.where, use.run)
    if not any(reading.counts_tokens for reading in readings):
        yield Absent(TOKENS, "a call of the model", readings[0].span.where, use.run)


def _dropped(ordinary: WatchedRuns) -> str:
    """What the SDK itself has said: older ones keep no dict, and no None."""
    lines = (line for watched in ordinary.whole for line in watched.run.telemetry.logs if line.logger == ATTRIBUTES)
    said = next(lines, None)
    return f". The SDK has dropped an attribute ({shortened(said.text, 120)}): give it as text, by `json.dumps`" if said is not None else ""


ORDER = {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}
TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_order", "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}}},
    }
]


def get_order(order_id: str) -> str:
    import httpx

    return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).text


@check.passes(backend=ORDER)
def with_what_a_bill_is_made_of(text: str) -> str:
    import json

    import openai
    from opentelemetry import trace

    tracer = trace.get_tracer("shop")
    client: Any = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        with tracer.start_as_current_span("chat") as span:
            answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)
            span.set_attribute("gen_ai.request.model", answer.model)
            span.set_attribute("gen_ai.usage.input_tokens", answer.usage.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", answer.usage.completion_tokens)
        messages.append(answer.choices[0].message)
        if not messages[-1].tool_calls:
            break
        for call in messages[-1].tool_calls:
            with tracer.start_as_current_span("tool", attributes={"gen_ai.tool.name": call.function.name}):
                result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return str(messages[-1].content)


@check.fails(backend=ORDER)
def with_names_alone(text: str) -> str:
    import json

    import openai
    from opentelemetry import trace

    tracer = trace.get_tracer("shop")
    client: Any = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        with tracer.start_as_current_span("call_model"):
            answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message
        messages.append(answer)
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            with tracer.start_as_current_span(f"tool.{call.function.name}"):
                result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return str(messages[-1].content)
