"""How a context is made to grow: past the mark, with something to spare below the window's end, and by whatever the loop keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import openai

from pytest_agentready.domain import GrownContext, RefusedContext, overflows
from tests.corpus_loops import contexts, token_budgets
from tests.corpus_loops.endless_loop import BACKEND, CHAT_TOOLS
from tests.corpus_loops.token_budgets import answered
from tests.examining import as_loop, engine

WINDOW = 16_000


def grown(loop: Callable[..., Any], facts: Mapping[str, Any] = contexts.FACTS) -> GrownContext:
    found: GrownContext = engine()._observe(as_loop(loop, facts), "grown_context")
    return found


def keeps_no_texts(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append({"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]})
        messages += answered(message.tool_calls)
    return "I could not finish this."


def test_the_fifth_step_is_past_the_mark_and_the_seventh_past_the_end() -> None:
    within, across = grown(contexts.all_of_it_to_claude).growths
    prompts = [step.prompt for step in within.steps]
    assert 0.6 * WINDOW < prompts[3] < 0.75 * WINDOW < prompts[4] < WINDOW < prompts[5]
    assert within.past[0] is within.steps[4]
    assert overflows(within.conversation) == (within.conversation.last, prompts[-1])
    assert not across.carried
    assert not across.past


def test_where_nothing_is_kept_of_what_is_said_the_tools_answers_are_long() -> None:
    by_words, by_results, _ = grown(keeps_no_texts).growths
    assert not by_words.keeps_what_is_said
    assert not by_words.past
    assert by_results.by_results
    assert by_results.past


def test_the_mark_of_a_budget_is_one_of_all_that_is_used() -> None:
    (growth,) = grown(token_budgets.the_budget_with_an_alarm, token_budgets.FACTS).growths
    before, after = growth.steps[3], growth.compacted[0]
    assert growth.by_use
    assert after is growth.steps[4]
    assert [len(step.aside) for step in growth.steps[:5]] == [0, 0, 0, 0, 1]
    assert 0.75 * growth.limit < before.before + before.used + before.prompt < growth.limit
    assert after.prompt < before.prompt


def test_a_loop_that_tidies_up_between_the_turns_is_asked_turn_by_turn() -> None:
    within, across = grown(contexts.tidied_up_between_the_turns).growths
    assert not within.compacted
    assert across.by_turns
    assert across.compacted


def test_the_provider_refuses_until_there_is_less() -> None:
    refused: RefusedContext = engine()._observe(as_loop(contexts.claude_with_less, contexts.FACTS), "refused_context")
    assert refused.growth is not None
    failed, *_ = [step for step in refused.growth.steps if step.call.usage is None]
    number = refused.growth.steps.index(failed)
    assert number == 4
    assert refused.growth.steps[number + 1].prompt < failed.prompt
    assert refused.growth.compacted == (refused.growth.steps[number + 1],)


def test_without_any_limit_nothing_grows() -> None:
    assert grown(keeps_no_texts, {"backend": BACKEND}).growths == ()
