"""AR702 and AR703 in words: the count, the time, the price, and what could not be tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_agentready.domain import Conversation, Ending, Finding, OutageStorm, Request, Run, Turn, Unproven
from pytest_agentready.domain.model import ModelAnswer, ModelCall, ModelRequest, ToolCall
from tests.checks.judging import judgements, messages
from tests.corpus_loops import ignored_retry_safe, outage_storm
from tests.examining import as_loop, engine


def found(loop: Callable[..., Any], check: str, facts: Any = outage_storm.FACTS) -> str:
    verdict = engine().examine(as_loop(loop, facts), engine().registry.check(check))
    return verdict.findings[0].message if verdict.findings else verdict.reason


def test_a_storm_is_told_with_its_counts_its_time_and_its_price() -> None:
    assert found(outage_storm.only_successes_count, "AR702", {**outage_storm.FACTS, "prices": {}, "max_model_calls": 20}).startswith(
        "still calling after 20 model calls and 20 calls of get_order, which never gets an answer "
        "(the same call each time; 100 s of virtual time)"
    )
    message = found(outage_storm.as_on_the_night, "AR702")
    assert message.startswith("still calling after 60 model calls and 60 calls of get_order")
    assert message.endswith("so far; 43,000 would have cost $64")


def test_a_call_that_is_repeated_without_the_model_is_told_by_its_requests() -> None:
    message = found(outage_storm.the_tool_is_called_until_it_works, "AR702")
    assert "after 1 model call and 1 call of get_order, the last of which asks api.example.com 4" in message
    assert "$" not in message


def test_the_tool_that_waits_for_ever_is_named_with_its_line() -> None:
    reason = found(outage_storm.the_tool_has_no_timeout, "AR702")
    assert reason.startswith("get_order waits for ever for a backend that never answers")
    assert "tests/corpus_loops/outage_storm.py:" in reason
    assert reason.endswith("give it a timeout, see AR202")


def test_a_repeated_failure_for_good_is_told_with_its_status_and_its_request() -> None:
    assert found(ignored_retry_safe.a_refund_that_was_refused, "AR703", ignored_retry_safe.REFUNDS) == (
        "after HTTP 400 refund tells the model retry_safe: false, and the same call is carried out again: "
        "POST https://pay.example.com/refunds once more"
    )


WANTS = ModelAnswer(calls=(ToolCall("get_order", "{}", "1"),))
CALL = ModelCall(ModelRequest("openai", "chat", "gpt-5.1", ()), WANTS, 0.0, "agent.py:7")
ASKED = Request("GET", "https://api.example.com/o", (), b"", is_write=False, committed=False, status=None, routed=True, at=1.0, where="")


def judged(ending: Ending | None, count: int, *asked: Request) -> list[Any]:
    run = Run({}, ending=ending, model_calls=(CALL,) * count, requests=asked)
    return judgements("AR702", outage_storm=OutageStorm("get_order", Conversation((Turn("Hi", run, None),))))


@pytest.mark.parametrize(
    ("ending", "count", "kind"),
    [
        (Ending("runaway", "to call the model", 60), 60, Finding),
        (Ending("runaway", "GET https://api.example.com/o", 480), 1, Finding),  # around the tool
        (Ending("endless", "no end in sight after 2,592,000 s of virtual time"), 21, Finding),  # pauses that grow without end
        (Ending("endless", "no end in sight after 2,592,000 s of virtual time"), 1, Unproven),  # within the tool
        (Ending("stuck", "recv waits for ever"), 1, Unproven),
        (Ending("stuck", "recv waits for ever"), 3, Unproven),
        (Ending("spin", "still running after 20 s of real time"), 1, Unproven),
    ],
)
def test_who_does_not_end_after_the_model_was_asked_again_storms(ending: Ending, count: int, kind: type) -> None:
    (judgement,) = judged(ending, count, ASKED)
    assert type(judgement) is kind, messages([judgement])


def test_a_tool_that_asked_nobody_meanwhile_proves_nothing() -> None:
    (judgement,) = judged(None, 3)
    assert "asked nobody while its backend was to be down" in messages([judgement])[0]
    assert judged(None, 3, ASKED) == []
