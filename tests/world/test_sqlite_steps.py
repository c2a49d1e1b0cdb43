"""Locks of SQLite that are waited for in virtual time, statements that are held back, and databases that are put back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Run, sql
from pytest_agentready.world import Stay, stay
from pytest_agentready.world.sqlite import remember
from pytest_agentready.world.sqlite.states import State
from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")

ADD = "UPDATE spent SET micros = micros + 1"


@pytest.fixture(autouse=True)
def budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("budget.db")) as made, made:
        made.execute("CREATE TABLE spent (micros INTEGER)")
        made.execute("INSERT INTO spent VALUES (0)")
    yield tmp_path / "budget.db"
    with closing(sqlite3.connect("budget.db")) as found:
        assert found.execute("SELECT micros FROM spent").fetchall() == [(0,)]


def opened(**options: Any) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect("budget.db", **options))


def waited(run: Run) -> float:
    """Virtual seconds, which cost no real ones."""
    assert run.ending is None
    assert run.real < run.virtual + 1
    return run.virtual


def meets_a_lock(timeout: float = 3.0) -> str:
    with opened(isolation_level=None) as first, opened(isolation_level=None, timeout=timeout) as second:
        first.execute("BEGIN IMMEDIATE")
        try:
            second.execute(ADD)
        except sqlite3.OperationalError as error:
            return str(error)
        finally:
            first.execute("ROLLBACK")
    return "no lock"


def test_who_meets_a_lock_waits_as_long_as_its_timeout_says_in_virtual_time() -> None:
    run = enter(meets_a_lock)
    assert run.value == "database is locked"
    assert waited(run) == pytest.approx(3, abs=0.1)
    assert {wait.primitive for wait in run.waits} == {"lock"}
    assert run.real < 2


def test_who_meets_a_lock_that_is_let_go_of_goes_on() -> None:
    def call() -> int:
        is_held = threading.Event()

        def hold() -> None:
            with opened() as first, first:
                first.execute(ADD)
                is_held.set()
                time.sleep(2)

        thread = threading.Thread(target=hold)
        thread.start()
        is_held.wait()
        with opened() as second, second:
            second.execute(ADD)
            found = second.execute("SELECT micros FROM spent").fetchone()[0]
        thread.join()
        return int(found)

    run = enter(call)
    assert run.value == 2
    assert waited(run) == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_transaction_that_has_read_is_told_at_once_that_another_one_was_first(journal: str) -> None:
    def call() -> str:
        with opened(isolation_level=None, timeout=30) as first, opened(isolation_level=None, timeout=1) as second:
            first.execute(f"PRAGMA journal_mode = {journal}").fetchall()
            first.execute("BEGIN")
            first.execute("SELECT micros FROM spent").fetchall()
            second.execute("BEGIN")
            second.execute(ADD)
            with contextlib.suppress(sqlite3.OperationalError):  # the reader is in its way, but for a journal that is written ahead
                second.execute("COMMIT")
            before = time.monotonic()
            try:
                first.execute(ADD)
            except sqlite3.OperationalError as error:
                return f"{error} after {time.monotonic() - before:.0f} s"
        return "written"

    run = enter(call)
    assert run.value == "database is locked after 0 s"
    assert waited(run) < 1.5


def test_a_commit_that_a_reader_stands_in_the_way_of_is_waited_for_and_a_context_manager_rolls_it_back_in_the_end() -> None:
    def call() -> list[Any]:
        with opened(isolation_level=None) as reader, opened(timeout=2) as writer:
            reader.execute("BEGIN")
            reader.execute("SELECT micros FROM spent").fetchall()
            with pytest.raises(sqlite3.OperationalError, match="database is locked"), writer:
                writer.execute(ADD)
            return [writer.in_transaction, *writer.execute("SELECT micros FROM spent").fetchone()]

    run = enter(call)
    assert run.value == [False, 0]
    assert 2 <= waited(run) < 5


def test_settings_of_the_run_are_not_to_be_seen() -> None:
    def call() -> list[Any]:
        with opened(timeout=7) as db:
            found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("busy_timeout", "synchronous")]
            db.executescript("PRAGMA busy_timeout = 2000; PRAGMA synchronous = 1;")
            return [*found, *(db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("busy_timeout", "synchronous"))]

    assert enter(call).value == [7000, 2, 2000, 1]


def test_a_timeout_that_a_pragma_sets_is_kept_to() -> None:
    def call() -> None:
        with opened(isolation_level=None) as first, opened(isolation_level=None) as second:
            second.execute("PRAGMA busy_timeout = 1500")
            first.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError):
                second.execute(ADD)

    assert waited(enter(call)) == pytest.approx(1.5, abs=0.1)


def test_a_lock_that_stops_an_event_loop_is_a_wait_in_it() -> None:
    async def call() -> str:
        await asyncio.sleep(0)
        return meets_a_lock()

    assert any(wait.in_loop and wait.primitive == "lock" for wait in enter(call).waits)


# -- steps


class OwnCursor(sqlite3.Cursor):
    """A class of the user's."""

    def execute(self, *args: Any) -> Any:
        return super().execute(*args)


