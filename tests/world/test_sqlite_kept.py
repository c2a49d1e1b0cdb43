"""Connections to SQLite that outlive a run, or are older: the user's own database is never written to, and what was set on them stays."""

from __future__ import annotations

import concurrent.futures
import errno
import gc
import os
import queue
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from pytest_agentready.domain import Run
from pytest_agentready.world import runs
from pytest_agentready.world.files.overlay import Overlay
from pytest_agentready.world.granted import Grant, granted
from pytest_agentready.world.sqlite import older as older_module
from pytest_agentready.world.sqlite import ways
from pytest_agentready.world.sqlite.databases import connect_for_real
from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as made, made:
        made.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)")
        made.execute("INSERT INTO orders (item) VALUES ('tea')")
    return tmp_path / "shop.db"


@pytest.fixture
def mine(shop: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is older than any run."""
    with closing(sqlite3.connect("shop.db")) as connection:
        yield connection


def items(name: str | Path = "shop.db") -> list[str]:
    with closing(connect_for_real(name)) as found:
        return [item for (item,) in found.execute("SELECT item FROM orders ORDER BY id")]


def buying(connection: sqlite3.Connection, also: Callable[[], object] = lambda: None) -> Callable[[], int]:
    def buy() -> int:
        with connection:
            connection.execute("INSERT INTO orders (item) VALUES ('cup')")
        with runs.bypassed():
            also()
        return int(connection.execute("SELECT count(*) FROM orders").fetchone()[0])

    return buy


def verbs(run: Run) -> list[str]:
    assert run.returned, (run.raised, run.ending)
    return [effect.verb for effect in run.local_effects]


# --- older ones of a file


def test_what_another_writer_commits_meanwhile_stays(mine: sqlite3.Connection) -> None:
    def write() -> None:
        with closing(connect_for_real("shop.db")) as other, other:
            other.execute("INSERT INTO orders (item) VALUES ('of another')")

    run = enter(buying(mine, write))
    assert verbs(run) == ["INSERT"]
    assert items() == ["tea", "of another"]
    assert [item for (item,) in mine.execute("SELECT item FROM orders")] == ["tea", "of another"]


def test_the_users_file_is_not_even_written_to_for_a_while(mine: sqlite3.Connection, shop: Path) -> None:
    before, seen = shop.read_bytes(), []
    run = enter(buying(mine, lambda: seen.append(shop.read_bytes())))
    assert run.value == 2
    assert seen == [before]
    assert shop.read_bytes() == before


def test_what_was_set_on_it_stays(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sqlite3.converters, "YEAR", int)
    with closing(sqlite3.connect("shop.db", timeout=7, detect_types=sqlite3.PARSE_COLNAMES, isolation_level="IMMEDIATE")) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        cursor = connection.cursor()

        def look() -> tuple[Any, ...]:
            pragmas = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("busy_timeout", "foreign_keys")]
            (row,) = cursor.execute("SELECT '2026' AS 'year [year]', item FROM orders")
            return (*pragmas, row["item"], row[0], connection.isolation_level)

        assert enter(look).value == look() == (7000, 1, "tea", 2026, "IMMEDIATE")
        refused: list[type[Exception]] = []

        def try_it() -> None:
            try:
                connection.cursor()
            except sqlite3.Error as error:
                refused.append(type(error))

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        assert refused == [sqlite3.ProgrammingError]


def test_one_of_a_pool_of_sqlalchemy_is_led_with_its_functions(shop: Path) -> None:
    engine = sqlalchemy.create_engine("sqlite:///shop.db")
    sqlalchemy.Table("labels", metadata := sqlalchemy.MetaData(), sqlalchemy.Column("name", sqlalchemy.String))
    metadata.create_all(engine)  # as modules do when they are imported: the pool keeps the connection

    def buy() -> list[object]:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("INSERT INTO orders (item) VALUES ('cup')"))
            return list(connection.execute(sqlalchemy.text("SELECT item FROM orders WHERE item REGEXP '^c'")).scalars())

    try:
        for _ in range(2):
            run = enter(buy)
            assert (run.value, verbs(run), run.refused) == (["cup"], ["INSERT"], ())
            assert items() == ["tea"]
        assert buy() == ["cup"]
        assert items() == ["tea", "cup"]
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    "prepare",
    [
        lambda mine: mine.create_function("shout", 1, str.upper),
        lambda mine: mine.execute("CREATE TEMP TABLE scratch (a)"),
        lambda mine: mine.execute("ATTACH ':memory:' AS other"),
        lambda mine: mine.execute("INSERT INTO orders (item) VALUES ('in a transaction')"),
    ],
)
def test_one_that_cannot_be_led_to_a_copy_may_only_read_and_the_run_tells(mine: sqlite3.Connection, prepare: Any, shop: Path) -> None:
    prepare(mine)
    assert enter(lambda: len(mine.execute("SELECT * FROM orders").fetchall())).returned
    run = enter(buying(mine))
    assert run.raised is not None
    assert run.raised.message == "attempt to write a readonly database"
    (refused,) = run.refused
    assert refused.startswith(f"a change of the database {os.path.realpath(shop)} by a connection that is older than the run (")
    assert items() == ["tea"]
    held = ["in a transaction"] if mine.in_transaction else []
    buying(mine)()
    assert items() == ["tea", *held, "cup"]


@pytest.mark.parametrize("broken", [b"no database at all" * 99, None])
def test_one_that_cannot_even_be_read_stands_in_nobodys_way(shop: Path, broken: bytes | None) -> None:
    with closing(sqlite3.connect("shop.db", timeout=0)) as connection, closing(sqlite3.connect("shop.db")) as holder:
        if broken:
            shop.write_bytes(broken)
        else:
            holder.execute("BEGIN EXCLUSIVE")
        assert enter(lambda: 1 if connection else 0).value == 1
        assert enter(buying(connection)).raised is not None


def test_one_that_only_reads_still_does_so_afterwards(shop: Path) -> None:
    with closing(sqlite3.connect("file:shop.db?mode=ro", uri=True)) as connection:
        assert enter(lambda: connection.execute("SELECT item FROM orders").fetchall()).value == [("tea",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            buying(connection)()


def test_in_the_runs_own_folder_what_others_have_written_stays_too(mine: sqlite3.Connection, tmp_path: Path) -> None:
    def write() -> None:
        with closing(connect_for_real("shop.db")) as other, other:
            other.execute("INSERT INTO orders (item) VALUES ('of another')")

    with granted(Grant(own=(str(tmp_path),))):
        assert verbs(enter(buying(mine))) == ["INSERT"]
        assert items() == ["tea"]
        enter(buying(mine, write))
        assert items() == ["tea", "cup", "of another"]


def test_where_it_cannot_be_put_back_that_is_our_own_failure(
    mine: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def fails(source: Any, target: Any) -> None:
        if target is mine:
            tried.append(1)
            raise sqlite3.OperationalError("database is locked")
        source.backup(target)

    monkeypatch.setattr(older_module, "back_up", fails)
    monkeypatch.setattr(older_module, "PAUSE", 0.0)
    with granted(Grant(own=(str(tmp_path),))), pytest.raises(sqlite3.OperationalError, match="locked"):
        enter(buying(mine))
    assert len(tried) == older_module.TRIES


# --- of other threads


class Local(threading.local):
    connection: sqlite3.Connection | None = None


def buying_in_a_pool(pool: concurrent.futures.Executor, local: Local, **setting: Any) -> Callable[[], int]:
    def job() -> int:
        if local.connection is None:
            local.connection = sqlite3.connect("shop.db")
        return buying(local.connection)()

    return lambda: pool.submit(job).result()


def test_the_older_connection_of_a_pools_thread_is_led_to_the_copy_by_that_thread(shop: Path) -> None:
    local = Local()

    def warm() -> sqlite3.Connection:
        local.connection = sqlite3.connect("shop.db")
        return local.connection

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        connection = pool.submit(warm).result()
        call = buying_in_a_pool(pool, local)
        call.__dict__["connection"] = connection
        for _ in range(2):
            run = enter(call)
            assert run.value == 2
            assert verbs(run) == ["INSERT"]
            assert items() == ["tea"]
        pool.submit(connection.close).result()


def test_one_that_a_run_has_made_in_a_pools_thread_leads_to_the_real_database_and_to_the_next_copy(shop: Path) -> None:
    local = Local()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = buying_in_a_pool(pool, local)
        for _ in range(3):
            run = enter(call)
            assert run.value == 2
            assert verbs(run) == ["INSERT"]
            assert items() == ["tea"]
        pool.submit(lambda: local.connection and local.connection.close()).result()


class Worker:
    """A thread with a queue, and a connection of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connection: sqlite3.Connection | None = None
        self.jobs: queue.Queue[queue.Queue[int] | None] = queue.Queue()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        connection = self.connection = sqlite3.connect(self.name)
        connection.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT)")
        while (answer := self.jobs.get()) is not None:
            answer.put(buying(connection)())
        connection.close()

    def buy(self) -> int:
        answer: queue.Queue[int] = queue.Queue()
        self.jobs.put(answer)
        return answer.get()

    def end(self) -> None:
        self.jobs.put(None)
        self.thread.join()


