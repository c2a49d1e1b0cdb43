"""Where providers of models are, what they keep of a conversation, and what the world's own faults do to them."""

from __future__ import annotations

import os
from typing import Any

import anthropic
import openai
import pytest
import requests

from pytest_agentready.script import call, for_ever, say
from pytest_agentready.world import keys
from tests.world.asking import ASK, DONE, USER, Loop, ask, conversation, used
from tests.world.loops_with_models import chat, messages, responses, tool_runner

# -- where they are


@pytest.mark.parametrize("base_url", ["http://localhost:11434/v1", "https://llm.internal/team-a/openai/v1", "https://openrouter.ai/api/v1"])
@pytest.mark.parametrize("loop", [chat, responses])
def test_openais_protocol_is_told_on_any_host(loop: Loop, base_url: str) -> None:
    run = ask(loop, call("get_order", order_id="7"), DONE, base_url=base_url)
    assert run.value == DONE
    assert all(request.url.startswith(base_url) for request in run.requests)


def test_anthropics_is_too() -> None:
    assert ask(messages, call("get_order", order_id="7"), DONE, base_url="https://llm.internal/anthropic").value == DONE


def test_a_deployment_of_azure_names_the_model_in_its_path() -> None:
    def loop() -> Any:
        with openai.AzureOpenAI(azure_endpoint="https://shop.openai.azure.com", api_key="x", api_version="2025-03-01") as client:
            return client.chat.completions.create(model="my-gpt", messages=ASK).choices[0].message.content

    run = ask(loop, DONE)
    assert (run.value, run.model_calls[0].model) == (DONE, "my-gpt")


def test_a_proxy_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.internal:3128")
    assert ask(chat, call("get_order", order_id="7"), DONE).value == DONE


SDK_OF_THE_MODULE = openai.OpenAI(api_key="x")
ANTHROPIC_OF_THE_MODULE = anthropic.Anthropic(api_key="x")
ASYNC_OF_THE_MODULE = openai.AsyncOpenAI(api_key="x")


def test_clients_that_are_made_at_import_ask_in_each_run() -> None:
    async def later() -> Any:
        return (await ASYNC_OF_THE_MODULE.chat.completions.create(model="m", messages=ASK)).choices[0].message.content

    for number in range(3):
        assert ask(lambda: used(SDK_OF_THE_MODULE).total_tokens, say("x").using(prompt=number, output=1)).value == number + 1
        run = ask(lambda: ANTHROPIC_OF_THE_MODULE.messages.create(model="m", max_tokens=5, messages=USER).content[0].text, str(number))  # type: ignore[union-attr]
        assert run.value == str(number)
        assert ask(later, f"async {number}").value == f"async {number}"


def test_the_backends_own_route_wins() -> None:
    mine = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "from the backend"}}]}
    run = ask(chat, DONE, backend={"POST https://api.openai.com/v1/chat/completions": {"id": "c", "created": 1, "model": "m", **mine}})
    assert (run.value, run.model_calls) == ("from the backend", ())
    run = ask(chat, DONE, backend={"GET https://api.example.com/orders/{id}": {}})
    assert run.value == DONE


def test_what_only_looks_like_a_provider_is_any_host() -> None:
    def loop() -> Any:
        urls = ("https://survey.example.com/v1/responses", "https://chat.example.com/messages", "https://cars.example.com/v1/models")
        posted = [requests.post(url, json={"text": "Hi"}, timeout=5).status_code for url in urls]
        broken = requests.post("https://api.openai.com/v1/chat/completions", data=b"{not json", timeout=5).status_code
        return [*posted, requests.get(urls[2], timeout=5).status_code, broken, requests.post(urls[0], timeout=5).status_code]

    run = ask(loop, DONE)
    assert (run.value, run.model_calls) == ([404] * 6, ())


def test_without_a_model_a_provider_is_any_host() -> None:
    from tests.world.entering import enter

    run = enter(lambda: requests.post("https://api.openai.com/v1/chat/completions", json={"messages": ASK}, timeout=5).status_code)
    assert run.value == 404


def test_a_body_that_no_provider_understands_is_refused_as_one_does() -> None:
    def loop() -> Any:
        odd = {
            "model": "m",
            "max_tokens": 5,
            "messages": [{"role": "assistant", "tool_calls": [7], "content": [{"type": "tool_use"}, 7]}, 7],
        }
        url = "https://api.openai.com/v1"
        chat = requests.post(f"{url}/chat/completions", json=odd, timeout=5)
        odd = {"model": "m", "max_tokens": 5, "messages": [], "tool_choice": 7, "input": "x", "previous_response_id": [7]}
        more = [requests.post(f"{url}/{path}", json=odd, timeout=5) for path in ("messages", "messages/count_tokens", "responses")]
        return [(answer.status_code, answer.json()["error"]["type"]) for answer in (chat, *more)]

    run = ask(loop, for_ever("ok"))
    assert run.value == [(400, "invalid_request_error")] * 4
    assert run.model_calls == ()


