"""Breakers that keep their two charges apart by other means, or mean to: pauses, locks of their own, versions, reservations, files."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import sqlite3
import threading
import time
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

import redis

from tests.corpus_money import breaker
from tests.corpus_money.breakers import REDIS

MICROS = 500_000
ONE_SESSION = {"limits": {"session": 0.50}}
OF_A_SESSION = dict.fromkeys(("AR602", "AR603", "AR606"), "not_applicable")
HERE = {**OF_A_SESSION, "AR605": "not_applicable", "AR607": "not_applicable"}  # it counts on this machine
IN_SQLITE = {"AR607": "passed"}
RACY = {**OF_A_SESSION, "AR604": "failed"}
RACY_HERE = {**HERE, "AR604": "failed"}

# --- faults ------------------------------------------------------------------------------------------------------------


@breaker(ONE_SESSION, **RACY_HERE)
class TellsOthersInBetween:
    """In the memory of one loop: whoever is waiting for its turn gets it at the `await`."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, int] = defaultdict(int)
        self.told: asyncio.Queue[str] | None = None

    async def allow(self, session_id: str, cost_usd: float) -> bool:
        micros = round(cost_usd * 1e6)
        spent = self.spent[session_id]
        if spent + micros > MICROS:
            return False
        await self.tell(f"{session_id} spends ${cost_usd:.2f}")
        self.spent[session_id] = spent + micros
        return True

    async def tell(self, what: str) -> None:
        await asyncio.sleep(0.01)
        assert what


@breaker(ONE_SESSION, **RACY_HERE)
class ThinksForAWhile:
    def __init__(self) -> None:
        self.spent: dict[str, int] = {}

    def check(self, session_id: str, cost_usd: float) -> bool:
        spent = self.spent.get(session_id, 0) + round(cost_usd * 1e6)
        time.sleep(0.02)
        if spent <= MICROS:
            self.spent[session_id] = spent
        return spent <= MICROS


ADD_ONLY = REDIS.register_script("redis.call('EXPIRE', KEYS[1], 3600, 'NX') return redis.call('INCRBY', KEYS[1], ARGV[1])")


@breaker(ONE_SESSION, **RACY)
def a_script_behind_the_comparison(session_id: str, cost_usd: float) -> bool:
    """Atomic it is, and yet it only adds."""
    key, micros = f"spent:{session_id}", round(cost_usd * 1e6)
    REDIS.set(key, 0, ex=3_600, nx=True)
    if int(REDIS.get(key) or 0) + micros > MICROS:
        return False
    ADD_ONLY(keys=[key], args=[micros])
    return True


@breaker(ONE_SESSION, **RACY)
def watched_too_late(session_id: str, cost_usd: float) -> bool:
    key, micros = f"spent:{session_id}", round(cost_usd * 1e6)
    spent = int(REDIS.get(key) or 0) + micros
    if spent > MICROS:
        return False
    with REDIS.pipeline() as pipe:
        pipe.watch(key)
        pipe.multi()
        pipe.set(key, spent, ex=3_600)
        try:
            pipe.execute()
        except redis.WatchError:
            return False
    return True


@breaker(ONE_SESSION, **RACY)
def each_has_a_lock_of_its_own(session_id: str, cost_usd: float) -> bool:
    key, lock, micros = f"spent:{session_id}", f"lock:{uuid.uuid4()}", round(cost_usd * 1e6)
    if not REDIS.set(lock, "1", nx=True, ex=10):
        return False
    try:
        spent = int(REDIS.get(key) or 0) + micros
        if spent > MICROS:
            return False
        REDIS.set(key, spent, ex=3_600)
        return True
    finally:
        REDIS.delete(lock)


class OnlyWhatIsSettledCounts:
    """What is reserved and not settled yet is free to the next one."""

    def reserve(self, session_id: str, estimate: float) -> bool:
        return int(REDIS.get(f"settled:{session_id}") or 0) + round(estimate * 1e6) <= MICROS

    def settle(self, user_id: str, session_id: str, used: float) -> None:
        with REDIS.pipeline(transaction=True) as pipe:
            pipe.incrby(f"settled:{session_id}", round(used * 1e6))
            pipe.expire(f"settled:{session_id}", 3_600)
            pipe.execute()


breaker({**ONE_SESSION, "settle": OnlyWhatIsSettledCounts().settle}, **RACY)(OnlyWhatIsSettledCounts)


@breaker(ONE_SESSION, **{**RACY_HERE, **IN_SQLITE})
class ReadsByAnotherConnection:
    """The lock of the one that writes comes after what the other has read."""

    def allow(self, session_id: str, cost_usd: float) -> bool:
        micros = round(cost_usd * 1e6)
        with contextlib.closing(sqlite3.connect("two.db")) as reader, contextlib.closing(sqlite3.connect("two.db")) as writer:
            reader.execute("CREATE TABLE IF NOT EXISTS spent (session TEXT, micros INTEGER)")
            (spent,) = reader.execute("SELECT coalesce(sum(micros), 0) FROM spent WHERE session = ?", (session_id,)).fetchone()
            writer.isolation_level = "IMMEDIATE"
            if spent + micros > MICROS:
                return False
            with writer:
                writer.execute("INSERT INTO spent VALUES (?, ?)", (session_id, micros))
        return True


