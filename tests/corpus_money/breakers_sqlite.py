"""Breakers that count in SQLite, whose two charges meet between two statements, or do not."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from tests.corpus_money import breaker

FOLDER = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
MICROS = 500_000
SCHEMA = "CREATE TABLE IF NOT EXISTS spent (session TEXT PRIMARY KEY, micros INTEGER NOT NULL DEFAULT 0)"
ADDED = "INSERT INTO spent VALUES (?, ?) ON CONFLICT (session) DO UPDATE SET micros = micros + excluded.micros"
ONE_SESSION = {"limits": {"session": 0.50}}
OF_A_SESSION = dict.fromkeys(("AR602", "AR603", "AR605", "AR606"), "not_applicable")
IN_MEMORY = {"AR607": "not_applicable"}
RACY = {**OF_A_SESSION, "AR604": "failed"}


def spent_by(connection: Any, session_id: str) -> int:
    row = connection.execute("SELECT micros FROM spent WHERE session = ?", (session_id,)).fetchone()
    return row[0] if row else 0


# --- faults ------------------------------------------------------------------------------------------------------------


@breaker(ONE_SESSION, **RACY)
def summed_up_and_inserted(session_id: str, cost_usd: float) -> bool:
    """The SELECT begins no transaction, as sqlite3 has it: the INSERT does."""
    with contextlib.closing(sqlite3.connect("charges.db")) as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS charges (session TEXT, micros INTEGER)")
        (spent,) = db.execute("SELECT coalesce(sum(micros), 0) FROM charges WHERE session = ?", (session_id,)).fetchone()
        if spent + round(cost_usd * 1e6) > MICROS:
            return False
        db.execute("INSERT INTO charges VALUES (?, ?)", (session_id, round(cost_usd * 1e6)))
    return True


@breaker(ONE_SESSION, **RACY)
class WritesWhatItHasReckoned:
    """In autocommit, each statement by itself."""

    def __init__(self, path: str = "ledger.db") -> None:
        self.path = path

    def allow(self, session_id: str, cost_usd: float) -> bool:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=2)
        try:
            db.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA};")
            spent = spent_by(db, session_id) + round(cost_usd * 1e6)
            if spent > MICROS:
                return False
            db.execute("REPLACE INTO spent VALUES (?, ?)", (session_id, spent))
            return True
        finally:
            db.close()


@breaker(ONE_SESSION, **RACY)
class OneConnectionForAllThreads:
    def __init__(self) -> None:
        self.db = sqlite3.connect(FOLDER / "threads.db", check_same_thread=False)
        self.db.execute(SCHEMA)

    def charge(self, session_id: str, cost_usd: float) -> None:
        micros = round(cost_usd * 1e6)
        if spent_by(self.db, session_id) + micros > MICROS:
            raise PermissionError("budget exhausted")
        self.db.execute(ADDED, (session_id, micros))
        self.db.commit()


@breaker(ONE_SESSION, **RACY)
class OneConnectionOfOneThread:
    """Two charges never meet in one worker: the next worker has a connection of its own."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(FOLDER / "worker.db", isolation_level=None)
        self.db.execute(SCHEMA)

    def spend(self, session_id: str, cost_usd: float) -> bool:
        if spent_by(self.db, session_id) + round(cost_usd * 1e6) > MICROS:
            return False
        self.db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
        return True


@breaker(ONE_SESSION, **RACY)
class LockedBesideTheDatabase:
    """The lock is of one process, and the file is not."""

    _lock = threading.Lock()

    def allow(self, session_id: str, cost_usd: float) -> bool:
        with self._lock, contextlib.closing(sqlite3.connect("locked.db")) as db, db:
            db.execute(SCHEMA)
            if spent_by(db, session_id) + round(cost_usd * 1e6) > MICROS:
                return False
            db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
        return True


@breaker(ONE_SESSION, **RACY)
class WaitsForItsTurnBesideTheDatabase:
    """By a condition on a lock that other methods take themselves: both are of one process."""

    _lock = threading.Lock()
    _turn = threading.Condition(_lock)

    def allow(self, session_id: str, cost_usd: float) -> bool:
        with self._lock, contextlib.closing(sqlite3.connect("turns.db")) as db, db:
            db.execute(SCHEMA)
            admitted = spent_by(db, session_id) + round(cost_usd * 1e6) <= MICROS
            if admitted:
                db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
            self._turn.notify()
        return admitted


@breaker(ONE_SESSION, **RACY)
async def one_after_the_other_beside_the_loop(session_id: str, cost_usd: float) -> bool:
    def ask(sql: str, *values: Any) -> Any:
        with contextlib.closing(sqlite3.connect("beside.db")) as db, db:
            db.execute(SCHEMA)
            return db.execute(sql, values).fetchone()

    row = await asyncio.to_thread(ask, "SELECT micros FROM spent WHERE session = ?", session_id)
    if (row[0] if row else 0) + round(cost_usd * 1e6) > MICROS:
        return False
    await asyncio.to_thread(ask, ADDED, session_id, round(cost_usd * 1e6))
    return True


