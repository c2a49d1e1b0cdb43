"""What is spent of a budget: two calls below it, and a third that is one too many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openai
import pytest

from pytest_agentready.domain import SpentBudget, UnseenUsage, exceed
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS
from tests.corpus_loops.token_budgets import answered
from tests.examining import as_loop, engine

BUDGET = 20_000
FACTS = {"backend": BACKEND, "token_budget": BUDGET}


def of(loop: Any, experiment: str, facts: Mapping[str, Any] = FACTS) -> Any:
    return engine()._observe(as_loop(loop, facts), experiment)


def asked(messages: list[Any], tools: Any = CHAT_TOOLS) -> Any:
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=tools)


def never_stops(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        message = asked(messages).choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)


def keeps_no_texts(question: str) -> str:
    """Neither the user's long text nor the model's."""
    messages: list[Any] = [{"role": "user", "content": question[:40]}]
    while True:
        message = asked(messages).choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append({"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]})
        messages += answered(message.tool_calls)


def takes_short_questions(question: str) -> str:
    if len(question) > 500:
        return "Please be brief."
    return never_stops(question)


def in_three_steps(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(3):
        message = asked(messages).choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return "I could not finish this."


@pytest.mark.parametrize("loop", [never_stops, keeps_no_texts, takes_short_questions])
def test_the_third_call_is_one_too_many(loop: Any) -> None:
    spent: SpentBudget = of(loop, "spent_budget")
    telling = spent.telling
    assert telling is not None
    assert telling.goes_on
    first, second, third, fourth, *_ = telling.steps
    assert 0.4 * BUDGET < first.used < 0.5 * BUDGET
    assert 0.8 * BUDGET < third.before < BUDGET
    assert fourth.before > 1.3 * BUDGET
    assert second.before == first.used
    if loop is never_stops:
        assert exceed(third.projected, BUDGET)


def test_a_loop_that_nothing_stops_is_ended_soon() -> None:
    (spending,) = of(never_stops, "spent_budget").tried
    assert spending.conversation.ending is not None
    assert len(spending.conversation.model_calls) == 12


def test_where_it_ends_in_any_case_one_answer_spends_it_all() -> None:
    spent: SpentBudget = of(in_three_steps, "spent_budget")
    shared, at_once = spent.tried
    assert shared.as_usual
    assert not shared.goes_on
    assert at_once.share > BUDGET
    assert spent.telling is at_once
    assert len(at_once.late) == 2


def test_no_budget_no_conversation() -> None:
    assert of(never_stops, "spent_budget", {"backend": BACKEND}).tried == ()
    assert of(never_stops, "unseen_usage", {"backend": BACKEND}) == UnseenUsage()


def by_usage(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    used = 0
    while used < BUDGET:
        response = asked(messages)
        used += response.usage.total_tokens if response.usage else 0
        message = response.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or ""
        messages += answered(message.tool_calls)
    return "The budget is spent."


def test_usage_is_reported_that_no_text_shows() -> None:
    unseen: UnseenUsage = of(by_usage, "unseen_usage")
    assert unseen.spending is not None
    assert [step.used for step in unseen.spending.steps] == pytest.approx([0.47 * BUDGET] * 3, rel=0.02)
    assert all(step.prompt < 1_000 for step in unseen.spending.steps)
    assert all(step.call.usage.cached > 0 for step in unseen.spending.steps if step.call.usage)
