"""SQLite in a run: what stands is an effect, and no database outside of the run's own folder is changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import connect as connect_by_name
from typing import Any

import pytest
import sqlalchemy

from pytest_agentready.domain import Run
from pytest_agentready.world import Stay, stay
from pytest_agentready.world.granted import Grant, granted
from tests.world.entering import enter, line_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project's database, which has the same rows afterwards."""
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as made, made:
        made.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)")
        made.execute("INSERT INTO orders (item) VALUES ('tea')")
    yield tmp_path / "shop.db"
    with closing(sqlite3.connect("shop.db")) as found:
        assert found.execute("SELECT * FROM orders").fetchall() == [(1, "tea")]
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == [("orders",)]
    assert [name for name in os.listdir(".") if name.startswith("shop.db-")] == []


def told(run: Run) -> list[tuple[str, tuple[str, ...], str]]:
    assert run.returned, (run.raised, run.ending)
    return [(effect.verb, effect.places, effect.content.decode()) for effect in run.local_effects]


INSERTED = ("INSERT", ("orders",), "INSERT INTO orders (item) VALUES ('cup')")


def buy(connect: Callable[..., sqlite3.Connection] = sqlite3.connect, **options: Any) -> int:
    with closing(connect("shop.db", **options)) as shop:
        with shop:
            shop.execute("INSERT INTO orders (item) VALUES (?)", ("cup",))
        return int(shop.execute("SELECT count(*) FROM orders").fetchone()[0])


def buy_by_early_name() -> int:
    return buy(connect_by_name)


def buy_by_default(connect: Callable[..., sqlite3.Connection] = sqlite3.connect) -> int:
    return buy(connect)


def buy_by_uri() -> int:
    return buy(lambda name: sqlite3.connect(f"file:{name}?mode=rw", uri=True))


def buy_by_autocommit() -> int:
    return buy(isolation_level=None)


def buy_in_a_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(buy()))
    thread.start()
    thread.join()
    return found[0]


async def buy_beside_the_loop() -> int:
    return await asyncio.to_thread(buy)


def buy_with_a_journal_ahead() -> int:
    with closing(sqlite3.connect("shop.db")) as shop:
        shop.execute("PRAGMA journal_mode = WAL")
    return buy()


class Shop(sqlite3.Connection):
    """A factory of the user's own."""


def buy_by_a_factory() -> int:
    def connect(name: str) -> sqlite3.Connection:
        made = sqlite3.connect(name, factory=Shop)
        assert isinstance(made, Shop)
        return made

    return buy(connect)


@pytest.mark.parametrize(
    "call",
    [
        buy, buy_by_early_name, buy_by_default, buy_by_uri, buy_by_autocommit, buy_in_a_thread, buy_beside_the_loop,
        buy_with_a_journal_ahead, buy_by_a_factory,
    ],
)  # fmt: skip
def test_a_committed_write_is_one_effect_and_the_run_sees_it(call: Callable[..., Any]) -> None:
    run = enter(call)
    assert run.value == 2
    assert told(run) == [INSERTED]
    assert run.local_effects[0].kind == "statement"
    assert run.local_effects[0].target == f"sqlite://{os.path.realpath('shop.db')}"


def test_an_effect_names_the_line() -> None:
    assert enter(buy).local_effects[0].where == line_of(buy, '"INSERT')


def on_shop(work: Callable[[sqlite3.Connection], object], **options: Any) -> Run:
    def call() -> None:
        with closing(sqlite3.connect("shop.db", **options)) as shop:
            work(shop)

    return enter(call)


@pytest.mark.parametrize(
    "work",
    [
        lambda shop: shop.execute("SELECT * FROM orders"),
        lambda shop: shop.execute("DELETE FROM orders"),  # never committed
        lambda shop: (shop.execute("DELETE FROM orders"), shop.rollback()),
        lambda shop: (shop.execute("DELETE FROM orders WHERE id = 99"), shop.commit()),
        lambda shop: (shop.execute("INSERT OR IGNORE INTO orders VALUES (1, 'tea')"), shop.commit()),
        lambda shop: (shop.execute("CREATE TABLE IF NOT EXISTS orders (id)"), shop.execute("DROP TABLE IF EXISTS none"), shop.commit()),
        lambda shop: shop.execute("PRAGMA user_version"),
        lambda shop: (shop.execute("CREATE TEMP TABLE t AS SELECT * FROM orders"), shop.rollback()),
    ],
)
def test_what_does_not_stand_or_changes_nothing_is_none(work: Callable[[sqlite3.Connection], object]) -> None:
    assert told(on_shop(work)) == []