@breaker(ONE_SESSION, **HERE, AR604="unproven")
def a_file_that_is_locked_only_to_be_written(session_id: str, cost_usd: float) -> bool:
    """It is racy; but a file that is no database is not seen to be read and written."""
    path = Path("spent.json")
    spent = json.loads(path.read_text()) if path.exists() else {}
    spent[session_id] = spent.get(session_id, 0) + round(cost_usd * 1e6)
    if spent[session_id] > MICROS:
        return False
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump(spent, file)
    return True


# --- look-alikes -------------------------------------------------------------------------------------------------------


@breaker(ONE_SESSION, **HERE)
class TellsOthersUnderALock:
    def __init__(self) -> None:
        self.spent: defaultdict[str, int] = defaultdict(int)
        self.lock = asyncio.Lock()

    async def allow(self, session_id: str, cost_usd: float) -> bool:
        async with self.lock:
            if self.spent[session_id] + round(cost_usd * 1e6) > MICROS:
                return False
            await asyncio.sleep(0.01)
            self.spent[session_id] += round(cost_usd * 1e6)
        return True


@breaker(ONE_SESSION, **HERE)
async def adds_before_it_lets_others_in(session_id: str, cost_usd: float, spent: dict[str, int] = {}) -> bool:
    micros = round(cost_usd * 1e6)
    if spent.get(session_id, 0) + micros > MICROS:
        return False
    spent[session_id] = spent.get(session_id, 0) + micros
    await asyncio.sleep(0.01)
    return True


@breaker(ONE_SESSION, **HERE)
class ThinksUnderALock:
    def __init__(self) -> None:
        self.spent: dict[str, int] = {}
        self.lock = threading.Lock()

    def check(self, session_id: str, cost_usd: float) -> bool:
        with self.lock:
            spent = self.spent.get(session_id, 0) + round(cost_usd * 1e6)
            time.sleep(0.02)
            if spent <= MICROS:
                self.spent[session_id] = spent
        return spent <= MICROS


@breaker(ONE_SESSION, **OF_A_SESSION)
def by_the_transaction_of_the_client(session_id: str, cost_usd: float) -> bool:
    """redis-py watches, and tries again."""
    key, micros = f"spent:{session_id}", round(cost_usd * 1e6)

    def charge(pipe: Any) -> bool:
        spent = int(pipe.get(key) or 0) + micros
        pipe.multi()
        if spent <= MICROS:
            pipe.set(key, spent, ex=3_600)
        return spent <= MICROS

    return bool(REDIS.transaction(charge, key, value_from_callable=True))


RELEASED = REDIS.register_script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end")


@breaker(ONE_SESSION, **OF_A_SESSION)
def refused_where_another_has_the_lock(session_id: str, cost_usd: float) -> bool:
    key, lock, token = f"spent:{session_id}", f"lock:{session_id}", uuid.uuid4().hex
    if not REDIS.set(lock, token, nx=True, ex=10):
        return False
    try:
        spent = int(REDIS.get(key) or 0) + round(cost_usd * 1e6)
        if spent > MICROS:
            return False
        REDIS.set(key, spent, ex=3_600)
        return True
    finally:
        RELEASED(keys=[lock], args=[token])


@breaker(ONE_SESSION, **{**HERE, **IN_SQLITE})
def inserted_where_there_is_room(session_id: str, cost_usd: float) -> bool:
    """One statement sums, compares and reserves."""
    with contextlib.closing(sqlite3.connect("reservations.db")) as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS reservations (session TEXT, micros INTEGER)")
        done = db.execute(
            "INSERT INTO reservations SELECT :s, :m "
            "WHERE :m + (SELECT coalesce(sum(micros), 0) FROM reservations WHERE session = :s) <= 500000",
            {"s": session_id, "m": round(cost_usd * 1e6)},
        )
        return done.rowcount == 1


@breaker(ONE_SESSION, **{**HERE, **IN_SQLITE})
class TriesAgainWithANewVersion:
    """Optimistic: it only writes over what it has read."""

    def allow(self, session_id: str, cost_usd: float) -> bool:
        with contextlib.closing(sqlite3.connect("versions.db", isolation_level=None)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS spent (session TEXT PRIMARY KEY, micros INTEGER, version INTEGER)")
            db.execute("INSERT OR IGNORE INTO spent VALUES (?, 0, 0)", (session_id,))
            while True:
                micros, version = db.execute("SELECT micros, version FROM spent WHERE session = ?", (session_id,)).fetchone()
                micros += round(cost_usd * 1e6)
                if micros > MICROS:
                    return False
                written = db.execute(
                    "UPDATE spent SET micros = ?, version = version + 1 WHERE session = ? AND version = ?", (micros, session_id, version)
                )
                if written.rowcount:
                    return True


@breaker(ONE_SESSION, **HERE, AR604="unproven")
def a_file_that_is_locked_from_the_first_look(session_id: str, cost_usd: float) -> bool:
    with open("locked.json", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        spent = json.loads(file.read() or "{}")
        spent[session_id] = spent.get(session_id, 0) + round(cost_usd * 1e6)
        if spent[session_id] > MICROS:
            return False
        file.seek(0)
        file.truncate()
        json.dump(spent, file)
    return True