class OwnWays(sqlite3.Connection):
    def execute(self, *args: Any) -> Any:
        return super().execute(*args)


def plainly(db: sqlite3.Connection) -> None:
    db.execute(ADD)
    db.commit()


def by_a_cursor(db: sqlite3.Connection) -> None:
    cursor = db.cursor()
    cursor.execute(ADD)
    with db:
        pass


def by_a_cursor_of_its_own(db: sqlite3.Connection) -> None:
    cursor = db.cursor(OwnCursor)
    assert isinstance(cursor, OwnCursor)
    cursor.execute(ADD)
    db.commit()


def by_many(db: sqlite3.Connection) -> None:
    db.executemany("UPDATE spent SET micros = micros + ?", iter([(1,)]))
    db.commit()


def in_steps(call: Callable[[], object]) -> list[str]:
    def visit(world: Stay) -> Run:
        with world.in_steps():
            return world.call(call, {})

    run = stay(visit)
    assert run.returned, run.raised
    return [step.body.decode() for step in run.steps]


@pytest.mark.parametrize("work", [plainly, by_a_cursor, by_a_cursor_of_its_own, by_many])
@pytest.mark.parametrize("factory", [sqlite3.Connection, type("Plain", (sqlite3.Connection,), {})])
def test_each_statement_is_a_step(work: Callable[[sqlite3.Connection], None], factory: type[sqlite3.Connection]) -> None:
    def call() -> None:
        with opened(factory=factory) as db:
            work(db)

    assert in_steps(call) == [ADD if work is not by_many else ADD.replace("1", "?"), "COMMIT"]


def test_each_statement_is_a_step_where_a_factory_has_ways_of_its_own() -> None:
    def call() -> None:
        with opened(factory=OwnWays) as db:
            plainly(db)

    assert in_steps(call) == [ADD, "COMMIT"]


def test_each_statement_of_an_older_connection_is_a_step_also_in_an_executor() -> None:
    with opened(check_same_thread=False) as db:
        remember([db])

        async def call() -> None:
            await asyncio.to_thread(plainly, db)
            plainly(db)

        assert in_steps(call) == [ADD, "COMMIT"] * 2
        remember([])
        assert sys.getprofile() is None


def test_a_statement_keeps_its_number_where_another_thread_comes_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    def call() -> None:
        with opened(factory=OwnWays) as db:
            plainly(db)

    def visit(world: Stay) -> Run:
        verb, others = sql.verb, iter(["shop.py:7"])

        def interrupted(statement: str) -> str:
            for other in others:
                world.pause_of(other)
            return verb(statement)

        monkeypatch.setattr(sql, "verb", interrupted)
        with world.in_steps():
            return world.call(call, {})

    assert [(step.method, step.body.decode()) for step in stay(visit).steps] == [("PAUSE", ""), ("UPDATE", ADD), ("COMMIT", "COMMIT")]


