"""Two users of one loop: what counts as told apart, and what is put back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import openai
import pytest

from pytest_agentready.domain import CrossedSessions, Loop, LoopFacts, crossings
from pytest_agentready.experiments import conversing, crossed_sessions, normal_conversation
from pytest_agentready.experiments.keepers import keeper_of, namer_of
from pytest_agentready.script import Model
from pytest_agentready.world.leftovers import collected
from tests.examining import as_loop


def observed(loop: Callable[..., Any], **facts: Any) -> CrossedSessions:
    subject = as_loop(loop, facts)
    with collected(subject):
        return crossed_sessions.run(subject, normal_conversation.run(subject))


def asked(messages: Any) -> str:
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""


def alone(question: str, user_id: str = "") -> str:
    return asked([{"role": "user", "content": f"{user_id}: {question}"}])


def test_users_are_served_in_turn_and_together_in_their_own_words() -> None:
    found = observed(alone)
    assert [served.user.name for served in found.in_turn] == ["the first user", "the second user"] * 2 + ["the first user"]
    assert {served.user.name: served.said for served in found.together} == {
        "the first user": "It is under walnut-5518.",
        "the second user": "It is under juniper-9027.",
    }
    assert not list(crossings(found.in_turn))
    assert not list(crossings(found.together))


def named_by(name: str) -> str:
    return namer_of(Loop("shop.agent", alone, False, "", facts=LoopFacts(args={name: 7})))


@pytest.mark.parametrize("name", ["user", "userId", "customer_id", "authToken", "username", "chat_session", "on_whom_or_who"])
def test_an_argument_of_such_a_name_may_say_who_asks(name: str) -> None:
    assert (
        namer_of(Loop("shop.agent", alone, False, "", facts=LoopFacts(args={name: 7})))
        == f"args[{name!r}], which may say who asks, is the same for both"
    )


@pytest.mark.parametrize("name", ["max_tokens", "author", "whole", "remember", "threadpool_size", "ownership", "chatty"])
def test_one_that_only_sounds_like_it_says_nothing(name: str) -> None:
    assert named_by(name) == ""


def test_a_number_is_an_id_as_well() -> None:
    def numbered(question: str, user_id: int) -> str:
        assert type(user_id) is int
        return asked([{"role": "user", "content": f"{user_id}: {question}"}])

    found = observed(numbered)
    assert [served.problem for served in (*found.in_turn, *found.together)] == [""] * 7
    assert found.together[0].said == "It is under walnut-5518."


def test_who_is_not_told_apart_is_asked_once_each() -> None:
    def nobody(question: str) -> str:
        return asked([{"role": "user", "content": question}])

    found = observed(nobody)
    assert not found.known
    assert len(found.in_turn) == 2


def test_an_async_loop_is_served_in_tasks() -> None:
    async def reached(question: str, session_id: str) -> str:
        answer = await openai.AsyncOpenAI().chat.completions.create(
            model="gpt-5.1", messages=[{"role": "user", "content": f"{session_id}: {question}"}]
        )
        return answer.choices[0].message.content or ""

    found = observed(reached)
    assert [served.said for served in found.together] == ["It is under walnut-5518.", "It is under juniper-9027."]


def test_a_failure_beside_the_other_is_told() -> None:
    busy: list[str] = []

    def exclusive(question: str) -> str:
        if busy:
            raise RuntimeError("busy")
        busy.append(question)
        answer = asked([{"role": "user", "content": question}])
        busy.clear()
        return answer

    found = observed(exclusive)
    assert [bool(served.problem) for served in found.in_turn] == [False, False]
    assert found.together[1].problem.startswith("RuntimeError: busy (")


class Holder:
    __slots__ = ("slot", "things")

    def __init__(self) -> None:
        self.things: dict[str, Any] = {"deep": [("and", {"deeper": "My reference is Antelope-7291"})]}
        self.slot = self

    def ask(self, question: str) -> str:
        return question


def closing_over(found: list[str]) -> Callable[[str], str]:
    def ask(question: str) -> str:
        return question + "".join(found)

    return ask


def free(question: str) -> str:
    return question


def with_history(history: list[str], question: str) -> str:
    return question + "".join(history)


@pytest.mark.parametrize(
    ("call", "facts", "keeper"),
    [
        (Holder().ask, {}, "the Holder of its call keeps it"),
        (closing_over(["antelope-7291"]), {}, "found, which the function closes over, keeps it"),
        (closing_over(["walnut"]), {}, ""),
        (free, {}, ""),
        (functools.partial(with_history, ["antelope-7291"]), {}, "the list that its call is given keeps it"),
    ],
)
def test_what_belongs_to_the_call_is_looked_through(call: Callable[..., Any], facts: dict[str, Any], keeper: str) -> None:
    assert keeper_of(as_loop(call, facts), "antelope-7291") == keeper


@functools.lru_cache
def remembered(question: str) -> str:
    return asked([{"role": "user", "content": question}])


@functools.lru_cache
def set_up_before() -> str:
    return "a connection"


def through_caches(question: str) -> str:
    return remembered(question) + set_up_before()


def test_what_a_cache_has_kept_in_a_conversation_is_forgotten_after_it_and_nothing_else() -> None:
    set_up_before()
    loop = as_loop(through_caches, {})
    conversing.memory_of.cache_clear()
    for answer in ("one ", "two "):
        with collected(loop):
            turn = conversing.converse(loop, Model(answer), "Hi", "Hi").turns
        assert [one.said for one in turn] == [f"{answer}a connection"] * 2
        assert [len(one.model_calls) for one in turn] == [1, 0]
    assert set_up_before.cache_info().misses == 1