# -- what is kept by the provider


def test_an_answer_may_be_gone_on_from_twice_and_instructions_hold_for_one_request() -> None:
    def loop() -> Any:
        client = openai.OpenAI()
        first = client.responses.create(model="m", input="one", instructions="Be brief.")
        for more in ("two", "three"):
            client.responses.create(model="m", input=more, previous_response_id=first.id)
        return "done"

    run = ask(loop, for_ever("ok"))
    assert conversation(run, 1) == [("user", "one", []), ("assistant", "ok", []), ("user", "two", [])]
    assert conversation(run, 2) == [("user", "one", []), ("assistant", "ok", []), ("user", "three", [])]
    assert [bool(one.request.continues) for one in run.model_calls] == [False, True, True]


@pytest.mark.parametrize("store", [True, False])
def test_an_answer_that_is_not_kept_is_not_found(store: bool) -> None:
    def loop() -> Any:
        client = openai.OpenAI()
        first = client.responses.create(model="m", input="one", store=False)
        try:
            client.responses.create(model="m", input="two", previous_response_id=first.id if not store else "resp_unknown")
        except openai.BadRequestError as error:
            return error.code, error.param

    run = ask(loop, for_ever("ok"))
    assert run.value == ("previous_response_not_found", "previous_response_id")
    assert len(run.model_calls) == 1


def test_the_tool_runner_of_anthropic_sends_only_what_is_new_and_its_thread_is_known() -> None:
    run = ask(tool_runner, call("get_order", order_id="7"), call("get_order", order_id="8"), DONE)
    assert run.value == DONE
    assert [b'"continue"' in request.body for request in run.requests] == [False, True, True]
    assert [len(one.messages) for one in run.model_calls] == [2, 4, 6]
    assert {len(one.tools) for one in run.model_calls} == {1}


def test_a_thread_that_is_lost_is_told_as_anthropic_tells_it() -> None:
    def loop(**more: Any) -> Any:
        client = anthropic.Anthropic()
        try:
            client.beta.messages.create(model="m", max_tokens=5, messages=USER, **more)
        except anthropic.APIStatusError as error:
            return type(error).__name__, error.error_code

    lost = ask(loop, DONE, thread={"type": "continue", "previous_message_id": "msg_gone"})
    assert lost.value == ("ThreadNotFoundError", "thread_not_found")
    cached = [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}]
    run = ask(lambda: loop(thread={"type": "create"}, system=cached[0]["content"]), DONE)
    assert run.value == ("ThreadUnsupportedRequestError", "thread_unsupported_request")
    assert run.model_calls == ()


# -- keys


def test_a_key_is_lent_for_the_run_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "my own")
    run = ask(lambda: (used(openai.OpenAI()) and os.environ["OPENAI_API_KEY"], os.environ["ANTHROPIC_API_KEY"]), DONE)
    assert run.value == (keys.KEY, "my own")
    assert "OPENAI_API_KEY" not in os.environ
    assert ask(lambda: os.environ.pop("OPENAI_API_KEY"), DONE).value == keys.KEY


# -- the world's own faults


@pytest.mark.parametrize("fault", ["refused", "dns-failure", "response-hang", "reset-before-answer", "lost-response"])
def test_the_worlds_faults_happen_to_a_provider_as_to_any_peer(fault: str) -> None:
    def loop() -> Any:
        try:
            used(openai.OpenAI(timeout=5))
        except openai.APIConnectionError as error:
            return type(error).__name__

    run = ask(loop, for_ever(DONE), fault=fault)
    assert run.value == ("APITimeoutError" if fault == "response-hang" else "APIConnectionError")
    assert run.fired == 3
    assert len(run.model_calls) == (3 if fault == "lost-response" else 0)


@pytest.mark.parametrize("fault", ["truncated-body", "reset-during-answer", "malformed-json", "html", "empty-body", "500", "429"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_spoilt_answer_is_an_exception_or_nothing_and_never_an_answer(fault: str, streamed: bool) -> None:
    def loop() -> Any:
        with openai.OpenAI(timeout=5) as client:
            if streamed:
                return "".join(
                    c.choices[0].delta.content or "" for c in client.chat.completions.create(model="m", messages=ASK, stream=True)
                )
            return client.chat.completions.create(model="m", messages=ASK).choices[0].message.content

    run = ask(loop, for_ever(DONE), fault=fault)
    applies = not (streamed and fault in ("malformed-json", "html", "empty-body"))  # a stream is no JSON
    assert bool(run.fired) is applies
    assert (run.value == DONE) is not applies
