"""The spans are there, and do not belong together: what a thread or a queue did hangs in the air, in a trace of its own.

Who looks for the slow tool of one session finds the session without its tools, and the tools among thousands of others. OpenTelemetry
keeps the current span in a context variable, and threads begin with an empty context: `threading.Thread`, `ThreadPoolExecutor.submit` and
`loop.run_in_executor` lose it, and so does a worker behind a queue that was started before. Tasks and `asyncio.to_thread` keep it.

The loop is run in a span of ours. From each span of a tool and of a model a chain of parents has to lead to it, and through the agent's
own span if that asked for the tool. A parent that is never ended breaks the chain as well: no exporter gets it, and its children
are orphans wherever they are shown. A trace that the loop begins on purpose, in its own thread, is as good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_agentready.domain import Check, Finding, Judgement, NotApplicable, Severity, Unproven, WatchedRuns, some_of
from pytest_agentready.telemetry.calls import traces
from pytest_agentready.telemetry.coverage import judgeable
from pytest_agentready.telemetry.lineage import Stray, strays

check = Check(
    id="AR803",
    title="A span does not reach the root of its run",
    severity=Severity.MEDIUM,
    profile="checklist",
    about=("tool", "loop"),
    fix=(
        "Take the context along into the thread: `pool.submit(contextvars.copy_context().run, call, name, arguments)`, with a copy for "
        "each call; `asyncio.to_thread` does so by itself, and opentelemetry-instrumentation-threading for all threads."
    ),
    since="0.1",
)

QUEUE = (
    "Put the context on the queue beside the work (`opentelemetry.context.get_current()`), and begin the span in it: "
    "`tracer.start_as_current_span(name, context=context)`."
)
END = "End it in every case: `with tracer.start_as_current_span(...)`, or `span.end()` in a `finally`."


@check
def judge(ordinary: WatchedRuns) -> Iterable[Judgement]:
    judged = judgeable(ordinary)
    if not judged.tools and not judged.models:
        yield NotApplicable(judged.reason)
        return
    rooted = [watched for watched in ordinary.whole if watched.run.telemetry.root is not None]
    if not rooted:
        yield Unproven("its code loads OpenTelemetry while it runs, too late for a span around it: import it at the top of a module")
        return
    known = traces(ordinary)
    found = [stray for each in rooted for stray in strays(each, known[id(each.run)], sorted(ordinary.tools))]
    kinds: dict[tuple[str, str, bool], list[Stray]] = {}
    for stray in found:
        cause = stray.about if stray.fate == "orphaned" else stray.span
        kinds.setdefault((stray.fate, cause.where, bool(stray.thread)), []).append(stray)
    for alike in kinds.values():
        yield _told(alike)
    if judged.see and not found:
        yield NotApplicable(judged.reason)


def _told(alike: Sequence[Stray]) -> Finding:
    first = alike[0]
    names = list(dict.fromkeys(stray.span.name for stray in alike))
    some = f"the span {names[0]!r}" if len(names) == 1 else f"the spans {some_of(map(repr, names))}"
    one, its = ("", "its") if len(names) == 1 else ("s", "their")
    given = f", in the thread {first.thread}, which was not given the context" if first.thread else ": it was not given the context"
    about = f"{first.about.name!r} ({first.about.where.rpartition('/')[2]})"
    where = first.span.where
    match first.fate:
        case "lost":
            story = f"begin{'' if one else 's'} a trace of {its} own{given}"
        case "elsewhere":
            story = f"hang{'' if one else 's'} below a span that is none of this run: the context is that of an earlier one, or of another"
        case "beside":
            story = f"hang{'' if one else 's'} beside {about}, which asked for the call{given}"
        case "orphaned":
            where = first.about.where
            story = f"hang{'' if one else 's'} below {about}, which is never ended: no exporter gets it"
    fix = END if first.fate == "orphaned" else "" if first.thread else QUEUE
    evidence = {"spans": names, "fate": first.fate, "thread": first.thread, "above": first.about.name}
    return Finding(f"{some} {story}", where=where, evidence=evidence, fix=fix, seen=first.run)


ORDER = {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}


def get_order(order_id: str) -> str:
    import httpx

    return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).text


def traced(order_id: str) -> str:
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("execute_tool get_order") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
        return get_order(order_id)


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
def with_the_context_taken_along(text: str) -> str:
    import contextvars
    import json
    from concurrent.futures import ThreadPoolExecutor

    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        answer = asked(messages)
        messages.append(answer)
        if not answer.tool_calls:
            break
        with ThreadPoolExecutor(4) as pool:
            running = [
                pool.submit(contextvars.copy_context().run, traced, json.loads(call.function.arguments)["order_id"])
                for call in answer.tool_calls
            ]
        for call, done in zip(answer.tool_calls, running, strict=True):
            messages.append({"role": "tool", "tool_call_id": call.id, "content": done.result()})
    return str(messages[-1].content)


@check.fails(backend=ORDER)
def with_threads_that_know_nothing(text: str) -> str:
    import json
    from concurrent.futures import ThreadPoolExecutor

    messages: list[Any] = [{"role": "user", "content": text}]
    for _ in range(10):
        answer = asked(messages)
        messages.append(answer)
        if not answer.tool_calls:
            break
        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(traced, **json.loads(call.function.arguments)) for call in answer.tool_calls]
        for call, done in zip(answer.tool_calls, running, strict=True):
            messages.append({"role": "tool", "tool_call_id": call.id, "content": done.result()})
    return str(messages[-1].content)
