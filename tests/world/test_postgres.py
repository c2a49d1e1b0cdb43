"""PostgreSQL as its clients see it: types in both formats, transactions, errors, and what is recorded."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pg8000.dbapi
import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world.statements import DatabaseError, Statement
from tests.world.entering import enter, exception

SHOP = "postgresql://db.internal/shop"
UTC = datetime.timezone.utc
ROW = {
    "id": 7,
    "state": "shipped",
    "total": decimal.Decimal("1234567.0500"),
    "weight": 1.5,
    "paid": True,
    "at": datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    "seen": datetime.datetime(1999, 12, 31, 23, 59),
    "day": datetime.date(2026, 1, 2),
    "hour": datetime.time(3, 4, 5),
    "key": uuid.UUID(int=5),
    "data": b"\x00\xff",
    "tags": ["a", 'b"c'],
    "sizes": [1, 2],
    "none": None,
}


def ask(question: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    async def call() -> Any:
        connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5, command_timeout=5)
        try:
            return await question(connection)
        finally:
            connection.terminate()

    return call


def seen(run: Run) -> list[tuple[str, bool, bool]]:
    return [(request.method, request.is_write, request.committed) for request in run.requests]


def test_every_type_arrives_in_binary_as_the_backend_has_it() -> None:
    run = enter(ask(lambda db: db.fetchrow("SELECT * FROM orders")), backend={SHOP: [ROW]})
    assert dict(run.value) == ROW  # type: ignore[call-overload]


def test_every_type_arrives_as_text_as_the_backend_has_it() -> None:
    def read() -> Any:
        with pg8000.dbapi.connect(user="app", password="secret", host="db.internal", database="shop") as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT * FROM orders")
            return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))

    assert enter(read, backend={SHOP: [ROW]}).value == ROW


@pytest.mark.parametrize("column", [name for name in ROW if name not in ("none", "data")])
def test_a_parameter_has_the_type_of_the_column_that_it_is_compared_with(column: str) -> None:
    heard: list[Any] = []

    def answer(statement: Statement) -> Any:
        heard.append(statement.params)
        return [ROW]

    backend = {SHOP: {f"SELECT id FROM orders WHERE {column} =": answer, "SELECT * FROM orders": [ROW]}}
    run = enter(ask(lambda db: db.fetchval(f"SELECT id FROM orders WHERE {column} = $1", ROW[column])), backend=backend)
    assert (run.value, run.raised) == (7, None)
    assert heard == [(None,), (ROW[column],)]  # the first time it is only prepared


def test_a_parameter_is_what_it_is_cast_to_or_a_limit_or_text() -> None:
    async def question(db: asyncpg.Connection) -> Any:
        return await db.fetchval("SELECT state FROM orders WHERE number = $1::int AND name = $2 LIMIT $3", 9, "Ada", 5)

    assert enter(ask(question), backend={SHOP: [ROW]}).value == "shipped"
    run = enter(ask(lambda db: db.fetchval("SELECT state FROM orders WHERE number = $1", 9)), backend={SHOP: [ROW]})
    assert exception(run) == "DataError"  # nothing says what a `number` is: it is text


def test_only_the_columns_that_a_statement_names_are_given_in_its_order() -> None:
    run = enter(ask(lambda db: db.fetchrow("SELECT o.total AS amount, id FROM orders o")), backend={SHOP: [ROW]})
    assert list(run.value.items()) == [("amount", ROW["total"]), ("id", 7)]  # type: ignore[attr-defined]


def test_no_rows_have_the_columns_that_the_statement_names() -> None:
    assert enter(ask(lambda db: db.fetch("SELECT id, state FROM orders")), backend={SHOP: []}).value == []
    assert enter(ask(lambda db: db.fetchval("SELECT count(*) FROM orders")), backend={SHOP: {"SELECT count(*)": [{"count": 3}]}}).value == 3


def test_a_write_tells_how_many_rows_it_changed_or_gives_them_back() -> None:
    backend = {SHOP: {"UPDATE orders": 3, "INSERT INTO orders": [{"id": 8}], "DELETE": []}}

    async def write(db: asyncpg.Connection) -> Any:
        return (
            await db.execute("UPDATE orders SET state = $1", "x"),
            await db.execute("INSERT INTO orders (state) VALUES ($1)", "new"),
            await db.fetchval("INSERT INTO orders (state) VALUES ($1) RETURNING id", "new"),
            await db.execute("DELETE FROM orders"),
        )

    assert enter(ask(write), backend=backend).value == ("UPDATE 3", "INSERT 0 1", 8, "DELETE 0")


def test_what_stands_in_a_transaction_is_committed_with_it() -> None:
    async def both(db: asyncpg.Connection, *, fail: bool) -> Any:
        try:
            async with db.transaction():
                await db.execute("INSERT INTO orders (id) VALUES ($1)", 8)
                if fail:
                    raise ValueError("no")
        except ValueError:
            return "rolled back"
        return "committed"

    kept = enter(ask(lambda db: both(db, fail=False)), backend={SHOP: [ROW]})
    assert seen(kept) == [("BEGIN", False, True), ("INSERT", True, True), ("COMMIT", True, True)]
    left = enter(ask(lambda db: both(db, fail=True)), backend={SHOP: [ROW]})
    assert seen(left) == [("BEGIN", False, True), ("INSERT", True, False), ("ROLLBACK", False, True)]


def test_a_commit_whose_answer_is_lost_has_committed() -> None:
    async def write(db: asyncpg.Connection) -> Any:
        async with db.transaction():
            await db.execute("INSERT INTO orders (id) VALUES ($1)", 8)

    lost = enter(ask(write), "lost-response", backend={SHOP: [ROW]}, spared=2)
    assert seen(lost) == [("BEGIN", False, True), ("INSERT", True, True), ("COMMIT", True, True)]
    before = enter(ask(write), "reset-before-answer", backend={SHOP: [ROW]}, spared=2)
    assert seen(before) == [("BEGIN", False, True), ("INSERT", True, False), ("COMMIT", True, False)]
    assert exception(lost) == exception(before) == "ConnectionDoesNotExistError"


def test_an_error_of_the_backend_is_the_databases_and_ends_the_transaction() -> None:
    backend = {SHOP: {"INSERT": DatabaseError("duplicate key value", "23505"), "SELECT": [ROW]}}
    assert (
        exception(enter(ask(lambda db: db.execute("INSERT INTO orders (state) VALUES ($1)", "x")), backend=backend))
        == "UniqueViolationError"
    )

    async def go_on(db: asyncpg.Connection) -> Any:
        await db.execute("BEGIN")
        try:
            await db.execute("INSERT INTO orders (id) VALUES (1)")
        except asyncpg.UniqueViolationError:
            return await db.fetch("SELECT id FROM orders")

    assert exception(enter(ask(go_on), backend=backend)) == "InFailedSQLTransactionError"


@pytest.mark.parametrize("backend", [{}, {"postgresql://other.internal/shop": [ROW]}, {SHOP: {"SELECT total": [ROW]}}])
def test_a_statement_that_nothing_answers_is_an_error_and_said_to_be_unrouted(backend: Any) -> None:
    run = enter(ask(lambda db: db.fetchval("SELECT state FROM orders WHERE id = $1", 7)), backend=backend)
    assert exception(run) == "UndefinedTableError"
    assert [(request.method, request.routed, request.url) for request in run.requests] == [
        ("SELECT", False, "postgresql://db.internal:5432/shop")
    ]


def test_what_the_driver_asks_for_itself_is_no_request() -> None:
    async def settings(db: asyncpg.Connection) -> Any:
        await db.execute("SET search_path TO shop")
        return await db.fetchval("SHOW server_version"), await db.fetchval("SELECT 1"), await db.fetchval("SELECT current_schema()")

    run = enter(ask(settings), backend={})
    assert run.value == ("16.4", 1, "public")
    assert [request.body for request in run.requests] == [b"SELECT 1"]


def test_the_parameters_of_a_statement_stand_behind_its_text() -> None:
    run = enter(
        ask(lambda db: db.execute("INSERT INTO notes (note) VALUES ($1)", "call")),
        backend={"postgresql://db.internal/shop": {"INSERT INTO notes": 1}},
    )
    assert [request.body for request in run.requests] == [b"INSERT INTO notes (note) VALUES ($1) -- 'call'"]


def test_rows_are_fetched_a_few_at_a_time() -> None:
    async def read(db: asyncpg.Connection) -> Any:
        async with db.transaction():
            return [row["id"] async for row in db.cursor("SELECT id FROM orders", prefetch=2)]

    assert enter(ask(read), backend={SHOP: [{"id": number} for number in range(5)]}).value == [0, 1, 2, 3, 4]


def test_several_statements_of_one_text_are_one_request() -> None:
    run = enter(ask(lambda db: db.execute("BEGIN; UPDATE orders SET state = 'x'; COMMIT")), backend={SHOP: {"UPDATE": 2}})
    assert run.value == "COMMIT"
    assert seen(run) == [("UPDATE", True, True)]


def test_a_callable_that_needs_its_parameters_is_asked_again_once_they_are_known() -> None:
    states = {7: "shipped"}
    backend = {SHOP: lambda statement: [{"state": states[statement.params[0]]}]}
    run = enter(ask(lambda db: db.fetchval("SELECT state FROM orders WHERE id = $1::int", 7)), backend=backend)
    assert run.value == "shipped"


def test_twenty_queries_at_once_wait_together() -> None:
    async def all_at_once() -> Any:
        async with asyncpg.create_pool("postgresql://app@db.internal/shop", min_size=1, max_size=20, command_timeout=5) as pool:
            return await asyncio.gather(*(pool.fetchval("SELECT state FROM orders") for _ in range(20)))

    assert enter(all_at_once, backend={SHOP: [ROW]}).value == ["shipped"] * 20