def test_what_is_rolled_back_to_a_savepoint_is_none() -> None:
    def work(shop: sqlite3.Connection) -> None:
        shop.execute("BEGIN")
        shop.execute("INSERT INTO orders (item) VALUES ('one')")
        shop.execute("SAVEPOINT here")
        shop.execute("INSERT INTO orders (item) VALUES ('two')")
        shop.execute("ROLLBACK TO here")
        shop.execute("COMMIT")

    assert [content for _, _, content in told(on_shop(work, isolation_level=None))] == ["INSERT INTO orders (item) VALUES ('one')"]


def test_scripts_and_tables_of_many_kinds_are_named() -> None:
    def work(shop: sqlite3.Connection) -> None:
        shop.executescript("CREATE TABLE carts (id); UPDATE orders SET item = 'x' WHERE id = 1; DELETE FROM orders;")

    run = on_shop(work)
    assert [(verb, places) for verb, places, _ in told(run)] == [("CREATE", ("carts",)), ("UPDATE", ("orders",)), ("DELETE", ("orders",))]
    assert [effect.idempotent for effect in run.local_effects] == [False, True, True]


def test_a_new_database_is_there_for_the_run_alone() -> None:
    def make() -> list[str]:
        with closing(sqlite3.connect("new.db")) as made, made:
            made.execute("CREATE TABLE t (a)")
        return sorted(os.listdir("."))

    run = enter(make)
    assert run.value == ["new.db", "shop.db"]
    assert [(verb, places) for verb, places, _ in told(run)] == [("CREATE", ("t",))]
    assert os.listdir(".") == ["shop.db"]


def test_where_there_is_no_folder_sqlite_says_so() -> None:
    run = enter(lambda: sqlite3.connect("none/new.db"))
    assert run.raised is not None
    assert run.raised.message == "unable to open database file"


def test_one_of_the_runs_own_folder_is_really_written_to(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    with granted(Grant(own=(str(mine),))):

        def make() -> None:
            with closing(sqlite3.connect(mine / "new.db")) as made, made:
                made.execute("CREATE TABLE t (a)")

        assert [verb for verb, _, _ in told(enter(make))] == ["CREATE"]
    with closing(sqlite3.connect(mine / "new.db")) as made:
        assert made.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]


def test_a_database_in_memory_that_the_call_makes_for_itself_is_none() -> None:
    def work() -> int:
        with closing(sqlite3.connect(":memory:")) as mine:
            mine.execute("CREATE TABLE t (a)")
            mine.execute("INSERT INTO t VALUES (1)")
            return int(mine.execute("SELECT count(*) FROM t").fetchone()[0])

    run = enter(work)
    assert run.value == 1
    assert told(run) == []


# --- connections that are older than the run

older = sqlite3.connect(":memory:", check_same_thread=False)
older.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)")
older.commit()


def buy_from_the_older() -> int:
    with older:
        older.execute("INSERT INTO orders (item) VALUES (?)", ("cup",))
    return int(older.execute("SELECT count(*) FROM orders").fetchone()[0])


def rows(connection: sqlite3.Connection = older) -> list[Any]:
    return connection.execute("SELECT item FROM orders").fetchall()


def test_a_modules_own_connection_is_seen_and_its_database_put_back() -> None:
    for _ in range(2):
        run = enter(buy_from_the_older)
        assert run.value == 1
        assert told(run) == [INSERTED]
        assert rows() == []


def test_so_is_one_of_a_file() -> None:
    with closing(sqlite3.connect("shop.db", check_same_thread=False)) as mine:

        def sell() -> list[Any]:
            mine.execute("DELETE FROM orders")
            mine.commit()
            return rows(mine)

        run = enter(sell)
        assert run.value == []
        assert [verb for verb, _, _ in told(run)] == ["DELETE"]
        assert rows(mine) == [("tea",)]
    with closing(sqlite3.connect("shop.db")) as mine:
        assert rows(mine) == [("tea",)]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="serialize")
