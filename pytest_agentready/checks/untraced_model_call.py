"""A model is called, and nothing tells of it: what was asked, how long it took, and what it cost can only be read in the provider's bill.

A loop spends its money and most of its time in calls of a model. Which of them was slow, which one used 40,000 tokens, and which model
answered while the answers were bad, stands in a span of each call or nowhere.

Each request to a provider is traced to the span in which it was sent. A span around it that is a model's by its attributes counts
(OpenTelemetry's GenAI conventions, OpenInference), one that was open meanwhile without being the current one, and one without
attributes that is about this call and nothing else. The agent's span around the whole run does not, nor does one of the HTTP client. An
SDK that asks again after a failure makes one call. Each call has a span of its own: a guard-rail's, a planner's and an inner agent's too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import Check, Finding, Judgement, Loop, NotApplicable, Severity, Unproven, WatchedRuns
from pytest_agentready.telemetry.coverage import of_models

check = Check(
    id="AR802",
    title="A model call leaves no span",
    severity=Severity.HIGH,
    profile="checklist",
    about="loop",
    fix=(
        "Put a span around each call of a model:\n"
        '    with tracer.start_as_current_span(f"chat {model}") as span:\n'
        '        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": model})\n'
        "        answer = client.chat.completions.create(model=model, ...)\n"
        "or let an instrumentation of the SDK do so: opentelemetry-instrumentation-genai-openai, openinference-instrumentation-anthropic."
    ),
    since="0.1",
)

END = "End the span in every case: `with tracer.start_as_current_span(...)`, or `span.end()` in a `finally`."


@check
def judge(loop: Loop, ordinary: WatchedRuns) -> Iterable[Judgement]:
    calls = of_models(ordinary)
    if ordinary.disabled or (ordinary.used and not ordinary.has_spans):
        yield NotApplicable("see AR801")
    elif not calls:
        yield Unproven("no call of a model is answered")
    elif not ordinary.has_spans:
        yield Finding("nothing tells what it does: in an ordinary conversation it makes no span of its own", where=loop.source)
    else:
        untold = [use for use in calls if not use.told.readings]
        made, without = Counter(use.where for use in calls), Counter(use.where for use in untold)
        for use in {use.where: use for use in untold}.values():
            all_of, count = made[use.where], without[use.where]
            some = "a call of a model leaves" if count == all_of else f"{count} of {all_of} calls of a model leave"
            evidence = {"calls": all_of, "without": count}
            yield Finding(f"{some} no span of its own", where=use.where or loop.source, evidence=evidence, seen=use.run)
        for use in {use.where: use for use in calls if use.told.never_ended is not None}.values():
            assert use.told.never_ended is not None
            span = use.told.never_ended.span
            story = f"the span {span.name!r} of a call of a model is never ended: no exporter gets it"
            yield Finding(story, where=span.where, fix=END, seen=use.run)
        if any(use.told.sampled_out for use in calls):
            yield Unproven("the sampler drops the spans of its model: let it record all in the tests, by OTEL_TRACES_SAMPLER=always_on")


@check.passes(prompt="question")
def with_a_span_for_each_call(question: str) -> str:
    import openai
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("chat gpt-5.1") as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
        answer: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
        span.set_attribute("gen_ai.usage.input_tokens", answer.usage.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", answer.usage.completion_tokens)
    return str(answer.choices[0].message.content)


@check.fails(prompt="question")
def with_a_span_of_the_agent_alone(question: str) -> str:
    import openai
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("agent.run"):
        draft: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
        check = f"Is this answer polite? {draft.choices[0].message.content}"
        answer: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1-mini", messages=[{"role": "user", "content": check}])
    return str(answer.choices[0].message.content)