def test_that_of_an_older_thread_which_waits_for_work_is_told_of(shop: Path) -> None:
    worker = Worker(":memory:")
    assert worker.buy() == 1
    run = enter(worker.buy)
    assert run.refused == ("a connection to SQLite that belongs to a thread which is older than the run",)
    worker.end()


@pytest.mark.parametrize("name", [":memory:", "shop.db"])
def test_that_of_a_thread_which_a_run_has_begun_is_seen_in_the_next(shop: Path, name: str) -> None:
    workers: list[Worker] = []

    def buy() -> int:
        if not workers:
            workers.append(Worker(name))
        return workers[0].buy()

    runs = [enter(buy) for _ in range(3)]
    assert [verbs(run) for run in runs[1:]] == [["INSERT"]] * 2
    assert not any(run.refused for run in runs)
    assert items() == ["tea"]
    workers[0].end()


# --- that a run has made and kept

kept: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def none_kept() -> Iterator[None]:
    yield
    while kept:
        kept.pop().close()


def kept_one(name: str, prepare: Callable[[sqlite3.Connection], object] = lambda _: None) -> sqlite3.Connection:
    if not kept:
        kept.append(sqlite3.connect(name))
        prepare(kept[0])
    return kept[0]


def test_a_new_database_leaves_no_file_behind(tmp_path: Path) -> None:
    def make() -> None:
        os.mkdir("folder")
        os.chdir("folder")
        kept_one("new.db")
        os.chdir("..")

    enter(make)
    assert sorted(os.listdir(".")) == ["shop.db"]
    assert kept[0].execute("PRAGMA database_list").fetchall()[0][2] == ""


