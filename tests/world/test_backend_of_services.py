"""What the backend says for databases, stores, mail servers and streams, and what is said of one that cannot be understood."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_agentready.world import Backend, BackendError, BackendFailed
from pytest_agentready.world.statements import Database, DatabaseError, Statement

SHOP = "postgresql://db.internal/shop"
ROWS = [{"id": 7}]


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ({"postgres://": []}, "names no host: write 'postgres://host'"),
        ({"postgersql://db.internal/shop": []}, "has the scheme 'postgersql': did you mean postgresql?"),
        ({"ftp://files.internal": {}}, "has the scheme 'ftp': use redis"),
        ({"redis://cache.internal:port": {}}, "has a port that is no number"),
        ({SHOP: "shipped"}, f"the answer of backend key '{SHOP}' is 'shipped': give rows"),
        ({SHOP: ["shipped"]}, "has the row 'shipped', which is no dict of columns"),
        ({SHOP: {"SELCT id FROM orders": ROWS}}, "begins with 'SELCT': did you mean SELECT?"),
        ({SHOP: {"orders": ROWS}}, "begins with 'orders': begin it with its verb, such as SELECT"),
        ({SHOP: {7: ROWS}}, "has the statement 7: give the beginning of its text"),
        ({SHOP: {"SELECT id": "7"}}, "the answer to 'SELECT id' of backend key"),
        ({"redis://cache.internal/first": {}}, "has the database 'first': Redis numbers them, such as 0"),
        ({"redis://cache.internal": ["a"]}, "give a dict of keys and values, or {}"),
        ({"redis://cache.internal": {"user:7": None}}, "has the key 'user:7': None is no value of Redis"),
        ({"redis://cache.internal": {"user:7": {"name": ["Ada"]}}}, "['Ada'] is no value of Redis"),
        ({"smtp://mail.internal": None}, "give {}, or the recipients that it refuses"),
        ({"smtp://mail.internal": {"x@example.com": "no"}}, "refuses 'x@example.com': 'no': give a reply of 4xx or 5xx"),
        ({"wss://stream.example.com/prices": ["a"]}, "names no method: write 'GET wss://stream.example.com/prices'"),
        ({"GET wss://stream.example.com/prices": "a"}, "give a list of messages, or a callable of each message"),
        ({"GET wss://stream.example.com/prices": [object()]}, "has a message that is no text, bytes or JSON"),
    ],
)
def test_what_cannot_be_understood_is_said_with_its_remedy(backend: Any, told: str) -> None:
    with pytest.raises(BackendError) as error:
        Backend.parse(backend)
    assert told in str(error.value)


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(BackendError) as error:
        Backend.parse({SHOP: {"SELCT 1": ROWS, "SELECT 2": None}, "redis://cache.internal": 7, "GTE https://api.example.com/": {}})
    assert len(error.value.problems) == 3
    assert "SELCT" in error.value.problems[0]
    assert "SELECT 2" in error.value.problems[0]


@pytest.mark.parametrize(
    ("key", "statement"),
    [
        ("SELECT state FROM orders", "select  state\nFROM orders WHERE id = 7;"),
        ("SELECT state FROM orders WHERE id = %s AND a = 1", "SELECT state FROM orders WHERE id = $1 AND a = 1"),
        ("SELECT state FROM orders WHERE id = %s AND a = 1", "SELECT state FROM orders WHERE id = 'it''s' AND a = 1"),
        ("SELECT state FROM orders WHERE id = $1 AND a = 1", "SELECT state FROM orders WHERE id = $1::INTEGER AND a = 1"),
        ("SELECT state FROM orders WHERE id = :id AND a = 1", "SELECT state FROM orders WHERE id = -7.5 AND a = 1"),
    ],
)
def test_a_key_is_the_beginning_of_a_statement_as_the_tool_writes_it(key: str, statement: str) -> None:
    assert Database.parse(SHOP, {key: ROWS}).answer(Statement(statement)) == ROWS
    assert Database.parse(SHOP, {key: ROWS}).answer(Statement("SELECT total FROM orders")) is None


def test_the_longest_key_wins() -> None:
    database = Database.parse(SHOP, {"SELECT": [], "SELECT id FROM orders WHERE": ROWS, "SELECT id FROM orders": [{"id": 8}]})
    assert database.answer(Statement("SELECT id FROM orders WHERE id = 7")) == ROWS


def test_a_callable_gets_the_statement_and_may_raise_the_databases_error() -> None:
    def answer(statement: Statement) -> Any:
        if statement.verb == "INSERT":
            raise DatabaseError("duplicate key", "23505")
        return {"id": statement.params[0]}

    database = Database.parse(SHOP, answer)
    assert database.answer(Statement("SELECT id FROM orders WHERE id = $1", (7,))) == [{"id": 7}]
    error = database.answer(Statement("INSERT INTO orders VALUES (1)"))
    assert isinstance(error, DatabaseError)
    assert error.code == "23505"


def test_what_a_callable_may_not_return_is_said() -> None:
    async def later(statement: Statement) -> Any:
        return ROWS

    with pytest.raises(BackendFailed, match="is async: give a plain function of the statement"):
        Database.parse(SHOP, later).answer(Statement("SELECT 1"))
    with pytest.raises(BackendFailed, match="return rows, a number of rows, or a DatabaseError"):
        Database.parse(SHOP, lambda statement: "shipped").answer(Statement("SELECT 1"))


def test_a_database_is_found_by_its_place_and_name() -> None:
    backend = Backend.parse({SHOP: ROWS, "postgresql://other.internal:6000": [], "mysql+pymysql://localhost/shop": ROWS})
    assert backend.database("postgresql", "DB.internal", 5432, "shop") is not None
    assert backend.database("postgresql", "db.internal", 5432, "bank") is None
    assert backend.database("postgresql", "db.internal", 5433, "shop") is None
    assert backend.database("postgresql", "other.internal", 6000, "bank") is not None
    assert backend.database("mysql", "127.0.0.1", 3306, "shop") is not None
    assert backend.database("mysql", "/run/mysqld/mysqld.sock", 0, "shop") is not None


def test_a_key_ends_with_a_whole_word() -> None:
    database = Database.parse(SHOP, {"SELECT * FROM orders": ROWS})
    assert database.answer(Statement("SELECT * FROM orders WHERE id = 7")) == ROWS
    assert database.answer(Statement("SELECT * FROM orders_archive")) is None
