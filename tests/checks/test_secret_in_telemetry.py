"""AR806 on telemetry that was built by hand: what stands where, and by whose leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_agentready.domain import (
    FaultMatrix,
    Finding,
    LogLine,
    Measurement,
    NormalCall,
    NotApplicable,
    Request,
    Run,
    Secret,
    Span,
    SpanEvent,
    Telemetry,
    Unproven,
)
from tests.checks.judging import judgements, messages

KEY = "dk-7f2c41a9b6e84d03a5"
EMAIL = "ada.lovelace@example.net"
REQUEST = Request(
    *("GET", "https://api.example.com/orders", (("x-api-key", KEY),), b""),
    is_write=False,
    committed=True,
    status=200,
    routed=True,
    at=0.0,
    where="",  # type: ignore[arg-type]
)
BOTH = f"{EMAIL} {KEY}"


def judged(telemetry: Telemetry, *, held: tuple[Secret, ...] = (), **arguments: Any) -> list[Any]:
    run = Run(arguments or {"email": EMAIL}, requests=(REQUEST,), telemetry=telemetry)
    return judgements("AR806", warm_up=NormalCall((run,)), in_trouble=FaultMatrix(()), held_secrets=held)


def span(**told: Any) -> Telemetry:
    return Telemetry(spans=(replace(Span("execute_tool find", id=1, trace=1, where="shop.py:7"), **told),), loaded=True)


def log(text: str = "", **told: Any) -> Telemetry:
    return Telemetry(logs=(LogLine(**{"logger": "shop", "level": "INFO", "text": text, "where": "shop.py:9", **told}),))


EVERYWHERE = [
    (span(name=f"find {EMAIL}{KEY}"), "the name of the span"),
    (span(attributes={"url.full": f"https://x/?q={EMAIL}&key={KEY}"}), "the attribute url.full of the span execute_tool find"),
    (span(attributes={"request.headers": {"a": [BOTH]}}), "the attribute request.headers"),
    (span(attributes={"user.email": BOTH}), "the attribute user.email"),
    (span(events=(SpanEvent("exception", {"exception.message": BOTH}),)), "the event exception of the span"),
    (span(events=(SpanEvent("asked", {"who": BOTH}),)), "the event asked (who) of the span"),
    (span(description=f"no answer for {EMAIL} {KEY}"), "the status of the span execute_tool find"),
    (log(f"asking for {EMAIL} with {KEY}"), "a line of the logger shop, at INFO"),
    (log(attributes={"request": BOTH}), "the field request of a line of the logger shop"),
    (
        Telemetry(measurements=(Measurement("calls", "counter", "1", 1, {"who": BOTH}),)),
        "the attribute who of the metric calls",
    ),
]


@pytest.mark.parametrize(("telemetry", "place"), EVERYWHERE)
def test_a_key_and_an_address_are_found_everywhere_and_not_repeated(telemetry: Telemetry, place: str) -> None:
    found = judged(telemetry)
    assert [type(each) for each in found] == [Finding, Finding]
    assert ["x-api-key" in text for text in messages(found)] == [True, False]
    assert all(place in text for text in messages(found))
    assert not any(secret in f"{each.message} {each.evidence}" for each in found for secret in (KEY, EMAIL))


CONTENT = [
    *("tool.args", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.input.messages", "gen_ai.prompt.0.content"),
    *("input.value", "output.value", "llm.input_messages.0.message.content", "traceloop.entity.input", "agent.input"),
]


@pytest.mark.parametrize("key", CONTENT)
def test_content_may_say_who_somebody_is_and_no_key(key: str) -> None:
    assert judged(span(attributes={key: EMAIL})) == []
    (found,) = judged(span(attributes={key: BOTH}))
    assert "x-api-key" in found.message


@pytest.mark.parametrize("key", ["user.id", "enduser.id", "session.id", "user.hash", "customer_id"])
def test_an_id_may_be_an_address(key: str) -> None:
    assert judged(span(attributes={key: EMAIL})) == []


def test_events_of_the_conventions_are_content_too() -> None:
    assert judged(span(events=(SpanEvent("gen_ai.user.message", {"content": EMAIL}),))) == []
    assert judged(log("find " + EMAIL, event="gen_ai.user.message")) == []


def test_of_a_librarys_lines_that_are_held_back_keys_alone_count() -> None:
    by_library = {"logger": "httpx", "by_library": True, "held_back": True}
    (found,) = judged(log(f"GET /?q={EMAIL}", **by_library))
    assert isinstance(found, NotApplicable)
    assert len(judged(log(f"GET /?q={EMAIL}", **{**by_library, "held_back": False}))) == 1
    (found,) = judged(log(f"GET /?key={KEY}", **by_library))
    assert "held back by the present level" in found.message
    assert 'getLogger("httpx")' in found.fix


def test_an_address_in_a_url_is_known_in_its_escaped_form() -> None:
    (found,) = judged(span(attributes={"url.full": "https://crm.example.com/?email=ada.lovelace%40example.net"}))
    assert "the e-mail address in the argument email" in found.message


def test_two_data_by_one_line_are_one_finding() -> None:
    (found,) = judged(log(f"{EMAIL}, +44 20 7946 0958"), email=EMAIL, phone="+44 20 7946 0958")
    assert (
        "ada....et (the e-mail address in the argument email) and +44 ...58 (the telephone number in the argument phone) stand in"
        in found.message
    )


def test_what_the_environment_holds_and_what_is_given_as_a_password_is_a_secret() -> None:
    held = (Secret("e-5f10c3ab92d7", "the environment variable SHOP_TOKEN"),)
    (found,) = judged(log("e-5f10c3ab92d7"), held=held)
    assert "the environment variable SHOP_TOKEN" in found.message
    (found,) = judged(span(attributes={"tool.args": "{'password': 'mugs-and-cups-77'}"}), password="mugs-and-cups-77")
    assert "the argument password" in found.message


def test_a_password_in_an_address_is_seen_without_being_known() -> None:
    (found,) = judged(log("connecting to mysql://shop:cellar-door-9@db/shop"))
    assert "the password in an address" in found.message
    assert judged(log("connecting to mysql://shop:***@db/shop")) == []


def test_silence_and_nothing_to_tell_are_not_applicable_and_a_disabled_sdk_proves_nothing() -> None:
    (found,) = judged(Telemetry())
    assert isinstance(found, NotApplicable)
    (found,) = judgements(
        "AR806", warm_up=NormalCall((Run({"order": "42"}, telemetry=log("order 42")),)), in_trouble=FaultMatrix(()), held_secrets=()
    )
    assert "nothing secret or personal comes its way" in found.reason
    (found,) = judged(Telemetry(loaded=True, disabled=True))
    assert isinstance(found, Unproven)