def test_so_is_one_in_the_middle_of_a_transaction() -> None:
    older.execute("INSERT INTO orders (item) VALUES ('of the fixture')")
    try:
        run = enter(buy_from_the_older)
        assert run.value == 2
        assert rows() == [("of the fixture",)]
    finally:
        older.execute("DELETE FROM orders")
        older.commit()


def test_a_trace_of_the_users_own_goes_on() -> None:
    heard: list[str] = []
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as mine:
        mine.set_trace_callback(heard.append)
        run = enter(lambda: mine.execute("SELECT 1").fetchone())
        assert run.value == (1,)
        mine.execute("SELECT 2")
    assert heard[-1] == "SELECT 2"
    assert "SELECT 1" in heard


def test_so_does_one_that_is_set_in_the_run() -> None:
    def work() -> list[str]:
        heard: list[str] = []
        with closing(sqlite3.connect("shop.db")) as mine:
            mine.set_trace_callback(heard.append)
            mine.execute("DELETE FROM orders")
            mine.commit()
        return [sql.strip() for sql in heard]

    run = enter(work)
    assert run.value == ["BEGIN", "DELETE FROM orders", "COMMIT"]
    assert [verb for verb, _, _ in told(run)] == ["DELETE"]


kept: list[sqlite3.Connection] = []


def buy_by_a_kept_one() -> int:
    if not kept:
        kept.append(sqlite3.connect("shop.db", check_same_thread=False, detect_types=sqlite3.PARSE_DECLTYPES))
        kept[0].row_factory = sqlite3.Row
    with kept[0]:
        kept[0].execute("INSERT INTO orders (item) VALUES ('cup')")
    return int(kept[0].execute("SELECT count(*) AS n FROM orders").fetchone()["n"])


def test_a_connection_that_a_run_makes_and_keeps_leads_to_the_real_database_afterwards_and_to_a_copy_in_the_next() -> None:
    try:
        for _ in range(3):
            run = enter(buy_by_a_kept_one)
            assert run.value == 2
            assert told(run) == [INSERTED]
            assert [row["item"] for row in kept[0].execute("SELECT item FROM orders")] == ["tea"]
    finally:
        kept.pop().close()


def test_sqlalchemy_is_seen_with_its_pool_too() -> None:
    engine = sqlalchemy.create_engine("sqlite:///shop.db")

    def order() -> int:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("INSERT INTO orders (item) VALUES (:item)"), {"item": "cup"})
        with engine.connect() as connection:
            return int(connection.execute(sqlalchemy.text("SELECT count(*) FROM orders")).scalar_one())

    for _ in range(2):
        run = enter(order)
        assert run.value == 2
        assert told(run) == [INSERTED]
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM orders")).scalar_one() == 1
    engine.dispose()


def test_calls_of_one_world_share_the_copy() -> None:
    def visit(world: Stay) -> list[Run]:
        return [world.call(buy, {}), world.call(buy, {})]

    first, second = stay(visit)
    assert (first.value, second.value) == (2, 3)
    assert told(first) == told(second) == [INSERTED]


# --- what gets past


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ATTACH 'shop.db' AS shop", ()),
        ("ATTACH 'file:shop.db' AS shop", ()),
        ("ATTACH ? AS shop", ("shop.db",)),
        ("ATTACH 'shop' || '.db' AS shop", ()),
    ],
)
def test_another_database_is_not_attached(statement: str, words: tuple[str, ...]) -> None:
    def attach() -> None:
        with closing(sqlite3.connect(":memory:", uri=True)) as mine:
            mine.execute(statement, words)
            mine.execute("DELETE FROM shop.orders")

    run = enter(attach)
    assert [(effect.verb, effect.refused) for effect in run.local_effects] == [("ATTACH", True)]
    assert run.refused


def test_a_connection_by_its_class_is_refused() -> None:
    run = enter(lambda: sqlite3.Connection("shop.db"))
    assert run.refused == (f"a connection to the database {os.path.realpath('shop.db')} by sqlite3.Connection (use sqlite3.connect)",)
    with contextlib.suppress(AttributeError):
        assert not run.returned
