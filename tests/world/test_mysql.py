"""MySQL as its clients see it: rows, counts, ids, transactions, errors, TLS."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import pymysql
import pymysql.cursors
import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world.statements import DatabaseError
from tests.world.entering import enter, exception

SHOP = "mysql://db.internal/shop"
ROW = {
    "id": 7,
    "state": "shipped ✓",
    "total": decimal.Decimal("12.50"),
    "weight": 1.5,
    "at": datetime.datetime(2026, 1, 2, 3, 4, 5),
    "day": datetime.date(2026, 1, 2),
    "data": b"\x00\xff",
    "none": None,
}


def ask(question: Callable[[Any, Any], Any], **more: Any) -> Callable[[], Any]:
    def call() -> Any:
        connection = pymysql.connect(
            host="db.internal",
            user="app",
            password="secret",
            database="shop",
            cursorclass=pymysql.cursors.DictCursor,
            read_timeout=5,
            **more,
        )
        with connection, connection.cursor() as cursor:
            return question(connection, cursor)

    return call


def first(sql: str) -> Callable[[Any, Any], Any]:
    def question(_: Any, cursor: Any) -> Any:
        cursor.execute(sql)
        return cursor.fetchone()

    return question


def seen(run: Run) -> list[tuple[str, bool, bool]]:
    return [(request.method, request.is_write, request.committed) for request in run.requests]


def test_every_type_arrives_as_the_backend_has_it() -> None:
    assert enter(ask(first("SELECT * FROM orders")), backend={SHOP: [ROW]}).value == ROW


def test_a_key_matches_values_that_the_client_puts_into_the_text() -> None:
    backend = {SHOP: {"SELECT state FROM orders WHERE id = %s AND state <> %s": [ROW]}}

    def question(_: Any, cursor: Any) -> Any:
        cursor.execute("SELECT state FROM orders WHERE id = %s AND state <> %s", (7, "it's"))
        return cursor.fetchone()

    assert enter(ask(question), backend=backend).value == {"state": "shipped ✓"}


def test_a_write_tells_its_count_and_id() -> None:
    def write(connection: Any, cursor: Any) -> Any:
        inserted = cursor.execute("INSERT INTO orders (state) VALUES ('new')")
        number = cursor.lastrowid
        changed = cursor.execute("UPDATE orders SET state = 'x'")
        connection.commit()
        return inserted, number, changed

    run = enter(ask(write), backend={SHOP: {"INSERT": [{"id": 8}], "UPDATE orders": 3}})
    assert run.value == (1, 8, 3)
    assert seen(run) == [("INSERT", True, True), ("UPDATE", True, True), ("COMMIT", True, True)]


def test_without_a_commit_nothing_is_committed_but_with_autocommit_it_is() -> None:
    write = ask(lambda _, cursor: cursor.execute("UPDATE orders SET state = 'x'"))
    assert seen(enter(write, backend={SHOP: {"UPDATE": 1}})) == [("UPDATE", True, False)]
    write = ask(lambda _, cursor: cursor.execute("UPDATE orders SET state = 'x'"), autocommit=True)
    assert seen(enter(write, backend={SHOP: {"UPDATE": 1}})) == [("UPDATE", True, True)]


@pytest.mark.parametrize(("code", "expected"), [(1062, "IntegrityError"), ("23000", "OperationalError"), (1205, "OperationalError")])
def test_an_error_of_the_backend_is_the_databases(code: Any, expected: str) -> None:
    run = enter(ask(first("INSERT INTO orders VALUES (1)")), backend={SHOP: {"INSERT": DatabaseError("no", code)}})
    assert exception(run) == expected


def test_a_statement_that_nothing_answers_is_an_error_and_said_to_be_unrouted() -> None:
    run = enter(ask(first("SELECT state FROM orders")), backend={})
    assert exception(run) == "ProgrammingError"
    assert [(request.method, request.routed, request.url) for request in run.requests] == [
        ("SELECT", False, "mysql://db.internal:3306/shop")
    ]


def test_a_ping_is_a_request_and_what_the_driver_asks_is_none() -> None:
    def question(connection: Any, cursor: Any) -> Any:
        connection.ping()
        cursor.execute("SELECT VERSION()")
        return cursor.fetchone()

    run = enter(ask(question), backend={})
    assert list(run.value.values()) == ["8.0.36"]  # type: ignore[attr-defined]
    assert seen(run) == [("PING", False, True)]
    assert exception(enter(ask(question), "response-hang", backend={})) == "OperationalError"


def test_tls_is_spoken_where_the_client_asks_for_it() -> None:
    run = enter(ask(first("SELECT 1 AS one"), ssl={"check_hostname": True, "ca": None}), backend={})
    assert run.value == {"one": 1}
    assert run.tls


def test_another_port_speaks_mysql_where_the_backend_says_so() -> None:
    def read() -> Any:
        with pymysql.connect(host="db.internal", port=3307, user="app", password="", database="shop") as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT id FROM orders")
            return cursor.fetchone()

    assert enter(read, backend={"mysql://db.internal:3307": [ROW]}).value == (7,)
    assert enter(read, backend={}).ending.kind == "stuck"  # type: ignore[union-attr]


def test_several_statements_of_one_text_are_one_request() -> None:
    from pymysql.constants import CLIENT

    def question(_: Any, cursor: Any) -> Any:
        cursor.execute("UPDATE orders SET state = 'x'; SELECT id FROM orders")
        cursor.nextset()
        return cursor.fetchone()

    run = enter(ask(question, client_flag=CLIENT.MULTI_STATEMENTS), backend={SHOP: {"UPDATE": 1, "SELECT": [ROW]}})
    assert run.value == {"id": 7}
    assert [request.method for request in run.requests] == ["UPDATE"]


def test_a_long_answer_arrives_whole() -> None:
    rows = [{"id": number, "text": "x" * 70_000} for number in range(30)]
    run = enter(ask(lambda _, cursor: (cursor.execute("SELECT * FROM texts"), cursor.fetchall())[1]), backend={SHOP: rows})
    assert run.value == rows
