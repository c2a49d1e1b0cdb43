"""The same call once more: a little later in its world, and in a twin of it."""

from __future__ import annotations

import datetime
import random
import time
from typing import Any

import redis

from pytest_agentready.domain import RepeatedCall
from tests.examining import as_tool, engine


def repeated(call: Any, **facts: Any) -> RepeatedCall:
    found: RepeatedCall = engine()._observe(as_tool(call, facts), "repeated_call")
    return found


def test_the_second_call_finds_the_world_as_the_first_has_left_it_and_the_twin_does_not() -> None:
    def count() -> int:
        return int(redis.Redis(host="cache.internal").incr("calls"))

    (repeat,) = repeated(count).repeats
    assert (repeat.first.value, repeat.second.value, repeat.twin.value) == (1, 2, 1)


def test_the_second_call_comes_later_and_the_twin_at_the_same_time() -> None:
    def now() -> list[str]:
        time.sleep(1)
        return [datetime.datetime.now(datetime.timezone.utc).isoformat()]

    (repeat,) = repeated(now).repeats
    first, second, twin = (datetime.datetime.fromisoformat(run.value[0]) for run in (repeat.first, repeat.second, repeat.twin))  # type: ignore[index]
    assert 10 < (second - first).total_seconds() < 13
    assert abs((twin - first).total_seconds()) < 0.01


def test_chance_goes_on_and_a_third_run_shows_what_it_decides() -> None:
    def draw() -> float:
        return random.random()

    (repeat,) = repeated(draw).repeats
    assert repeat.seeded is not None
    assert repeat.first.value != repeat.twin.value
    assert repeat.first.value == repeat.seeded.value


def test_a_call_that_gives_the_same_is_not_made_a_fourth_time() -> None:
    calls: list[int] = []

    def note() -> str:
        calls.append(1)
        return "noted"

    (repeat,) = repeated(note).repeats
    assert repeat.seeded is None
    assert len(calls) == 4, "the normal call, the first, the second, the twin"


def test_what_is_in_the_way_of_the_normal_call_is_in_the_way_of_all_others() -> None:
    def fail() -> None:
        raise ValueError("no")

    for name in ("repeated_call", "lost_response", "shuffled_world", "interleaved_calls"):
        assert "raises ValueError" in engine()._observe(as_tool(fail, {}), name).obstacle


def test_at_most_two_sets_of_arguments_are_tried() -> None:
    def echo(word: str) -> str:
        return word

    found = repeated(echo, args=[{"word": word} for word in ("tea", "cup", "pot")])
    assert [repeat.first.value for repeat in found.repeats] == ["tea", "cup"]