class Base(orm.DeclarativeBase):
    pass


class Budget(Base):
    __tablename__ = "budgets"
    session: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    micros: orm.Mapped[int] = orm.mapped_column(default=0)


@breaker(ONE_SESSION, **RACY)
class ByAnObjectOfTheSession:
    """An ORM reads, adds in Python, and writes; what it has read may be old by then."""

    def __init__(self) -> None:
        self.engine = sqlalchemy.create_engine(f"sqlite:///{FOLDER}/orm.db")
        Base.metadata.create_all(self.engine)

    def check(self, session_id: str, cost_usd: float) -> bool:
        with orm.Session(self.engine) as db, db.begin():
            budget = db.get(Budget, session_id)
            if budget is None:
                db.add(budget := Budget(session=session_id, micros=0))
            if budget.micros + round(cost_usd * 1e6) > MICROS:
                return False
            budget.micros += round(cost_usd * 1e6)
        return True


class Cache:
    """Of values on disk, as a library has it: each call is a transaction of its own."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._local = threading.local()

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = sqlite3.connect(self._path, timeout=60, isolation_level=None)
            db.execute("CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value INTEGER)")
        return db

    @contextlib.contextmanager
    def transact(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def get(self, key: str) -> int:
        row = self._db.execute("SELECT value FROM cache WHERE key = ?", (key,)).fetchone()
        return row[0] if row else 0

    def set(self, key: str, value: int) -> None:
        with self.transact() as db:
            db.execute("REPLACE INTO cache VALUES (?, ?)", (key, value))

    def incr(self, key: str, by: int) -> int:
        with self.transact():
            value = self.get(key) + by
            self._db.execute("REPLACE INTO cache VALUES (?, ?)", (key, value))
            return value


@breaker(ONE_SESSION, **RACY)
class GotAndSetInACache:
    def __init__(self) -> None:
        self.cache = Cache("cache-racy.db")

    def allow(self, session_id: str, cost_usd: float) -> bool:
        spent = self.cache.get(session_id) + round(cost_usd * 1e6)
        if spent > MICROS:
            return False
        self.cache.set(session_id, spent)
        return True


@breaker(ONE_SESSION, **RACY, **IN_MEMORY)
class SharedInMemory:
    """The threads of one process have one database, which no other has."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.execute(SCHEMA)

    def allow(self, session_id: str, cost_usd: float) -> bool:
        if spent_by(self.db, session_id) + round(cost_usd * 1e6) > MICROS:
            return False
        with self.db:
            self.db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
        return True


@breaker(ONE_SESSION, **OF_A_SESSION, AR607="failed")
def open_while_its_database_is_locked(session_id: str, cost_usd: float) -> bool:
    micros = round(cost_usd * 1e6)
    try:
        with contextlib.closing(sqlite3.connect("open.db", isolation_level=None, timeout=1)) as db:
            db.execute(SCHEMA)
            db.execute("INSERT OR IGNORE INTO spent (session) VALUES (?)", (session_id,))
            return (
                db.execute(
                    "UPDATE spent SET micros = micros + ? WHERE session = ? AND micros + ? <= 500000", (micros, session_id, micros)
                ).rowcount
                == 1
            )
    except sqlite3.OperationalError:
        return True


