"""AR807 on requests that were built by hand: which of them have to take the trace along."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_agentready.domain import NormalCall, NotApplicable, Request, Run, Span, Telemetry
from tests.checks.judging import judgements, messages

ROOT, OWN = 1, 2
SPANS = Telemetry(spans=(Span("execute_tool find", id=OWN, trace=1),), loaded=True, root=ROOT)


def asked(url: str = "https://api.example.com/orders", span: int | None = OWN, to_model: bool = False, **headers: str) -> Request:
    told = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    facts: dict[str, Any] = {"is_write": False, "committed": True, "status": 200, "routed": True, "at": 0.0, "where": "shop.py:7"}
    return Request("GET", url, told, b"", **facts, to_model=to_model, span=span)


def judged(*requests: Request, telemetry: Telemetry = SPANS) -> list[Any]:
    return judgements("AR807", warm_up=NormalCall((Run({}, requests=requests, telemetry=telemetry),)))


@pytest.mark.parametrize("name", ["traceparent", "b3", "x_b3_traceid", "uber_trace_id", "x_amzn_trace_id", "sentry_trace"])
def test_any_of_the_usual_headers_will_do(name: str) -> None:
    assert judged(asked(**{name: "1"})) == []


def test_the_requests_without_one_are_counted_and_named() -> None:
    (found,) = judged(asked(traceparent="1"), asked("https://crm.example.com/customers?q=1"), asked("https://crm.example.com/x"))
    assert found.message.startswith("2 of 3 requests within its spans reach crm.example.com without a traceparent")
    assert found.where == "shop.py:7"
    assert found.evidence == {"requests": ["GET https://crm.example.com/customers", "GET https://crm.example.com/x"]}


def test_models_and_other_protocols_have_no_use_for_it() -> None:
    (found,) = judged(asked("https://api.openai.com/v1/responses", to_model=True), asked("redis://cache:6379"))
    assert isinstance(found, NotApplicable)
    assert messages([found]) == ["it asks nobody over HTTP but the model"]


def test_what_is_sent_outside_of_its_spans_is_a_matter_of_others() -> None:
    (found,) = judged(asked(span=ROOT), asked(span=None))
    assert "see AR801 and AR803" in found.reason


def test_without_spans_it_is_a_matter_of_another_check() -> None:
    (found,) = judged(asked(), telemetry=Telemetry(loaded=True, root=ROOT))
    assert "see AR801" in found.reason
