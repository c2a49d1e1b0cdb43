"""The huge answer beyond HTTP: what a Redis holds, rows, and messages grow; a command that asks for a part gets no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
import pytest
import redis
import websockets.sync.client

from pytest_agentready.domain import Run
from pytest_agentready.world.rows import at_most
from pytest_agentready.world.statements import Statement
from tests.world.entering import enter

HUGE = "huge-body"
CONTENTS = {
    "redis://cache.internal": {
        "log": ["a", "b"],
        "tags": {"x", "y"},
        "user:7": {"name": "Ada", "notes": "Likes tea."},
        "prices": {"sku:1": "12", "sku:2": "13"},
        "doc": "text",
        "order:7:status": "shipped",
        "n": 41,
    }
}
ROWS = [{"id": 1, "title": "Chair", "notes": "Of oak."}, {"id": 2, "title": "Table", "notes": "Of pine."}]


def asked(command: Callable[[Any], Any], protocol: int) -> Run:
    def call() -> Any:
        with redis.Redis(host="cache.internal", decode_responses=True, socket_timeout=2, retry=None, protocol=protocol) as cache:
            return command(cache)

    return enter(call, HUGE, backend=CONTENTS)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    ("command", "least", "most"),
    [
        (lambda cache: cache.lrange("log", 0, -1), 10_000, None),
        (lambda cache: cache.lrange("log", 0, 9), 10, 10),
        (lambda cache: cache.lrange("log", -10, -1), 10, 10),
        (lambda cache: cache.smembers("tags"), 10_000, None),
        (lambda cache: cache.srandmember("tags", 5), 5, 5),
        (lambda cache: list(cache.scan_iter("tags")), 10_000, None),
        (lambda cache: cache.hgetall("prices"), 5_000, None),
        (lambda cache: cache.get("doc"), 200_000, None),
        (lambda cache: cache.hgetall("user:7")["notes"], 200_000, None),
        (lambda cache: cache.pipeline().lrange("log", 0, -1).incr("n").execute()[0], 10_000, None),
    ],
)
def test_what_a_redis_holds_grows(command: Callable[[Any], Any], least: int, most: int | None, protocol: int) -> None:
    run = asked(command, protocol)
    assert run.fired == 1
    assert least <= len(run.value) <= (most or len(run.value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (lambda cache: cache.incr("n"), 42),
        (lambda cache: cache.lpush("log", "c"), 3),
        (lambda cache: cache.get("order:7:status"), "shipped"),
        (lambda cache: cache.hget("user:7", "name"), "Ada"),
    ],
)
def test_a_number_and_a_code_stay_as_they_are_and_are_known_to_be_short(command: Callable[[Any], Any], value: object) -> None:
    run = asked(command, 2)
    assert (run.value, run.fired, [request.bounded for request in run.requests]) == (value, 0, [True])


def test_an_empty_list_is_not_known_to_be_short() -> None:
    assert [request.bounded for request in asked(lambda cache: cache.lrange("missing", 0, -1), 2).requests] == [False]


def postgres(sql: str, *values: object) -> Any:
    with psycopg.connect("postgresql://bot@db.internal/shop") as connection:
        return connection.execute(sql, values or None).fetchall()  # type: ignore[arg-type]


def mysql(sql: str, *values: object) -> Any:
    connection = pymysql.connect(host="db.internal", user="bot", password="x", database="shop")
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(("ask", "key"), [(postgres, "postgresql://db.internal/shop"), (mysql, "mysql://db.internal/shop")])
def test_rows_grow_up_to_the_limit_and_their_texts(ask: Callable[..., Any], key: str) -> None:
    def rows(sql: str, *values: object) -> Any:
        return enter(lambda: ask(sql, *values), HUGE, backend={key: ROWS}).value

    assert len(rows("SELECT id, title FROM products")) > 5_000
    assert len(rows("SELECT id, title FROM products LIMIT %s", 20)) == 20
    whole = rows("SELECT notes FROM products WHERE title = %s", "Chair")
    assert len(whole[0][0]) > 50_000
    assert whole[1][0] == "Of pine."


def test_a_write_is_short() -> None:
    def insert() -> None:
        with psycopg.connect("postgresql://bot@db.internal/shop") as connection:
            connection.execute("INSERT INTO products (title) VALUES (%s)", ("Chair",))

    run = enter(insert, HUGE, backend={"postgresql://db.internal/shop": {"INSERT INTO products": 1}})
    assert run.fired == 0
    assert all(request.bounded for request in run.requests)


@pytest.mark.parametrize(
    ("sql", "most"),
    [
        ("SELECT * FROM products", None),
        ("SELECT * FROM products WHERE state = 'new'", None),
        ("SELECT * FROM products LIMIT 20 OFFSET 40", 20),
        ("SELECT * FROM products LIMIT 40, 20", 20),
        ("SELECT * FROM products LIMIT $1", 7),
        ("SELECT * FROM products FETCH FIRST 5 ROWS ONLY", 5),
        ("SELECT * FROM products FETCH FIRST ROW ONLY", 1),
        ("WITH newest AS (SELECT * FROM products LIMIT 10) SELECT * FROM newest", 10),
        ("SELECT * FROM products WHERE id = $1", 1),
        ("SELECT * FROM products p WHERE p.product_id = 7 AND p.state = 'new'", 1),
        ("SELECT * FROM items WHERE product_id = 7", None),
        ("SELECT * FROM products WHERE id = 1 OR state = 'new'", None),
        ("SELECT i.* FROM orders o JOIN items i ON i.order_id = o.id WHERE o.id = 7", None),
        ("SELECT * FROM products WHERE id IN (1, 2)", 1),
        ("SELECT count(*) FROM products", 1),
        ("SELECT state, count(*) FROM products GROUP BY state", None),
        ("INSERT INTO products (title) VALUES ('Chair') RETURNING id", 1),
    ],
)
def test_a_statement_says_how_many_rows_there_can_be(sql: str, most: int | None) -> None:
    assert at_most(Statement(sql, (7,)), ["row"]) == most


def test_the_messages_of_a_stream_grow_before_the_last() -> None:
    def listen() -> list[str | bytes]:
        with websockets.sync.client.connect("ws://stream.example.com/prices") as stream:
            return list(stream)

    run = enter(listen, HUGE, backend={"GET ws://stream.example.com/prices": ["A first price.", "second", "[DONE]"]})
    assert isinstance(run.value, list)
    assert len(run.value) > 1_000
    assert (len(run.value[0]) > 50_000, run.value[-1]) == (True, "[DONE]")