def test_after_a_change_of_the_directory_it_leads_to_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    os.rename("shop.db", "here/shop.db")

    def buy() -> int:
        os.chdir(tmp_path / "here")
        return buying(kept_one("shop.db"))()

    for _ in range(2):
        assert enter(buy).value == 2
        assert os.listdir(tmp_path) == ["here"]
        assert kept[0].execute("PRAGMA database_list").fetchall()[0][2] == os.path.realpath(tmp_path / "here" / "shop.db")


def test_the_tables_that_it_has_made_when_it_was_made_are_there_in_later_runs(tmp_path: Path) -> None:
    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT UNIQUE)")
        connection.execute("PRAGMA user_version = 3")

    def buy() -> tuple[int, int]:
        connection = kept_one("new.db", prepare)
        return buying(connection)(), connection.execute("PRAGMA user_version").fetchone()[0]

    runs = [enter(buy) for _ in range(3)]
    assert [run.value for run in runs] == [(1, 3)] * 3
    assert [verbs(run) for run in runs] == [["CREATE", "INSERT"], ["INSERT"], ["INSERT"]]
    assert os.listdir(tmp_path) == ["shop.db"]


def test_its_functions_collations_and_pragmas_are_there_in_later_runs(shop: Path) -> None:
    class Longest:
        def __init__(self) -> None:
            self.found = ""

        def step(self, item: str) -> None:
            self.found = max(self.found, item, key=len)

        def finalize(self) -> str:
            return self.found

    def prepare(connection: sqlite3.Connection) -> None:
        connection.create_function("shout", 1, str.upper)
        connection.create_aggregate("longest", 1, Longest)  # type: ignore[arg-type]
        connection.create_collation("backwards", lambda one, other: (one < other) - (one > other))
        connection.execute("PRAGMA foreign_keys = ON")

    def look() -> tuple[Any, ...]:
        connection = kept_one("shop.db", prepare)
        (row,) = connection.execute("SELECT shout(item), longest(item) FROM orders ORDER BY item COLLATE backwards")
        return *row, connection.execute("PRAGMA foreign_keys").fetchone()[0]

    assert [enter(look).value for _ in range(3)] == [("TEA", "tea", 1)] * 3
    assert look() == ("TEA", "tea", 1)


def test_a_transaction_that_the_code_has_begun_in_between_is_not_written_by_a_run(shop: Path) -> None:
    enter(lambda: kept_one("shop.db"))
    kept[0].execute("INSERT INTO orders (item) VALUES ('of the test')")
    run = enter(buying(kept[0]))
    assert run.refused
    assert enter(kept[0].rollback).returned
    assert enter(kept[0].commit).returned
    assert items() == ["tea"]
    kept[0].commit()
    assert items() == ["tea", "of the test"]


