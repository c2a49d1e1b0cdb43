"""Rows come the other way round on every connection of a run, and it is told which really did."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.world import Stay, stay
from pytest_agentready.world.leftovers import collected
from pytest_agentready.world.order import Order
from pytest_agentready.world.rows import gives_one
from pytest_agentready.world.sqlite import ways
from pytest_agentready.world.statements import Statement

NAMES = "SELECT name FROM teas"
BY_NAME = "SELECT name FROM teas ORDER BY name"
TEAS = """
CREATE TABLE teas (id INTEGER PRIMARY KEY, name TEXT UNIQUE, land TEXT);
INSERT INTO teas (name, land) VALUES ('Assam', 'India'), ('Keemun', 'China'), ('Nilgiri', 'India');
CREATE TABLE stock (tea_id INTEGER, pieces INTEGER);
INSERT INTO stock VALUES (1, 5);
"""


@pytest.fixture(autouse=True)
def teas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("teas.db")) as made:
        made.executescript(TEAS)
    return tmp_path / "teas.db"


def turned(call: Callable[[], Any]) -> tuple[Any, Order]:
    def visit(world: Stay) -> tuple[Any, Order]:
        with world.shuffled() as order:
            run = world.call(call, {})
        assert run.returned, (run.raised, run.ending)
        return run.value, order

    with collected(call):
        return stay(visit)


def asked(*statements: str) -> Order:
    def call() -> None:
        with closing(sqlite3.connect("teas.db")) as connection:
            for statement in statements:
                connection.execute(statement).fetchall()

    return turned(call)[1]


@pytest.mark.parametrize(
    "statement",
    [
        NAMES,
        "SELECT name FROM teas LIMIT 1",
        "SELECT group_concat(name) FROM teas",
        "SELECT id FROM teas WHERE land = 'India'",
        "WITH all_of_them AS (SELECT name FROM teas) SELECT * FROM all_of_them",
    ],
)
def test_what_comes_in_another_order_is_moved(statement: str) -> None:
    order = asked(statement)
    assert list(order.moved) == [f"the rows of {statement[:60]}"]
    assert (order.kept, order.short) == ({}, {})


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (BY_NAME, "ORDER BY"),
        ("SELECT name FROM teas WHERE land = 'Japan' ORDER BY id", "ORDER BY"),
        ("SELECT land, count(*) FROM teas GROUP BY land", "SQLite has no other order for them"),
    ],
)
def test_what_has_an_order_is_kept(statement: str, why: str) -> None:
    order = asked(statement)
    assert list(order.kept) == [f"the rows of {statement[:60]} ({why})"]
    assert (order.moved, order.short) == ({}, {})


@pytest.mark.parametrize("statement", ["SELECT name FROM teas WHERE land = 'Japan'", "SELECT id FROM teas WHERE land = 'China'"])
def test_fewer_than_two_rows_are_too_few(statement: str) -> None:
    order = asked(statement)
    assert list(order.short) == [f"the rows of {statement[:60]} (a PRIMARY KEY or UNIQUE would tell that there is one at most)"]
    assert (order.moved, order.kept) == ({}, {})


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT name FROM teas WHERE id = 2",
        "SELECT land FROM teas WHERE name = 'Nobody'",
        "SELECT teas.name FROM stock JOIN teas ON teas.id = stock.tea_id WHERE stock.rowid = 1",
        "SELECT count(*), max(id) FROM teas",
        "SELECT COALESCE(SUM(pieces), 0) FROM stock WHERE tea_id = 9",
        "SELECT 1 FROM stock WHERE tea_id = 1",
        "SELECT EXISTS (SELECT 1 FROM stock WHERE tea_id = 1)",
        "SELECT name FROM sqlite_master WHERE name = 'teas'",
        "SELECT last_insert_rowid()",
        "PRAGMA table_info(teas)",
    ],
)
def test_one_row_by_its_nature_is_nothing(statement: str) -> None:
    order = asked(statement)
    assert (order.moved, order.kept, order.short, order.held) == ({}, {}, {}, {})


def test_what_was_written_to_after_it_was_read_counts_as_moved() -> None:
    assert list(asked(NAMES, "DELETE FROM teas").moved) == [f"the rows of {NAMES}"]


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute(NAMES)]


STRAIGHT = ["Assam", "Keemun", "Nilgiri"]


def test_a_connection_that_is_older_is_turned_and_turned_back(teas: Path) -> None:
    with closing(sqlite3.connect(teas)) as older:
        found, order = turned(lambda: names(older))
        assert (found, list(order.moved)) == (STRAIGHT[::-1], [f"the rows of {NAMES}"])
        assert names(older) == STRAIGHT
        assert older.execute("PRAGMA reverse_unordered_selects").fetchone() == (0,)


def test_a_cursor_that_is_older_is_turned(teas: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as older:
        older.executescript(TEAS)
        cursor = older.cursor()
        assert turned(lambda: cursor.execute(NAMES).fetchall())[0] == [(name,) for name in STRAIGHT[::-1]]
        assert cursor.execute(NAMES).fetchall() == [(name,) for name in STRAIGHT]


def test_a_connection_that_a_run_has_made_and_kept_is_turned_in_the_next() -> None:
    kept: list[sqlite3.Connection] = []

    def call() -> list[str]:
        if not kept:
            kept.append(sqlite3.connect("teas.db"))
        return names(kept[0])

    assert [turned(call)[0] for _ in range(2)] == [STRAIGHT[::-1]] * 2
    with closing(kept[0]):
        assert names(kept[0]) == STRAIGHT


def test_a_connection_of_another_thread_is_turned() -> None:
    def call() -> list[str]:
        found: list[str] = []

        def work() -> None:
            with closing(sqlite3.connect("teas.db")) as connection:
                found.extend(names(connection))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return found

    found, order = turned(call)
    assert (found, list(order.moved)) == (STRAIGHT[::-1], [f"the rows of {NAMES}"])


def test_what_cannot_be_turned_is_told() -> None:
    def visit(world: Stay) -> Order:
        made: list[sqlite3.Connection] = []
        go, done = threading.Event(), threading.Event()

        def work() -> None:
            made.append(sqlite3.connect("teas.db"))
            done.set()
            go.wait()
            names(made[0])
            made[0].close()

        def begin() -> threading.Thread:
            thread = threading.Thread(target=work)
            thread.start()
            done.wait()
            return thread

        thread = world.call(begin, {}).value

        def end() -> None:
            go.set()
            thread.join()

        with world.shuffled() as order:
            world.call(end, {})
        return order

    order = stay(visit)
    assert list(order.held) == ["the rows of a connection to SQLite that belongs to another thread"]


def test_a_database_that_is_copied_in_the_midst_of_the_call_stays_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "SMALL", 0)

    def call() -> list[str]:
        with closing(sqlite3.connect("teas.db")) as connection, connection:
            connection.execute("INSERT INTO stock VALUES (2, 7)")
            return names(connection)

    assert turned(call)[0] == STRAIGHT[::-1]


def test_what_we_ask_is_not_heard_by_the_users_own_trace() -> None:
    heard: list[str] = []

    def call() -> None:
        with closing(sqlite3.connect("teas.db")) as connection:
            connection.set_trace_callback(heard.append)
            names(connection)

    turned(call)
    assert heard == [NAMES]


@pytest.mark.parametrize(
    ("statement", "one"),
    [
        ("SELECT count(*) FROM t", True),
        ("SELECT 1 + max(id) AS next FROM t", True),
        ("SELECT max(a, b) FROM t", False),
        ("SELECT a, (SELECT count(*) FROM u) FROM t", False),
        ("SELECT land, count(*) FROM t GROUP BY land", False),
        ("SELECT count(*) OVER () FROM t", False),
        ("WITH u AS (SELECT * FROM t) SELECT sum(a) FROM u", True),
        ("SELECT a FROM t LIMIT 1", False),
        ("SELECT a FROM t WHERE id = 3", True),
        ("SELECT a FROM t WHERE land = 3", False),
        ("INSERT INTO t VALUES (1) RETURNING id", True),
    ],
)
def test_a_single_row_is_told_by_the_words_of_a_statement(statement: str, one: bool) -> None:
    assert gives_one(Statement(statement)) is one
