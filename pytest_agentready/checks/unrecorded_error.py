"""A call fails, and its span says that all is well: the alert on errors stays green, for hours.

A wrapper that catches the exception inside of the span keeps it from the span: OpenTelemetry marks a span as failed only if an exception
leaves it. A tool that answers by a typed error does not raise at all, so that the wrapper around it has to record that error by hand:
`tool.status`, and `span.record_exception(Exception(result.message))`.

The tools' backends are silent, answer HTTP 500, or refuse the connection, and the provider of the model answers 429, 500, 529 or not
at all. The span of a call that failed needs a status that says so (ERROR, or `tool.status`), and which error it was: `error.type`, an
exception's event, or its log record. What was tried again within the span, and went well, is no failure. A tool that makes spans of its own
is judged by itself, under each fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_agentready.domain import Check, Finding, Judgement, NotApplicable, Severity, Unproven, WatchedRuns, listed, some_of
from pytest_agentready.telemetry.coverage import judgeable
from pytest_agentready.telemetry.failures import Failure, failures

check = Check(
    id="AR804",
    title="The span of a failed call does not say so",
    severity=Severity.HIGH,
    profile="checklist",
    about=("tool", "loop"),
    fix=(
        "Let the exception pass through the span, and catch it outside; or write it down where it is caught:\n"
        "    span.record_exception(error)\n"
        "    span.set_status(Status(StatusCode.ERROR, str(error)))\n"
        '    span.set_attribute("error.type", type(error).__qualname__)\n'
        'and do the same for a result that says `status: "error"`.'
    ),
    since="0.1",
)

STORIES = {
    "silent": "and its span does not say that it failed",
    "untyped": "and its span says that it failed, but not with what: it has no error.type, and no exception",
    "unended": "and its span is never ended: no exporter gets it",
    "missing": "and leaves no span at all, which is made only when a call goes well",
}


@check
def judge(ordinary: WatchedRuns, failed: WatchedRuns) -> Iterable[Judgement]:
    judged = judgeable(ordinary)
    if not judged.tools and not judged.models:
        yield NotApplicable(judged.reason)
        return
    found = list(failures(ordinary, failed, judged))
    kinds: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in found:
        kinds.setdefault((failure.tool, failure.record, failure.where), []).append(failure)
    for (tool, record, _), alike in kinds.items():
        if record in STORIES:
            yield _told(alike)
        elif record == "unknowing":
            scope = alike[0].readings[0].span.scope
            yield Unproven(
                f"{tool} answers a failure by a result, which {scope} cannot tell from a good one: set the status of its span yourself, "
                "or let the tool raise"
            )
    models_alone = bool(failed.obstacle) and any(not failure.tool for failure in found)  # its tools ask nobody who could fail
    if judged.tools and not any(failure.tool for failure in found) and not models_alone:
        yield Unproven(failed.obstacle or f"no failure of {listed(sorted(judged.tools))} is told as one: see AR103")
    if judged.see:
        yield NotApplicable(judged.reason)


def _told(alike: Sequence[Failure]) -> Finding:
    first = alike[0]
    mishaps = list(dict.fromkeys(failure.mishap for failure in alike))
    whose = f"a call of {first.tool}" if first.tool else "a call of the model"
    story = STORIES[first.record]
    if first.record == "silent" and first.span is not None and any(event.name == "exception" for event in first.span.events):
        story = (
            "and its span has the exception, but the status UNSET, for `record_exception` sets none: whoever looks for errors finds none"
        )
    named = [failure.span.name for failure in alike if failure.span is not None]
    return Finding(
        f"{whose} fails ({some_of(mishaps, separator='; ')}), {story}",
        where=first.where,
        evidence={"mishaps": mishaps, "spans": list(dict.fromkeys(named))},
        seen=first.run,
    )


ORDER = {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}
TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_order", "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}}},
    }
]


def asked(messages: list[Any]) -> Any:
    import openai
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("chat gpt-5.1") as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
        client: Any = openai.OpenAI()
        return client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message


@check.passes(backend=ORDER)
def with_the_error_of_a_result(text: str) -> str:
    import json

    import httpx
    from opentelemetry import trace

    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        answer = asked(messages)
        messages.append(answer)
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            with trace.get_tracer("shop").start_as_current_span("tool.get_order") as span:
                span.set_attribute("tool.name", "get_order")
                try:
                    response = httpx.get(f"https://api.example.com/orders/{json.loads(call.function.arguments)['order_id']}", timeout=5)
                    result: dict[str, Any] = {"status": "success", "data": response.raise_for_status().text}
                except httpx.HTTPError as error:
                    result = {"status": "error", "error_type": "transient", "retry_safe": True, "message": str(error)}
                span.set_attribute("tool.status", result["status"])
                if result["status"] == "error":
                    span.set_attribute("tool.retry_safe", result["retry_safe"])
                    span.record_exception(Exception(result["message"]))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return str(messages[-1].content)


@check.fails(backend=ORDER)
def with_a_span_that_hears_of_nothing(text: str) -> str:
    import json

    import httpx
    from opentelemetry import trace

    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        answer = asked(messages)
        messages.append(answer)
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            with trace.get_tracer("shop").start_as_current_span("tool.get_order") as span:
                span.set_attribute("tool.name", "get_order")
                try:
                    response = httpx.get(f"https://api.example.com/orders/{json.loads(call.function.arguments)['order_id']}", timeout=5)
                    result = response.raise_for_status().text
                except httpx.HTTPError as error:
                    result = f"error: {error}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return str(messages[-1].content)