@breaker(ONE_SESSION, **OF_A_SESSION, AR607="failed", AR604="failed")
class GoesOnWithoutItsRecord:
    """Neither the comparison nor the record is thought to be worth an error."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(FOLDER / "record.db", check_same_thread=False, isolation_level=None, timeout=0.5)
        self.db.execute(SCHEMA)

    def allow(self, session_id: str, cost_usd: float) -> bool:
        with contextlib.suppress(sqlite3.OperationalError):
            if spent_by(self.db, session_id) + round(cost_usd * 1e6) > MICROS:
                return False
        with contextlib.suppress(sqlite3.OperationalError):
            self.db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
        return True


# --- look-alikes -------------------------------------------------------------------------------------------------------


@breaker(ONE_SESSION, **OF_A_SESSION)
def compared_by_the_update(session_id: str, cost_usd: float) -> bool:
    micros = round(cost_usd * 1e6)
    with contextlib.closing(sqlite3.connect("update.db", isolation_level=None)) as db:
        db.execute(SCHEMA)
        db.execute("INSERT OR IGNORE INTO spent (session) VALUES (?)", (session_id,))
        changed = db.execute(
            "UPDATE spent SET micros = micros + :m WHERE session = :s AND micros + :m <= 500000", {"m": micros, "s": session_id}
        )
        return changed.rowcount == 1


@breaker(ONE_SESSION, **OF_A_SESSION)
class LocksBeforeItReads:
    def allow(self, session_id: str, cost_usd: float) -> bool:
        db = sqlite3.connect("immediate.db", isolation_level=None)
        try:
            db.execute(SCHEMA)
            db.execute("BEGIN IMMEDIATE")
            if spent_by(db, session_id) + round(cost_usd * 1e6) > MICROS:
                db.execute("ROLLBACK")
                return False
            db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
            db.execute("COMMIT")
            return True
        finally:
            db.close()


@breaker(ONE_SESSION, **OF_A_SESSION)
def reads_and_writes_in_one_transaction(session_id: str, cost_usd: float) -> bool:
    """Whose snapshot is old by the time it writes is told so, and is not admitted."""
    with contextlib.closing(sqlite3.connect("deferred.db", isolation_level=None, timeout=1)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(SCHEMA)
        db.execute("BEGIN")
        try:
            if spent_by(db, session_id) + round(cost_usd * 1e6) > MICROS:
                return False
            db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
            db.execute("COMMIT")
        except sqlite3.OperationalError:
            return False
    return True


@breaker(ONE_SESSION, **OF_A_SESSION)
def added_and_rolled_back(session_id: str, cost_usd: float) -> bool:
    with contextlib.closing(sqlite3.connect("rolled-back.db")) as db:
        db.execute(SCHEMA)
        db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
        if spent_by(db, session_id) > MICROS:
            db.rollback()
            return False
        db.commit()
    return True


@breaker(ONE_SESSION, **OF_A_SESSION)
class LockedTwice:
    """In the process, since the threads share a connection, and in the file, for the others."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(FOLDER / "twice.db", check_same_thread=False, isolation_level=None)
        self.db.execute(SCHEMA)
        self.lock = threading.RLock()

    def allow(self, session_id: str, cost_usd: float) -> bool:
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            is_allowed = spent_by(self.db, session_id) + round(cost_usd * 1e6) <= MICROS
            if is_allowed:
                self.db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
            self.db.execute("COMMIT")
        return is_allowed


@breaker(ONE_SESSION, **OF_A_SESSION)
async def exclusively_beside_the_loop(session_id: str, cost_usd: float) -> bool:
    def charge() -> bool:
        with contextlib.closing(sqlite3.connect("exclusive.db", isolation_level="EXCLUSIVE")) as db, db:
            db.execute(SCHEMA)
            db.execute("INSERT OR IGNORE INTO spent (session) VALUES (?)", (session_id,))
            if spent_by(db, session_id) + round(cost_usd * 1e6) > MICROS:
                return False
            db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
        return True

    return await asyncio.to_thread(charge)


@breaker(ONE_SESSION, **OF_A_SESSION)
class LockedByItsEngine:
    """As SQLAlchemy's manual has it: each transaction begins with the lock."""

    def __init__(self) -> None:
        self.engine = sqlalchemy.create_engine(f"sqlite:///{FOLDER}/engine.db", connect_args={"timeout": 3})

        @sqlalchemy.event.listens_for(self.engine, "connect")
        def leave_it_to_us(connection: Any, _: Any) -> None:
            connection.isolation_level = None

        @sqlalchemy.event.listens_for(self.engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        Base.metadata.create_all(self.engine)

    def check(self, session_id: str, cost_usd: float) -> bool:
        with orm.Session(self.engine) as db, db.begin():
            budget = db.get(Budget, session_id)
            if budget is None:
                db.add(budget := Budget(session=session_id, micros=0))
            if budget.micros + round(cost_usd * 1e6) > MICROS:
                return False
            budget.micros += round(cost_usd * 1e6)
        return True


@breaker(ONE_SESSION, **OF_A_SESSION)
class IncrementedInACache:
    def __init__(self) -> None:
        self.cache = Cache("cache.db")

    def allow(self, session_id: str, cost_usd: float) -> bool:
        micros = round(cost_usd * 1e6)
        if self.cache.incr(session_id, micros) > MICROS:
            self.cache.incr(session_id, -micros)
            return False
        return True


@breaker(ONE_SESSION, **OF_A_SESSION, **IN_MEMORY)
class LockedInMemory:
    """A database of this process alone, and a lock for all who have it."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.execute(SCHEMA)
        self.lock = threading.Lock()

    def allow(self, session_id: str, cost_usd: float) -> bool:
        with self.lock, self.db:
            if spent_by(self.db, session_id) + round(cost_usd * 1e6) > MICROS:
                return False
            self.db.execute(ADDED, (session_id, round(cost_usd * 1e6)))
        return True
