"""What the checks of spans say where there is little to see, and where the one who made a span could not know better."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_agentready.checks import missing_attributes, unrecorded_error, untraced_model_call, untraced_tool_call
from pytest_agentready.domain import (
    Check,
    Judgement,
    LogLine,
    ModelAnswer,
    ModelCall,
    ModelRequest,
    NotApplicable,
    Run,
    Span,
    Telemetry,
    Unproven,
    Use,
    Watched,
    WatchedRuns,
)
from tests.examining import as_loop, engine

ROOT = 99
CALL = ModelCall(ModelRequest("openai", "chat", "gpt-5.1", ()), ModelAnswer("hello"), 1.0, "agent.py:7", span=1)
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"}


def span(id: int, **more: Any) -> Span:
    return Span(f"span {id}", id, 1, ROOT, ended=9.0, **{"where": "agent.py:3", **more})


def watched(*spans: Span, calls: tuple[ModelCall, ...] = (CALL,), logs: tuple[LogLine, ...] = (), failed: bool = False) -> WatchedRuns:
    telemetry = Telemetry(spans, logs=logs, loaded=True, root=ROOT)
    run = Watched(Run({}, model_calls=calls, telemetry=telemetry), (Use("get_order", failed=failed),), "HTTP 500" if failed else "")
    return WatchedRuns((run,), tools=frozenset({"get_order"}))


def judged(check: Check, *observed: WatchedRuns) -> list[Judgement]:
    assert check.judge is not None
    return list(check.judge(*observed))


MODEL = span(1, attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1", "gen_ai.usage.input_tokens": 12})


def test_an_instrumentation_that_cannot_read_a_result_is_no_fault() -> None:
    good = watched(MODEL, span(2, attributes=TOOL, scope="httpx.tools", by_library=True))
    bad = watched(span(2, attributes=TOOL, scope="httpx.tools", by_library=True), calls=(), failed=True)
    (found,) = judged(unrecorded_error.check, good, bad)
    assert isinstance(found, Unproven)
    assert "httpx.tools cannot tell" in found.reason


def test_an_exception_in_the_log_is_as_good_as_an_event() -> None:
    good = watched(MODEL, span(2, attributes=TOOL))
    line = LogLine("shop", "ERROR", "no answer", {"exception.type": "TimeoutError"}, span=2)
    assert (
        judged(unrecorded_error.check, good, watched(span(2, attributes=TOOL, status="error"), calls=(), logs=(line,), failed=True)) == []
    )
    (found,) = judged(unrecorded_error.check, good, watched(span(2, attributes=TOOL, status="error"), calls=(), failed=True))
    assert "not with what" in found.message  # type: ignore[union-attr]


def test_what_the_sdk_has_dropped_is_said() -> None:
    said = LogLine("opentelemetry.attributes", "WARNING", "Invalid type dict for attribute 'gen_ai.request.model' value.")
    silent = span(1, attributes={"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 12})
    (found,) = judged(missing_attributes.check, watched(silent, span(2, attributes=TOOL), logs=(said,)), WatchedRuns())
    assert "The SDK has dropped an attribute (Invalid type dict" in found.message  # type: ignore[union-attr]


def test_a_disabled_sdk_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    example = untraced_tool_call.check.passing[0]
    loop = as_loop(example.function, example.facts)
    try:
        verdict = engine().examine(loop, untraced_tool_call.check)
        assert (verdict.outcome.value, "OTEL_SDK_DISABLED" in verdict.reason) == ("unproven", True)
        for check in (untraced_model_call.check, unrecorded_error.check, missing_attributes.check):
            verdict = engine().examine(loop, check)
            assert (verdict.outcome.value, verdict.reason) == ("not_applicable", "see AR801")
    finally:
        engine().forget(loop)


def test_the_spans_that_an_sdk_makes_unasked_are_not_the_projects() -> None:
    unasked = span(1, attributes=dict(MODEL.attributes), scope="com.anthropic.sdk.python")
    assert not watched(unasked).has_spans
    assert judged(missing_attributes.check, watched(unasked), WatchedRuns()) == [NotApplicable("see AR801")]
    assert watched(unasked, span(2, attributes=TOOL)).has_spans