def test_one_in_memory_is_seen_in_each_later_run(shop: Path) -> None:
    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)")

    runs = [enter(lambda: buying(kept_one(":memory:", prepare))()) for _ in range(4)]
    assert [verbs(run) for run in runs[1:]] == [["INSERT"]] * 3
    assert [run.value for run in runs[1:]] == [2] * 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="autocommit")
def test_one_that_is_always_in_a_transaction_is_led_too(shop: Path) -> None:
    def buy() -> int:
        if not kept:
            kept.append(sqlite3.connect("shop.db", autocommit=False))  # type: ignore[call-arg,unused-ignore]
        kept[0].execute("INSERT INTO orders (item) VALUES ('cup')")
        kept[0].commit()
        return int(kept[0].execute("SELECT count(*) FROM orders").fetchone()[0])

    assert [enter(buy).value for _ in range(3)] == [2] * 3
    assert items() == ["tea"]


def test_one_that_nobody_refers_to_is_freed_when_it_would_be_in_life(shop: Path) -> None:
    """From Python 3.11 on sqlite3 itself makes a cycle, which the collector has to find."""

    def is_freed() -> bool:
        connection = sqlite3.connect("shop.db")
        gone = weakref.ref(connection)
        del connection
        return gone() is None

    def held_by_nothing_else() -> int:
        connection = sqlite3.connect("shop.db")
        connection.set_trace_callback(print)
        return sum(1 for found in gc.get_referrers(connection) if callable(found) and type(found).__name__ != "_lru_cache_wrapper")

    assert enter(is_freed).value is (sys.version_info < (3, 11))
    assert enter(held_by_nothing_else).value == 0


def test_one_whose_folder_was_there_for_its_run_alone_is_seen_in_later_runs(tmp_path: Path) -> None:
    def buy() -> int:
        os.makedirs("folder", exist_ok=True)
        connection = kept_one("folder/new.db", lambda made: made.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)"))
        return buying(connection)()

    runs = [enter(buy) for _ in range(3)]
    assert [run.value for run in runs] == [1] * 3
    assert [[effect.verb for effect in run.local_effects if effect.kind == "statement"] for run in runs[1:]] == [["INSERT"]] * 2
    assert os.listdir(".") == ["shop.db"]


# --- large ones


