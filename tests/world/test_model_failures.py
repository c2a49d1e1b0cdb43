"""Bad days of a provider: each failure gives the SDK's own exception, pauses are virtual, slips of the model arrive unmended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
import requests

from pytest_agentready.domain import ModelFailure, Run
from pytest_agentready.script import fail_with, for_ever, say
from tests.world.asking import ASK, DONE, USER, ask
from tests.world.entering import exception
from tests.world.single_calls import (
    by_chat,
    by_chat_async,
    by_chat_stream,
    by_messages,
    by_messages_async,
    by_messages_stream,
    by_responses,
)

Ask = Callable[..., Any]


OPENAI: tuple[Ask, ...] = (by_chat, by_chat_async, by_chat_stream, by_responses)
ANTHROPIC: tuple[Ask, ...] = (by_messages, by_messages_async, by_messages_stream)
by_name = {"ids": lambda one: getattr(one, "__name__", str(one))}


@pytest.mark.parametrize("loop", OPENAI, **by_name)
@pytest.mark.parametrize(
    ("failure", "class_", "status", "code"),
    [
        ("overflow", openai.BadRequestError, 400, "context_length_exceeded"),
        ("unauthorized", openai.AuthenticationError, 401, "invalid_api_key"),
        ("rate_limit", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, 429, "insufficient_quota"),
        ("server_error", openai.InternalServerError, 500, None),
        ("overloaded", openai.InternalServerError, 503, None),
        (529, openai.InternalServerError, 529, None),
        (403, openai.PermissionDeniedError, 403, None),
        (404, openai.NotFoundError, 404, None),
    ],
)
def test_a_failure_of_openai_is_its_sdks_own_exception(loop: Ask, failure: Any, class_: Any, status: int, code: str | None) -> None:
    def told() -> Any:
        return (error.status_code, error.code, bool(error.request_id), bool(error.body["message"]))

    error: Any = caught(lambda: ask(loop, fail_with(failure), max_retries=0), openai.APIStatusError)
    assert type(error) is class_
    assert told() == (status, code, True, True)


@pytest.mark.parametrize("loop", ANTHROPIC, **by_name)
@pytest.mark.parametrize(
    ("failure", "class_", "status", "kind"),
    [
        ("overflow", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("unauthorized", anthropic.AuthenticationError, 401, "authentication_error"),
        ("rate_limit", anthropic.RateLimitError, 429, "rate_limit_error"),
        ("quota", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("server_error", anthropic.InternalServerError, 500, "api_error"),
        ("overloaded", anthropic.OverloadedError, 529, "overloaded_error"),
        (403, anthropic.PermissionDeniedError, 403, "permission_error"),
        (404, anthropic.NotFoundError, 404, "not_found_error"),
    ],
)
def test_a_failure_of_anthropic_is_its_sdks_own_exception(loop: Ask, failure: Any, class_: Any, status: int, kind: str) -> None:
    error: Any = caught(lambda: ask(loop, fail_with(failure), max_retries=0), anthropic.APIStatusError)
    assert isinstance(error, class_)
    assert (error.status_code, error.type, bool(error.api_message), bool(error.request_id)) == (status, kind, True, True)


def caught(run: Callable[[], Run], base: type[Exception]) -> Exception:
    """The exception itself, which a record has only in words."""
    kept: list[Exception] = []
    with pytest.MonkeyPatch.context() as patch:
        init = base.__init__

        def keeping(self: Exception, *args: Any, **named: Any) -> None:
            init(self, *args, **named)
            kept.append(self)

        patch.setattr(base, "__init__", keeping)
        found = run()
    assert found.raised is not None
    assert exception(found) == type(kept[-1]).__name__
    return kept[-1]


def test_an_overflow_says_how_long_the_prompt_is() -> None:
    long: Any = [{"role": "user", "content": "word " * 9_000}]
    run = ask(lambda: openai.OpenAI().chat.completions.create(model="m", messages=long), fail_with("overflow"))
    assert run.raised is not None
    assert "This model's maximum context length is 8192 tokens. However, your messages resulted in 9" in run.raised.message
    run = ask(lambda: anthropic.Anthropic().messages.create(model="m", max_tokens=5, messages=long), fail_with("overflow"))
    assert run.raised is not None
    assert "prompt is too long: 9" in run.raised.message
    assert "tokens > 8192 maximum" in run.raised.message


def test_a_stream_of_responses_has_begun_when_the_prompt_is_too_long() -> None:
    def loop() -> Any:
        seen = []
        try:
            for event in openai.OpenAI().responses.create(model="m", input="Hi", stream=True):
                seen.append(event.type)
        except openai.APIError as error:
            return seen, type(error).__name__, error.code

    assert ask(loop, fail_with("overflow")).value == (["response.created", "response.in_progress"], "APIError", "context_length_exceeded")


def test_the_bodies_and_headers_are_those_of_the_providers() -> None:
    def loop() -> Any:
        one = requests.post("https://api.openai.com/v1/chat/completions", json={"model": "m", "messages": ASK}, timeout=5)
        body = {"model": "m", "max_tokens": 5, "messages": USER}
        other = requests.post("https://api.anthropic.com/v1/messages", json=body, timeout=5)
        return [(answer.status_code, answer.headers.get("retry-after"), answer.json()) for answer in (one, other)]

    (first, second) = ask(loop, for_ever(fail_with("rate_limit", retry_after=20))).value  # type: ignore[misc]
    assert (first[:2], second[:2]) == ((429, "20"), (429, "20"))
    assert {**first[2]["error"], "message": ""} == {"message": "", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}
    assert first[2]["error"]["message"].endswith("Please try again in 20s.")
    assert (second[2]["type"], second[2]["error"]["type"], second[2]["request_id"][:4]) == ("error", "rate_limit_error", "req_")


# -- retries


@pytest.mark.parametrize("loop", [*OPENAI, *ANTHROPIC], **by_name)
@pytest.mark.parametrize("failure", ["rate_limit", "server_error", "overloaded", 529])
def test_an_sdk_asks_again_and_the_pauses_are_virtual(loop: Ask, failure: Any) -> None:
    run = ask(loop, fail_with(failure), fail_with(failure, retry_after=20), DONE)
    assert run.value == DONE
    assert [isinstance(one.answer, ModelFailure) for one in run.model_calls] == [True, True, False]
    assert 20.3 < run.virtual < 22
    assert [request.status for request in run.requests][-1] == 200
    assert run.real < 5


@pytest.mark.parametrize("loop", [by_chat, by_messages], **by_name)
def test_what_does_not_end_is_given_up_after_three_tries(loop: Ask) -> None:
    run = ask(loop, for_ever(fail_with("server_error")))
    assert exception(run) == "InternalServerError"
    assert len(run.model_calls) == 3


@pytest.mark.parametrize("loop", [by_chat, by_messages], **by_name)
def test_what_is_refused_for_good_is_not_asked_again(loop: Ask) -> None:
    for failure in ("unauthorized", "overflow"):
        assert len(ask(loop, for_ever(fail_with(failure))).model_calls) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("loop", [by_chat, by_chat_async, by_messages, by_messages_async], **by_name)
def test_a_provider_that_never_answers_is_waited_for_as_long_as_the_client_does(loop: Ask) -> None:
    run = ask(loop, fail_with("timeout"), DONE, timeout=7)
    assert run.value == DONE
    assert 7 < run.virtual < 9
    run = ask(loop, for_ever(fail_with("timeout")), timeout=7, max_retries=0)
    assert (exception(run), round(run.virtual)) == ("APITimeoutError", 7)


def test_who_sets_no_timeout_waits_for_ever() -> None:
    def loop() -> Any:
        return requests.post("https://api.openai.com/v1/chat/completions", json={"model": "m", "messages": ASK})

    run = ask(loop, fail_with("timeout"))
    assert run.ending is not None
    assert run.ending.kind == "stuck"
    assert run.waits[-1].peer == "api.openai.com:443"


# -- the script itself


def test_a_script_that_ends_early_ends_the_run_as_the_tests_own_mistake() -> None:
    from pytest_agentready.world import BackendFailed

    with pytest.raises(BackendFailed, match="the model is called 2 times, and 1 answer is scripted"):
        ask(lambda: [by_chat(), by_chat()], say("one"))
    with pytest.raises(BackendFailed, match="the script of the model raised ZeroDivisionError"):
        ask(by_messages, lambda request: str(1 // 0))


def test_clients_are_not_told_to_ask_an_ended_script_again() -> None:
    def loop() -> Any:
        answers = [httpx.post("https://api.openai.com/v1/chat/completions", json={"model": "m", "messages": ASK})]
        answers.append(httpx2.post("https://api.anthropic.com/v1/messages", json={"model": "m", "max_tokens": 5, "messages": USER}))
        told.extend((answer.status_code, answer.headers["x-should-retry"]) for answer in answers)

    from pytest_agentready.world import BackendFailed

    told: list[Any] = []
    with pytest.raises(BackendFailed):
        ask(loop)
    assert told == [(500, "false"), (500, "false")]
