"""The five alerts that would have woken somebody in time cannot be computed from what the agent emits.

At 2:17 am it was the provider's bill that called, three hours late. Five numbers would have told earlier: the share of failed calls of
each tool, the tokens that are burnt in an hour, the slowest sessions, the injections that were detected, and the dearest sessions. An
alert about a metric that nobody emits never fires, and looks the same as one that has no reason to.

The loop is run in an ordinary conversation, with a tool whose backend does not answer, and with a user who tries an injection in
plain words; every measurement that is made is seen, of OpenTelemetry and of prometheus_client, and so is every span. What is counted by
spans (calls of tools, their errors, tokens, durations) needs no metric: a collector makes one of them. A metric whose moment lies
outside of the loop, such as the end of a session, need only be there. `pytest-agentready alerts` writes the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_agentready.domain import (
    Check,
    Conversation,
    Emitted,
    Finding,
    Judgement,
    Loop,
    NormalConversation,
    NotApplicable,
    OutageStorm,
    Provoked,
    Run,
    Severity,
    Unproven,
    carried_out,
)
from pytest_agentready.telemetry.alerts import sources
from pytest_agentready.telemetry.signals import in_spans
from pytest_agentready.telemetry.sources import REMEDIES, TITLES, Gap, Slug, Source, Tail

check = Check(
    id="AR808",
    title="Alerts that nothing emitted can trigger",
    severity=Severity.LOW,
    profile="strict",
    about="loop",
    fix=(
        "Record what is missing, with these names or your own:\n"
        '    meter = metrics.get_meter("agent")\n'
        '    detections = meter.create_counter("agent.injection.detections")\n'
        '    session_cost = meter.create_histogram("agent.session.cost", unit="USD")\n'
        "    session_cost.record(spent)  # once, when a session ends\n"
        "then let `pytest-agentready alerts --budget-tokens-per-day 2000000` write the rules."
    ),
    since="0.1",
)

DISABLED = (
    "OpenTelemetry is switched off (by OTEL_SDK_DISABLED or a NoOpTracerProvider), so that nothing is emitted: leave it on in the tests"
)
SILENT = "it emits neither a span nor a metric, see AR801"


@check
def judge(
    loop: Loop,
    warm_up: NormalConversation,
    outage_storm: OutageStorm,
    provoked: Provoked,
) -> Iterable[Judgement]:
    usual = [warm_up.plain, *(trial.conversation for trial in warm_up.tools)]
    storms = [storm for _, storm in outage_storm.conversations]
    runs = [turn.run for conversation in (*usual, *storms, provoked.conversation) for turn in conversation.turns]
    if any(run.telemetry.disabled for run in runs):
        yield Unproven(DISABLED)
        return
    if not any(run.telemetry.measurements or run.telemetry.spans for run in runs):
        yield NotApplicable(SILENT)
        return
    failed = any(any(carried_out(storm.last)) for storm in storms)
    told = frozenset(slug for run in runs for slug in in_spans(run.telemetry))
    emitted = Emitted.of((one for run in runs for one in run.telemetry.measurements), provoked.instruments, told)
    found = sources(emitted, failed)
    gaps = dict(_gaps(found, usual))
    missing = {slug: gaps[slug] for slug in TITLES if slug in gaps and slug not in told}
    if not warm_up.tools:
        missing.pop("tool-errors", None)
    if missing:
        yield _finding(loop, missing)


def _gaps(found: dict[Slug, Source | Gap], usual: list[Conversation]) -> Iterator[tuple[Slug, str]]:
    for slug, source in found.items():
        if isinstance(source, Gap):
            yield slug, source.reason
        elif slug == "cost-tail" and isinstance(source, Tail) and (times := _times(source.values.metric.name, usual)) > 1:
            yield (
                slug,
                f"`{source.values.metric.name}` is recorded {times} times in one run: it has the cost of a call, and not of a session",
            )


def _times(metric: str, usual: list[Conversation]) -> int:
    """How often it is recorded in one run, at most: where it is so for each call of the model."""

    def recorded(run: Run) -> int:
        return sum(one.name == metric for one in run.telemetry.measurements)

    runs = [turn.run for conversation in usual for turn in conversation.turns if len(turn.run.model_calls) > 1]
    return max((recorded(run) for run in runs if recorded(run) >= len(run.model_calls)), default=0)


def _finding(loop: Loop, missing: dict[Slug, str]) -> Finding:
    several = f"{len(missing)} of the five alerts cannot" if len(missing) < len(TITLES) else "none of the five alerts can"
    verb = "1 of the five alerts cannot" if len(missing) == 1 else several
    told = "; ".join(f"{TITLES[slug]} ({reason})" for slug, reason in missing.items())
    lacking = "\n".join(f"    {TITLES[slug]}: {REMEDIES[slug]}" for slug in missing)
    return Finding(
        f"{verb} be computed from the spans and metrics that it emits: {told}",
        where=loop.source,
        evidence={"missing": {TITLES[slug]: reason for slug, reason in missing.items()}},
        fix=f"Emit what is missing:\n{lacking}\nthen let `pytest-agentready alerts --budget-tokens-per-day 2000000` write the rules.",
    )


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
def with_all_that_the_alerts_need(text: str) -> str:
    import json
    import time

    import openai
    from opentelemetry import metrics

    meter = metrics.get_meter("support")
    tool_seconds = meter.create_histogram("gen_ai.execute_tool.duration", unit="s")
    tokens_in = meter.create_counter("gen_ai.client.inference.usage.input_tokens", unit="{token}")
    tokens_out = meter.create_counter("gen_ai.client.inference.usage.output_tokens", unit="{token}")
    session_seconds = meter.create_histogram("agent.session.duration", unit="s")
    session_cost = meter.create_histogram("agent.session.cost", unit="USD")
    detections = meter.create_counter("agent.injection.detections")

    client: Any = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": text}]
    began, cost = time.monotonic(), 0.0
    if "ignore all previous instructions" in text.lower():
        detections.add(1)
    for _ in range(10):
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)
        tokens_in.add(answer.usage.prompt_tokens)
        tokens_out.add(answer.usage.completion_tokens)
        cost += (1.25 * answer.usage.prompt_tokens + 10 * answer.usage.completion_tokens) / 1e6
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            start, labels = time.monotonic(), {"gen_ai.tool.name": "get_order"}
            try:
                result = get_order(**json.loads(call.function.arguments))
            except Exception as failure:
                labels["error.type"] = type(failure).__name__
                result = "The order could not be looked up."
            tool_seconds.record(time.monotonic() - start, labels)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    session_seconds.record(time.monotonic() - began)
    session_cost.record(cost)
    return str(messages[-1].content)


@check.fails(backend=ORDER)
def with_a_counter_of_requests_alone(text: str) -> str:
    import json

    import openai
    from opentelemetry import metrics

    requests = metrics.get_meter("support").create_counter("support.requests")

    client: Any = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": text}]
    requests.add(1)
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            try:
                result = get_order(**json.loads(call.function.arguments))
            except Exception:
                result = "The order could not be looked up."
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return str(messages[-1].content)