@pytest.fixture
def large(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Larger than what is copied at once."""
    monkeypatch.setattr(ways, "SMALL", 0)
    return shop


def is_real(connection: sqlite3.Connection, shop: Path) -> bool:
    return bool(connection.execute("PRAGMA database_list").fetchall()[0][2] == os.path.realpath(shop))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="copied at once")
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_large_one_is_copied_when_something_is_written(large: Path, mode: str) -> None:
    with closing(sqlite3.connect("shop.db")) as made:
        made.execute(f"PRAGMA journal_mode = {mode}")

    def read_and_buy() -> list[Any]:
        with closing(sqlite3.connect("shop.db")) as reader, closing(sqlite3.connect("shop.db")) as writer:
            writer.create_function("shout", 1, str.upper)
            found: list[Any] = [is_real(writer, large), list(writer.execute("SELECT item FROM orders"))]
            rows = writer.execute("SELECT id FROM orders")
            writer.execute("BEGIN")
            assert next(rows) == (1,)
            writer.execute("INSERT INTO orders (item) VALUES (shout('cup'))")
            assert list(rows) == []
            writer.commit()
            return [*found, is_real(writer, large), list(reader.execute("SELECT item FROM orders")), is_real(reader, large)]

    run = enter(read_and_buy)
    assert verbs(run) == ["INSERT"]
    assert not run.refused
    assert run.value == [True, [("tea",)], False, [("tea",), ("CUP",)], False]
    assert items() == ["tea"]
    assert os.listdir(".") == ["shop.db"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="copied at once")
def test_so_is_one_that_is_kept(large: Path) -> None:
    for _ in range(2):
        assert enter(lambda: is_real(kept_one("shop.db"), large)).value is True
        run = enter(lambda: buying(kept_one("shop.db"))())
        assert (run.value, verbs(run)) == (2, ["INSERT"])
        assert items() == ["tea"]


def test_one_that_is_too_large_to_be_copied_can_be_read(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "MOST", 0)

    def work(sql: str) -> list[Any]:
        with closing(sqlite3.connect("shop.db")) as connection:
            return connection.execute(sql).fetchall()

    run = enter(work, arguments={"sql": "SELECT item FROM orders"})
    assert run.value == [("tea",)]
    assert not run.refused
    run = enter(work, arguments={"sql": "DELETE FROM orders"})
    assert run.refused == (f"a change of the database {os.path.realpath(large)} (it is too large to be copied for it)",)
    assert items() == ["tea"]


def test_one_for_whose_copy_there_is_no_room_may_only_read(mine: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, path: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(Overlay, "bring_up", full)
    assert enter(lambda: len(mine.execute("SELECT * FROM orders").fetchall())).value == 1
    run = enter(buying(mine))
    (refused,) = run.refused
    assert "No space left on device" in refused
    assert items() == ["tea"]


def test_so_is_one_that_an_earlier_run_has_kept_and_it_is_led_to_a_copy_again_where_there_is_room() -> None:
    def keep() -> int:
        if not kept:
            kept.append(sqlite3.connect("shop.db"))
        return buying(kept[0])()

    def full(self: object, path: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    assert enter(keep).value == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Overlay, "bring_up", full)
        assert "No space left on device" in enter(keep).refused[0]
    assert enter(keep).value == 2
    assert items() == ["tea"]


# --- backups


def test_a_backup_into_another_file_is_an_effect(tmp_path: Path) -> None:
    def save(name: str) -> None:
        with closing(sqlite3.connect("shop.db")) as source, closing(sqlite3.connect(name)) as target:
            source.backup(target)

    for name, verb in (("saved.db", "create"), ("other.db", "change")):
        if verb == "change":
            with closing(sqlite3.connect(name)) as made, made:
                made.execute("CREATE TABLE t (a)")
        run = enter(save, arguments={"name": name})
        assert [(effect.kind, effect.verb, effect.target) for effect in run.local_effects] == [("file", verb, os.path.realpath(name))]
    assert sorted(os.listdir(tmp_path)) == ["other.db", "shop.db"]


def test_a_backup_into_memory_is_none(shop: Path) -> None:
    def load() -> int:
        with closing(sqlite3.connect("shop.db")) as source, closing(sqlite3.connect(":memory:")) as target:
            source.backup(target)
            return len(target.execute("SELECT * FROM orders").fetchall())

    run = enter(load)
    assert (run.value, verbs(run)) == (1, [])


@pytest.mark.parametrize("begun", [False, True])
def test_a_backup_between_connections_that_are_older_than_the_run_is_an_effect(tmp_path: Path, begun: bool) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect("shop.db")) as source, closing(sqlite3.connect(copy)) as target:
        if begun:
            target.execute("CREATE TABLE old (id)")
        run = enter(lambda: (source.backup(target), target.execute("SELECT item FROM orders").fetchall()))
        assert run.value == (None, [("tea",)])
        assert [(effect.verb, effect.target) for effect in run.local_effects] == [("change" if begun else "create", str(copy))]
        assert target.execute("SELECT name FROM sqlite_master").fetchall() == ([("old",)] if begun else [])


def test_a_backup_by_an_older_connection_into_one_of_the_run_is_an_effect(tmp_path: Path) -> None:
    def call(source: sqlite3.Connection) -> None:
        with closing(sqlite3.connect(tmp_path / "copy.db")) as target:
            source.backup(target)

    with closing(sqlite3.connect("shop.db")) as older:
        run = enter(lambda: call(older))
    assert [(effect.verb, effect.target) for effect in run.local_effects] == [("create", str(tmp_path / "copy.db"))]
    assert not (tmp_path / "copy.db").exists()


def test_nothing_is_backed_up_into_an_older_connection_that_may_only_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect("shop.db")) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as target:
        target.execute("CREATE TABLE old (id)")
        target.create_function("of_its_own", 0, lambda: 1)
        run = enter(lambda: source.backup(target))
        assert run.raised is not None
        assert run.raised.message == "destination database is in use"
        assert target.execute("SELECT name FROM sqlite_master").fetchall() == [("old",)]
        target.execute("DROP TABLE old")  # nothing is held any more


def test_the_schema_that_another_connection_has_changed_is_no_backup() -> None:
    def call() -> None:
        with closing(sqlite3.connect("shop.db")) as first, closing(sqlite3.connect("shop.db")) as second:
            first.execute("SELECT * FROM orders").fetchall()
            second.execute("CREATE TABLE more (id)")

    assert [effect.verb for effect in enter(call).local_effects] == ["CREATE"]
