"""Each call of a model is given its spans, whichever way they were made."""

from __future__ import annotations

from typing import Any

from pytest_agentready.domain import ModelAnswer, ModelCall, ModelFailure, ModelRequest, Run, Span, Telemetry, Use, Watched
from pytest_agentready.telemetry.calls import Trace
from pytest_agentready.telemetry.lineage import strays

ROOT = 99
REQUEST = ModelRequest("openai", "chat", "gpt-5.1", ())
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"}


def span(id: int, parent: int | None = ROOT, name: str = "span", began: float = 0.0, ended: float | None = 10.0, **more: Any) -> Span:
    return Span(name, id, 1, parent, began=began, ended=ended, thread=more.pop("thread", "MainThread"), **more)


def call(at: float, in_span: int | None, answered: bool = True) -> ModelCall:
    return ModelCall(REQUEST, ModelAnswer("hello") if answered else ModelFailure("server_error"), at, "agent.py:7", span=in_span)


def run(spans: list[Span], *calls: ModelCall) -> Run:
    return Run({}, model_calls=calls, telemetry=Telemetry(tuple(spans), loaded=True, root=ROOT, thread="MainThread"))


def told(trace: Trace) -> list[tuple[int, ...]]:
    return [tuple(reading.span.id for reading in use.told.readings) for use in trace.models]


def test_attempts_within_one_span_are_one_call() -> None:
    trace = Trace(run([span(1, attributes=CHAT)], call(1, 1, answered=False), call(2, 1, answered=False), call(3, 1)))
    assert told(trace) == [(1,)]
    assert trace.models[0].answered


def test_a_second_answer_within_one_span_has_none_of_its_own() -> None:
    assert told(Trace(run([span(1, attributes=CHAT)], call(1, 1), call(2, 1)))) == [(1,), ()]


def test_two_instrumentations_tell_of_one_call() -> None:
    spans = [span(1, attributes={"openinference.span.kind": "LLM"}), span(2, 1, attributes=CHAT)]
    assert told(Trace(run(spans, call(1, 2)))) == [(2, 1)]


def test_a_span_without_attributes_counts_where_it_is_about_one_call_alone() -> None:
    spans = [span(1, name="agent"), span(2, 1, name="llm", ended=2.0), span(3, 1, name="llm", began=3.0)]
    assert told(Trace(run(spans, call(1, 2), call(4, 3)))) == [(2,), (3,)]
    assert told(Trace(run(spans[:1], call(1, 1), call(4, 1)))) == [(), ()]


def test_what_is_around_one_call_here_and_several_elsewhere_is_the_agents() -> None:
    alone = run([span(1, name="step 7")], call(1, 1))
    assert told(Trace(alone)) == [(1,)]
    assert told(Trace(alone, frozenset({"step "}))) == [()]


def test_a_span_that_is_never_current_is_found_by_its_time() -> None:
    spans = [span(1, attributes=CHAT, ended=2.0), span(2, attributes=CHAT, began=3.0, ended=5.0)]
    assert told(Trace(run(spans, call(1, ROOT), call(4, ROOT)))) == [(1,), (2,)]


def test_a_span_that_is_made_when_all_is_over_is_that_of_the_call_before_it() -> None:
    spans = [span(1, attributes=CHAT, began=2.0, ended=2.0), span(2, attributes=CHAT, began=5.0, ended=5.0)]
    assert told(Trace(run(spans, call(1, ROOT), call(4, ROOT)))) == [(1,), (2,)]
    assert told(Trace(run(spans[:1], call(1, ROOT), call(4, ROOT)))) == [(1,), ()]


def test_the_span_of_an_http_client_is_none() -> None:
    assert told(Trace(run([span(1, attributes={"http.request.method": "POST"}, kind="client")], call(1, 1)))) == [()]


def test_of_two_spans_of_a_tool_the_inner_one_counts() -> None:
    spans = [span(1, attributes={"openinference.span.kind": "TOOL", "tool.name": "get_order"}), span(2, 1, name="execute_tool get_order")]
    trace = Trace(run(spans))
    found = trace.of_tool("get_order", ["get_order", "find"])
    assert [reading.span.id for reading in found] == [1, 2]
    assert [reading.span.id for reading in trace.innermost(found)] == [2]
    assert trace.of_tool("find", ["get_order", "find"]) == ()


def fates(spans: list[Span], *calls: ModelCall, uses: tuple[Use, ...] = ()) -> list[tuple[int, str]]:
    watched = Watched(run(spans, *calls), uses)
    return [(stray.span.id, stray.fate) for stray in strays(watched, Trace(watched.run), ["get_order"])]


def test_each_way_to_go_astray_has_its_name() -> None:
    tool = {"gen_ai.tool.name": "get_order"}
    chat = span(1, attributes=CHAT)
    assert fates([chat, span(2, None, attributes=tool, thread="pool_0")], call(1, 1)) == [(2, "lost")]
    assert fates([chat, span(2, 77, attributes=tool)], call(1, 1)) == [(2, "elsewhere")]
    assert fates([span(3, ended=None), span(2, 3, attributes=tool)]) == [(2, "orphaned")]
    asked = call(1, 4)
    agent = [span(4, name="agent"), span(2, began=2.0, attributes=tool)]
    assert fates(agent, asked, call(5, 4), uses=(Use("get_order", asked=asked),)) == [(2, "beside")]


def test_a_trace_that_goes_on_with_another_is_whole() -> None:
    assert fates([span(1, 77, attributes=CHAT), span(2, 77, attributes={"gen_ai.tool.name": "get_order"})], call(1, 1)) == []
