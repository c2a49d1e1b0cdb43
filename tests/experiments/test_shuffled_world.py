"""The same call where everything comes in another order, and what it makes of that."""

from __future__ import annotations

import random
import sqlite3
import time
from typing import Any

import pytest
import requests

from pytest_agentready.domain import Outcome, ShuffledWorld
from pytest_agentready.experiments.other_seeds import makes_sets
from tests.checks.judging import findings
from tests.examining import as_tool, engine
from tests.experiments.set_makers import MAKERS, OTHERS

URL = "https://api.example.com/items"
BACKEND = {f"GET {URL}": {"items": [{"id": 2, "name": "tea"}, {"id": 1, "name": "cup"}]}}


def shuffled(call: Any, **facts: Any) -> ShuffledWorld:
    found: ShuffledWorld = engine()._observe(as_tool(call, {"backend": BACKEND, **facts}), "shuffled_world")
    return found


def names() -> list[str]:
    return [item["name"] for item in requests.get(URL, timeout=2).json()["items"]]


def test_both_results_are_kept_with_what_was_moved() -> None:
    (shuffle,) = shuffled(names).shuffles
    assert (shuffle.usual.value, shuffle.shuffled.value) == (["tea", "cup"], ["cup", "tea"])
    assert shuffle.moved == (f"`items` of GET {URL}",)


def test_a_result_that_chance_orders_is_another_checks_matter() -> None:
    def drawn() -> list[str]:
        found = sorted(names())
        return random.sample(found * 5, 10)

    (shuffle,) = shuffled(drawn).shuffles
    assert shuffle.usual.value == shuffle.shuffled.value, "both have the same random numbers"
    assert findings(drawn, "AR304", backend=BACKEND) == []


def test_an_answer_that_is_remembered_is_asked_for_again_a_day_later() -> None:
    known: dict[float, list[str]] = {}

    def remembered() -> list[str]:
        if not any(time.time() - at < 3600 for at in known):
            known[time.time()] = names()
        return known[max(known)]

    (shuffle,) = shuffled(remembered).shuffles
    assert shuffle.shuffled.went_out


def test_who_remembers_for_ever_proves_nothing() -> None:
    known: list[str] = []

    def remembered() -> list[str]:
        if not known:
            known.extend(names())
        return known

    verdict = engine().examine(as_tool(remembered, {"backend": BACKEND}), engine().registry.check("AR304"))
    assert verdict.outcome is Outcome.UNPROVEN
    assert "from memory" in verdict.reason


def test_a_connection_to_sqlite_that_is_older_than_the_call_gives_its_rows_the_other_way_round() -> None:
    (found,) = findings(titles, "AR304")
    assert found == (
        "where the rows of SELECT title FROM t come in another order, the result comes in that order, too: "
        "['Lease', 'Deed'], then ['Deed', 'Lease']"
    )


@pytest.mark.parametrize(
    ("values", "outcome"),
    [([], Outcome.UNPROVEN), (["tea"], Outcome.UNPROVEN), (["tea", "cup"], Outcome.FAILED)],
)
def test_a_set_of_fewer_than_two_parts_proves_nothing(values: list[str], outcome: Outcome) -> None:
    assert engine().examine(as_tool(listed_set, {"args": {"values": values}}), engine().registry.check("AR304")).outcome is outcome


def listed_set(values: list[str]) -> list[str]:
    return list(set(values))


def test_what_is_counted_of_a_set_has_no_order() -> None:
    verdict = engine().examine(as_tool(size_of_set, {"args": {"values": ["tea"]}}), engine().registry.check("AR304"))
    assert verdict.outcome is Outcome.PASSED


def size_of_set(values: list[str]) -> int:
    return len(set(values))


shelf = sqlite3.connect(":memory:", check_same_thread=False)
shelf.executescript("CREATE TABLE t (title); INSERT INTO t VALUES ('Lease'); INSERT INTO t VALUES ('Deed');")


def titles() -> list[str]:
    return [title for (title,) in shelf.execute("SELECT title FROM t")]


def test_the_first_of_what_was_searched_for_may_be_the_best_and_of_what_was_listed_may_not() -> None:
    def first(**params: str) -> str:
        return str(requests.get(URL, params=params, timeout=2).json()["items"][0]["name"])

    def found() -> str:
        return first(q="tea")

    def listed() -> str:
        return first(shop="7")

    assert findings(found, "AR304", backend=BACKEND) == []
    (finding,) = findings(listed, "AR304", backend=BACKEND)
    assert finding.endswith("the result is another: tea, then cup")


@pytest.mark.parametrize("call", [*MAKERS, *OTHERS], ids=lambda call: call.__name__)
def test_only_who_makes_a_set_is_asked_for_its_order_in_another_process(call: Any) -> None:
    assert makes_sets(as_tool(call, {})) == (call in MAKERS)
