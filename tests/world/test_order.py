"""Another order comes for all that has none of its own, and for nothing else."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from pytest_agentready.domain import Run
from pytest_agentready.world import Backend, IncomingRequest, Response, Stay, stay
from pytest_agentready.world.order import Order
from pytest_agentready.world.statements import Statement

URL = "https://api.example.com/items"
PLAIN = [{"id": 2}, {"id": 1}]


def reordered(answer: Any, url: str = URL, method: str = "GET", body: bytes = b"") -> Any:
    request = IncomingRequest(method, url, {}, body)
    return json.loads(Order().of_answer(request, Response(json=answer)).content)


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN,
        {"results": PLAIN},
        {"data": {"items": PLAIN}},
        {"tags": ["b", "a"]},
        [["b", 1], ["a", 2]],
        [{"at": 1, "id": 1}, {"at": 1, "id": 2}],
        {"values": [{"name": "shop"}, {"name": "till"}]},
        [
            {"date": "Mon, 23 Nov 2026 10:00:00 +0000"},
            {"date": "Fri, 20 Nov 2026 10:00:00 +0000"},
            {"date": "Sun, 22 Nov 2026 10:00:00 +0000"},
        ],
    ],
)
def test_lists_come_the_other_way_round(answer: Any) -> None:
    assert reordered(answer) != answer


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{"id": 1, "score": 0.9}, {"id": 2, "score": 0.4}]},
        {"hits": [{"_id": 1, "_score": 9}, {"_id": 2, "_score": 4}]},
        [{"rank": 1}, {"rank": 2}],
        [{"publishedAt": "2026-02-01"}, {"publishedAt": "2026-01-01"}],
        [{"document": {"distance": 0.1}}, {"document": {"distance": 0.3}}],
        {"steps": ["fill the kettle", "boil"]},
        {"authors": ["Lovelace", "Babbage"]},
        {"values": [{"t": "a", "v": "high"}, {"t": "b", "v": "low"}]},
        [{"date_sent": "Mon, 23 Nov 2026 10:00:00 +0000"}, {"date_sent": "Sun, 22 Nov 2026 10:00:00 +0000"}],
        {"periods": [{"name": "Tonight", "low": 3}, {"name": "Monday", "low": 5}]},
        {"free": ["09:00", "13:30", "16:00"]},
        {"choices": [{"text": "a"}, {"text": "b"}]},
        {"coordinates": [59.9, 10.7]},
        [[59.9, 10.7], [60.1, 11.0]],
        {"hourly": {"time": ["00:00", "01:00"], "sky": ["clear", "cloud"]}},
        [{"id": 1}],
        {"a": 1},
        "text",
    ],
)
def test_what_is_ranked_timed_or_a_sequence_stays_as_it_is(answer: Any) -> None:
    assert reordered(answer) == answer


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{URL}?sort=name", b""),
        (f"{URL}?$orderby=name", b""),
        (f"{URL}?order_by=name&limit=5", b""),
        ("https://api.example.com/posts/latest", b""),
        (URL, b'{"query": {}, "sort": [{"name": "asc"}]}'),
        (URL, b'{"query": "{ items(orderBy: NAME) { id } }"}'),
        (URL, b"sort_by=name&page=1"),
    ],
)
def test_an_order_that_was_asked_for_is_kept(url: str, body: bytes) -> None:
    assert reordered(PLAIN, url, "POST" if body else "GET", body) == PLAIN


@pytest.mark.parametrize(
    ("answer", "turned"),
    [
        ([("a", 0.9), ("b", 0.9), ("c", 0.4)], "bac"),
        ([("a", 0.9), ("b", 0.4), ("c", 0.4), ("d", 0.4)], "adcb"),
        ([("a", 0.9), ("b", 0.4)], "ab"),
    ],
)
def test_those_of_the_same_score_come_the_other_way_round(answer: list[tuple[str, float]], turned: str) -> None:
    assert "".join(hit["id"] for hit in reordered([{"id": name, "score": score} for name, score in answer])) == turned
    assert "".join(hit["id"] for hit in reordered([{"id": name, "of": {"similarity": score}} for name, score in answer])) == turned


@pytest.mark.parametrize("field", ["priority", "created_at", "stars"])
def test_what_is_equal_by_a_field_that_is_no_score_stays_as_it_is(field: str) -> None:
    answer = [{"id": "a", field: 3}, {"id": "b", field: 3}, {"id": "c", field: 1}]
    assert reordered(answer) == answer


def test_a_score_that_is_the_wrong_way_round_ranks_nothing() -> None:
    assert reordered([{"score": 0.4}, {"score": 0.9}]) != [{"score": 0.4}, {"score": 0.9}]


def test_rows_come_the_other_way_round_unless_they_are_asked_for_in_an_order() -> None:
    order = Order()
    assert order.of_rows(Statement("SELECT a FROM t"), [(1,), (2,)]) == ((2,), (1,))
    assert order.of_rows(Statement("SELECT a FROM t ORDER BY a"), [(1,), (2,)]) == ((1,), (2,))
    assert order.of_rows(Statement("SELECT 'ORDER BY' FROM t"), [(1,), (2,)]) == ((2,), (1,))


def both(call: Any, backend: Any = None) -> tuple[Any, Any, tuple[str, ...]]:
    """The value of a call, that in another order, and what was moved for it."""

    def visit(world: Stay) -> tuple[Run, Run, tuple[str, ...]]:
        straight = world.call(call, {})
        with world.shuffled() as order:
            return straight, world.call(call, {}), tuple(order.moved)

    one, other, moved = stay(visit, backend=None if backend is None else Backend.parse(backend))
    assert (one.raised, other.raised) == (None, None)
    return one.value, other.value, moved


def test_a_peers_list_is_moved_and_named() -> None:
    one, other, moved = both(lambda: requests.get(URL, timeout=5).json(), {f"GET {URL}": {"results": PLAIN}})
    assert (one["results"], other["results"]) == (PLAIN, PLAIN[::-1])
    assert moved == (f"`results` of GET {URL}",)


def test_the_sets_of_a_redis_are_moved_and_its_lists_are_not() -> None:
    def call() -> Any:
        with redis.Redis(host="cache.internal", decode_responses=True) as store:
            return store.keys("*"), list(store.hgetall("h")), store.lrange("l", 0, -1)

    contents = {"redis://cache.internal:6379": {"h": {"a": "1", "b": "2"}, "l": ["a", "b"]}}
    (keys, fields, items), (other_keys, other_fields, same_items), _ = both(call, contents)
    assert (other_keys, other_fields, same_items) == (keys[::-1], fields[::-1], items)


def test_the_names_in_a_directory_come_the_other_way_round(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).touch()

    def call() -> Any:
        with os.scandir(tmp_path) as entries:
            scanned = [entry.name for entry in entries]
        return (
            os.listdir(tmp_path),
            scanned,
            [path.name for path in tmp_path.iterdir()],
            [os.path.basename(path) for path in glob.glob(f"{tmp_path}/*.txt")],
            next(names for _, _, names in os.walk(tmp_path)),
        )

    one, other, moved = both(call)
    assert other == tuple(names[::-1] for names in one)
    assert moved == (f"the names in {tmp_path}",)
    assert os.listdir.__module__ in ("posix", "nt"), "what was replaced is put back"


def test_rows_of_sqlite_come_the_other_way_round_unless_they_are_asked_for_in_an_order() -> None:
    def call() -> Any:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (2); INSERT INTO t VALUES (1);")
            return [list(connection.execute(sql)) for sql in ("SELECT a FROM t", "SELECT a FROM t ORDER BY a")]

    one, other, moved = both(call)
    assert one == [[(2,), (1,)], [(1,), (2,)]]
    assert other == [[(1,), (2,)], [(1,), (2,)]]
    assert moved == ("the rows of SELECT a FROM t",)