def test_nothing_is_a_step_where_nobody_asks() -> None:
    def call() -> None:
        with opened() as db:
            plainly(db)

    assert enter(call).steps == ()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="autocommit")
def test_without_autocommit_a_connection_that_has_read_is_told_at_once_that_another_one_was_first() -> None:
    def call() -> tuple[str, float]:
        with opened(autocommit=True) as second, opened(autocommit=False, timeout=30) as first:
            second.execute("PRAGMA journal_mode = WAL").fetchall()
            first.execute("SELECT micros FROM spent").fetchall()
            second.execute(ADD)
            before = time.monotonic()
            try:
                first.execute(ADD)
            except sqlite3.OperationalError as error:
                return str(error), time.monotonic() - before
        return "written", 0.0

    run = enter(call)
    assert run.raised is None
    message, seconds = run.value  # type: ignore[misc]
    assert message == "database is locked"
    assert seconds < 0.1


def test_a_statement_that_is_held_back_keeps_nobody_else_waiting() -> None:
    def add() -> float:
        with opened(isolation_level=None) as db:
            db.execute(ADD)
        return time.monotonic()

    def call() -> tuple[float, float]:
        found: list[float] = []
        thread = threading.Thread(target=lambda: found.append(add()))
        thread.start()
        time.sleep(0.01)
        found.append(add())
        thread.join()
        return found[0], found[1]

    def visit(world: Stay) -> Run:
        with world.in_steps():
            world.hold(0, 0.5)
            return world.call(call, {})

    second, first = stay(visit).value  # type: ignore[misc]
    assert first - second == pytest.approx(0.49, abs=0.02)


# -- what is put back


def micros(db: sqlite3.Connection) -> Any:
    return db.execute("SELECT micros FROM spent").fetchone()[0]


def test_a_database_holds_again_what_it_held_whatever_was_done_to_it() -> None:
    def spoil() -> None:
        with opened() as db, db:
            db.execute(ADD)
            db.execute("CREATE TABLE more (name TEXT)")
        with closing(sqlite3.connect("another.db")) as db, db:
            db.execute("CREATE TABLE t (x)")
        left_open.append(sqlite3.connect("budget.db"))
        left_open[0].execute(ADD)

    def added() -> None:
        with opened() as db:
            plainly(db)

    def found() -> Any:
        with opened() as db:
            return micros(db)

    def tables() -> list[Any]:
        found = []
        for name in ("budget.db", "another.db"):
            with closing(sqlite3.connect(name)) as db:
                found.append(sorted(row[0] for row in db.execute("SELECT name FROM sqlite_master")))
        return found

    def visit(world: Stay) -> tuple[Any, Any, bool]:
        world.call(added, {})
        with world.undone():
            world.call(spoil, {})
        return world.call(tables, {}).value, world.call(found, {}).value, world.forgotten

    left_open: list[sqlite3.Connection] = []
    assert stay(visit) == ([["spent"], []], 1, False)
    left_open[0].close()


def test_a_database_in_memory_and_one_that_an_older_connection_leads_to_hold_again_what_they_held() -> None:
    with closing(sqlite3.connect(":memory:")) as kept, opened() as led:
        kept.execute("CREATE TABLE spent (micros INTEGER)")
        kept.execute("INSERT INTO spent VALUES (5)")
        kept.commit()
        remember([kept, led])

        def visit(world: Stay) -> tuple[Any, ...]:
            with world.undone():
                world.call(lambda: (plainly(kept), plainly(led)), {})
                meanwhile = world.call(lambda: (micros(kept), micros(led)), {}).value
            return meanwhile, world.call(lambda: (micros(kept), micros(led)), {}).value

        assert stay(visit) == ((6, 1), (5, 0))
        remember([])


def test_that_somebody_holds_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    def visit(world: Stay) -> bool:
        with world.undone():
            pass
        return world.forgotten

    monkeypatch.setattr(State, "put_back", busy)
    assert stay(visit)
