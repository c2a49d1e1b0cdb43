"""What AR501 to AR508 say: the figures, the reasons why something is not proved, and where one refers to another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import openai
import pytest
import requests

from pytest_agentready.domain import Verdict
from tests.corpus_loops import contexts, silent_stop, token_budgets
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS
from tests.corpus_loops.token_budgets import answered
from tests.examining import as_loop, engine

BUDGET = 20_000
FACTS = {"backend": BACKEND, "token_budget": BUDGET}


def judged(loop: Callable[..., Any], check: str, facts: Mapping[str, Any] = FACTS) -> Verdict:
    return engine().examine(as_loop(loop, facts), engine().registry.check(check))


def found(loop: Callable[..., Any], check: str, facts: Mapping[str, Any] = FACTS) -> str:
    (finding,) = judged(loop, check, facts).findings
    return finding.message


def step(messages: list[Any]) -> str | None:
    """One step; the answer, where there is one."""
    message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    messages += answered(message.tool_calls or ())
    return None if message.tool_calls else message.content or ""


def one_tool_and_an_answer(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    return step(messages) or step(messages) or "I could not find out."


def test_without_a_budget_the_endless_run_is_told() -> None:
    reason = judged(token_budgets.no_budget_is_declared, "AR501", {"backend": BACKEND}).reason
    assert reason.startswith("no budget is declared, and a model that always wants a tool has used ")
    assert reason.endswith(" tokens in 6 calls when the loop stopped: give token_budget=50_000, the tokens of one conversation")


def test_a_loop_of_two_steps_takes_both_whatever_is_spent() -> None:
    message = found(one_tool_and_an_answer, "AR501")
    assert "one more model call is begun, as many as ever" in message
    assert "times the budget" in message


def test_the_fix_of_a_stream_is_to_ask_for_its_usage() -> None:
    (finding,) = judged(token_budgets.streamed_without_usage, "AR508").findings
    assert "its streams are not asked to report any" in finding.message
    assert "include_usage" in finding.fix


def test_what_is_overdrawn_is_told_in_tokens_and_percent() -> None:
    message = found(token_budgets.summed_up_after_the_call, "AR502")
    assert "of 20,000 are used" in message
    assert "% over the budget" in message


def breaks(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        if (answer := step(messages)) is not None:
            return answer
        messages[0] = {"role": "user", "content": ["once"][len(messages)]}  # a slip
    return "I could not find out."


@pytest.mark.parametrize("check", ["AR501", "AR507"])
def test_a_loop_that_breaks_has_not_stopped(check: str) -> None:
    verdict = judged(breaks, check)
    assert verdict.outcome.value == "unproven"
    assert "fails with IndexError" in verdict.reason


def one_order_alone(question: str) -> str:
    """Its tool breaks with what the backend does not know."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            answer = requests.get(f"https://api.example.com/orders/{json.loads(call.function.arguments)['order_id']}", timeout=5)
            answer.raise_for_status()
            messages.append({"role": "tool", "tool_call_id": call.id, "content": answer.text})
    return "I could not find out."


def test_where_a_backend_knows_one_order_alone_that_is_asked_for_again_and_again() -> None:
    trial = engine()._observe(as_loop(one_order_alone, FACTS), "normal_conversation").trial
    known = {f"GET https://api.example.com/orders/{trial.arguments['order_id']}": {"status": "shipped"}}
    facts = {"backend": known, "token_budget": BUDGET}
    assert judged(one_order_alone, "AR501", facts).outcome.value == "failed"
    assert judged(one_order_alone, "AR503", facts).outcome.value == "failed"
    assert judged(one_order_alone, "AR507", facts).outcome.value == "passed"


def test_where_a_backend_raises_for_other_orders_the_same_is_asked_for_and_the_loop_is_not_wholly_proved() -> None:
    trial = engine()._observe(as_loop(one_order_alone, FACTS), "normal_conversation").trial
    orders = {trial.arguments["order_id"]: {"status": "shipped"}}
    route = {"GET https://api.example.com/orders/{id}": lambda request: orders[request.path.rpartition("/")[2]]}
    facts = {"backend": route, "token_budget": BUDGET}
    assert judged(one_order_alone, "AR501", facts).outcome.value == "failed"
    assert "let it answer others as well" in judged(one_order_alone, "AR701", facts).reason


class AgentError(Exception):
    pass


def with_an_error_of_its_own(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    try:
        for _ in range(8):
            if (answer := step(messages)) is not None:
                return answer
    except openai.BadRequestError as error:
        raise AgentError("the conversation is too long") from error
    return "I could not find out."


def asks_again_and_again(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        try:
            if (answer := step(messages)) is not None:
                return answer
        except openai.BadRequestError:
            continue


def with_http(question: str) -> str:
    body = {"model": "gpt-5.1", "messages": [{"role": "user", "content": question}]}
    answer = requests.post("https://api.openai.com/v1/chat/completions", json=body, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["choices"][0]["message"]["content"])


def test_an_overflow_may_end_in_an_error_of_the_loops_own() -> None:
    assert judged(with_an_error_of_its_own, "AR504", {"backend": BACKEND}).outcome.value == "passed"


def test_an_overflow_that_is_asked_again_and_again_is_told() -> None:
    assert "it asks on and on: 20 calls of the model" in found(asks_again_and_again, "AR504", {"backend": BACKEND})


def test_an_overflow_that_leaves_as_the_clients_error_is_told() -> None:
    message = found(with_http, "AR504", {})
    assert message.startswith("the provider refuses a prompt as too long (")
    assert message.endswith("and requests.exceptions.HTTPError leaves the loop")


def test_a_window_that_is_declared_is_named() -> None:
    assert "longer than context_window=16,000" in found(contexts.all_of_it_to_claude, "AR504", contexts.FACTS)


def test_instructions_that_are_lost_are_named_with_the_call() -> None:
    lost = [finding.message for finding in judged(contexts.the_last_six_messages, "AR505", contexts.FACTS).findings]
    assert [message.partition(" from model call")[0] for message in lost] == ["the system prompt is gone", "the user's question is gone"]


def test_an_exception_is_told_with_what_it_says() -> None:
    message = found(silent_stop.by_an_exception, "AR507", {"backend": BACKEND})
    assert message.startswith("after 8 model calls it stops: ")
    assert message.endswith("MaxStepsExceeded (8 steps) leaves the loop, and the user gets no answer")
