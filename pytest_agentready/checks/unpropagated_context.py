"""The trace ends where the tool's request leaves the house: the service behind it begins another one, and nobody can put them together.

What took five seconds, and which of four services it was, is in the traces of those services. They are found from the agent's own by
one header, `traceparent`, which the client has to send; an instrumentation of the HTTP client does so by itself.

The requests are read as the peers got them, where they were sent in a span of the subject's own. Any of the usual headers will do:
`traceparent`, `b3`, and those of Jaeger, AWS, Google, Datadog and Sentry. The providers of models are left out, for they are other
people's houses, and do nothing with it; so are databases and the like, whose protocols have no place for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import (
    AnySubject,
    Check,
    Finding,
    Judgement,
    NormalCall,
    NormalConversation,
    NotApplicable,
    Request,
    Run,
    Severity,
    Unproven,
    some_of,
)

check = Check(
    id="AR807",
    title="A request reaches its peer without the trace that it belongs to",
    severity=Severity.LOW,
    profile="strict",
    about=("tool", "loop"),
    fix=(
        "Let the client be instrumented: `pip install opentelemetry-instrumentation-httpx` and `HTTPXClientInstrumentor().instrument()`, "
        "or `opentelemetry-instrumentation-requests` and `RequestsInstrumentor().instrument()`. By hand: "
        "`from opentelemetry.propagate import inject`, and `inject(headers)` before the request, within the span."
    ),
    since="0.1",
)

HEADERS = (
    *("traceparent", "b3", "x-b3-traceid"),
    *("uber-trace-id", "x-amzn-trace-id", "x-cloud-trace-context", "x-datadog-trace-id", "sentry-trace"),
)
UNTRACED = "see AR801: it makes no span, so that there is nothing to go on with"
ASKS_NOBODY = "it asks nobody over HTTP but the model"
OUTSIDE = "see AR801 and AR803: its requests are sent outside of its spans"


@check
def judge(subject: AnySubject, warm_up: NormalCall | NormalConversation) -> Iterable[Judgement]:
    runs = _runs_of(warm_up)
    asked = [(run, request) for run in runs for request in run.requests if request.is_http and not request.to_model]
    if warm_up.obstacle:
        yield Unproven(warm_up.obstacle)
        return
    if not any(run.telemetry.spans for run in runs):
        yield NotApplicable(UNTRACED)
        return
    if not asked:
        yield NotApplicable(ASKS_NOBODY)
        return
    within = [request for run, request in asked if request.span not in (None, run.telemetry.root)]
    if not within:
        yield NotApplicable(OUTSIDE)
        return
    cut_off = [request for request in within if not any(name in HEADERS for name, _ in request.headers)]
    if cut_off:
        hosts = list(dict.fromkeys(request.host for request in cut_off))
        some = f"{len(cut_off)} of {len(within)} requests within its spans reach"
        if len(cut_off) == len(within):
            some = "every request within its spans reaches"
        yield Finding(
            f"{some} {some_of(hosts)} without a traceparent: the trace ends there",
            where=cut_off[0].where or subject.source,
            evidence={"requests": [_named(request) for request in cut_off][:5]},
        )


def _runs_of(warm_up: NormalCall | NormalConversation) -> list[Run]:
    if isinstance(warm_up, NormalCall):
        return [*warm_up.runs]
    return [turn.run for trial in warm_up.tools for turn in trial.conversation.turns]


def _named(request: Request) -> str:
    return f"{request.method} {request.url.partition('?')[0]}"


ORDER = {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}


@check.passes(args=[{"order_id": "42"}, {"order_id": "43"}], backend=ORDER)
def with_the_context_in_a_header(order_id: str) -> dict[str, object]:
    import httpx
    from opentelemetry import propagate, trace

    with trace.get_tracer("shop").start_as_current_span("execute_tool get_order") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
        headers: dict[str, str] = {}
        propagate.inject(headers)
        response = httpx.get(f"https://api.example.com/orders/{order_id}", headers=headers, timeout=5)
        return {"status": "success", "data": response.json()}


@check.fails(args=[{"order_id": "42"}, {"order_id": "43"}], backend=ORDER)
def with_a_span_that_nobody_is_told_of(order_id: str) -> dict[str, object]:
    import httpx
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("execute_tool get_order") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
        response = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5)
        return {"status": "success", "data": response.json()}
