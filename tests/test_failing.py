"""What tells a model that a call is not to be repeated, and what was carried out between two answers of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_agentready.domain import Request, Run, Turn, carried_out
from pytest_agentready.domain.failing import NOT_RETRY_SAFE
from pytest_agentready.domain.incident import priced
from pytest_agentready.domain.model import ModelAnswer, ModelCall, ModelRequest, ToolCall
from pytest_agentready.domain.prices import Cost

REQUEST = ModelRequest("openai", "chat", "gpt-5.1", ())
ASKED = Request("GET", "https://api.example.com/orders", (), b"", is_write=False, committed=False, status=200, routed=True, at=0, where="")


@pytest.mark.parametrize(
    "text",
    [
        '{"status": "error", "retry_safe": false}',
        "{'status': 'error', 'retry_safe': False}",
        "status='error' error_type='permanent' retry_safe=False message='no'",
        r'{"result": "{\"status\": \"error\", \"retry_safe\": false}"}',
        '{"retrySafe":false}',
        "retry_safe: no",
        "<retry_safe>false</retry_safe>",
    ],
)
def test_a_failure_for_good_is_read_in_any_notation(text: str) -> None:
    assert NOT_RETRY_SAFE.search(text)


@pytest.mark.parametrize("text", ['{"retry_safe": true}', "retry_safe=None, is_error=False", "It is not safe to retry.", "retry_safe"])
def test_other_words_are_none(text: str) -> None:
    assert not NOT_RETRY_SAFE.search(text)


def test_what_is_asked_between_two_calls_of_tools_belongs_to_the_first() -> None:
    wants, says = ModelAnswer(calls=(ToolCall("get_order", "{}", "1"),)), ModelAnswer("Let me see.")
    calls = [ModelCall(REQUEST, answer, at, "") for answer, at in ((says, 1.0), (wants, 2.0), (says, 4.0), (wants, 6.0), (says, 8.0))]
    asked = tuple(replace(ASKED, at=at, to_model=at == 4.5) for at in (0.5, 3.0, 4.5, 5.0, 7.0))
    turn = Turn("Hi", Run({}, requests=asked, model_calls=tuple(calls)), "Done.")
    assert [[request.at for request in requests] for requests in carried_out(turn)] == [[3.0, 5.0], [7.0]]


def test_the_price_of_the_incident_is_told_where_it_is_known() -> None:
    from decimal import Decimal

    assert priced(Cost(Decimal("0.06")), 60) == ": $0.06 so far; 43,000 would have cost $43"
    assert priced(Cost(Decimal(0), ("house-model",)), 60) == "; what that costs is not known: give prices= for house-model"
    assert priced(None, 60) == ""
