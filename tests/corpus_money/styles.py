"""Breakers in other styles: what they answer, what they are told, and where they count."""

from __future__ import annotations

import asyncio
import enum
import sqlite3
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
import pydantic
import redis

from tests.corpus_money import KEPT, breaker
from tests.corpus_money.breakers import MICROS, REDIS, SCRIPT, keys_in_utc

UTC = timezone.utc
IN_MEMORY = {"AR604": "not_applicable", "AR607": "not_applicable"}
ONE_SESSION = {"limits": {"session": 0.50}}
OF_A_SESSION = {"AR602": "not_applicable", "AR603": "not_applicable", "AR606": "not_applicable"}


def in_one_step(user_id: str, session_id: str, micros: int) -> bool:
    keys = keys_in_utc(user_id, session_id)
    return bool(REDIS.eval(SCRIPT, len(keys), *keys.values(), micros, *MICROS.values()))


class State(enum.Enum):
    CLOSED = "closed"
    OPEN = "open"


@breaker()
def answers_with_a_state(user_id: str, session_id: str, cost_usd: float) -> State:
    return State.CLOSED if in_one_step(user_id, session_id, round(cost_usd * 1e6)) else State.OPEN


class Decision(NamedTuple):
    status: str
    remaining: float


@breaker()
def answers_with_a_status(user_id: str, session_id: str, cost_usd: float) -> Decision:
    return Decision("ok" if in_one_step(user_id, session_id, round(cost_usd * 1e6)) else "blocked", 0.0)


class Verdict(pydantic.BaseModel):
    exceeded: bool
    reason: str = ""


@breaker()
def answers_with_a_flag(user_id: str, session_id: str, cost_usd: float) -> Verdict:
    return Verdict(exceeded=not in_one_step(user_id, session_id, round(cost_usd * 1e6)))


@dataclass
class Reservation:
    id: int
    micros: int


@breaker()
def gives_a_reservation_or_nothing(user_id: str, session_id: str, estimate: Decimal) -> Reservation | None:
    micros = int(estimate * 1_000_000)
    return Reservation(7, micros) if in_one_step(user_id, session_id, micros) else None


@breaker(AR604="failed")
class LooksAndRecords:
    """Two calls: one before the model is asked, one after."""

    def can_spend(self, user_id: str, session_id: str, cost_usd: float) -> bool:
        micros = round(cost_usd * 1_000_000)
        return all(int(REDIS.get(key) or 0) + micros <= MICROS[name] for name, key in keys_in_utc(user_id, session_id).items())

    def record(self, session_id: str, user_id: str, cost_usd: float) -> None:
        with REDIS.pipeline() as pipe:
            for key in keys_in_utc(user_id, session_id).values():
                pipe.incrby(key, round(cost_usd * 1_000_000)).expire(key, 90_000)
            pipe.execute()


@breaker(ONE_SESSION, **OF_A_SESSION)
class FieldsOfOneHash:
    """Each session has a hash of its own, which expires."""

    def spend(self, session: str, usd: float) -> bool:
        key = f"session:{session}"
        with REDIS.pipeline(transaction=True) as pipe:
            pipe.hincrby(key, "spent_micros", round(usd * 1_000_000))
            pipe.expire(key, 3_600)
            spent = pipe.execute()[0]
        if spent > 500_000:
            REDIS.hincrby(key, "spent_micros", -round(usd * 1_000_000))
            return False
        return True


@breaker(ONE_SESSION, **OF_A_SESSION, AR605="failed")
def one_hash_for_all_sessions(session_id: str, cost_usd: float) -> bool:
    micros = round(cost_usd * 1_000_000)
    if REDIS.hincrby("spent", session_id, micros) > 500_000:
        REDIS.hincrby("spent", session_id, -micros)
        return False
    return True


@breaker(ONE_SESSION, **OF_A_SESSION, AR605="failed")
class ClientOfItsOwn:
    """The first charge sets the end, in a command of its own; what a client is made from is a URL."""

    def __init__(self) -> None:
        self.client = redis.Redis.from_url("redis://:secret@cache.internal:6380/2", socket_timeout=0.5)

    def charge(self, session_id: str, amount_cents: int) -> None:
        key = f"spent:{session_id}"
        spent = self.client.incrby(key, amount_cents)
        if spent == amount_cents:
            self.client.expire(key, 86_400)
        if spent > 50:
            self.client.decrby(key, amount_cents)
            raise PermissionError("budget exhausted")


NARROW = redis.Redis(connection_pool=redis.BlockingConnectionPool(host="redis.internal", max_connections=1, timeout=5))


@breaker(ONE_SESSION, **OF_A_SESSION, AR604="unproven")
def over_one_connection(session_id: str, cost_usd: float) -> bool:
    """Right or wrong: two of them never meet here."""
    key, micros = f"spent:{session_id}", round(cost_usd * 1_000_000)
    NARROW.set(key, 0, ex=3_600, nx=True)
    if NARROW.incrby(key, micros) > 500_000:
        NARROW.decrby(key, micros)
        return False
    return True


@breaker({"limits": {"global_hourly": 2.00}}, AR601="not_applicable", AR602="not_applicable", AR607="not_applicable")
class TheLastHour:
    """In memory, by the monotonic clock, in whole cents."""

    def __init__(self) -> None:
        self.charges: deque[tuple[float, int]] = deque()

    async def acquire(self, cost_usd: float) -> bool:
        await asyncio.sleep(0)
        now, cents = time.monotonic(), round(cost_usd * 100)
        while self.charges and self.charges[0][0] <= now - 3_600:
            self.charges.popleft()
        if sum(amount for _, amount in self.charges) + cents > 200:
            return False
        self.charges.append((now, cents))
        return True


@breaker({"limits": {"user_daily": 5.00}}, AR601="not_applicable", AR603="not_applicable", **IN_MEMORY)
@dataclass
class FromMidnight:
    """Emptied at the first charge of a new day, in UTC."""

    spent: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    day: str = ""

    def allow(self, user_id: str, cost: Decimal) -> dict[str, Any]:
        today = datetime.now(UTC).date().isoformat()
        if today != self.day:
            self.day, self.spent = today, defaultdict(Decimal)
        if self.spent[user_id] + cost > 5:
            return {"allowed": False, "reason": "daily limit"}
        self.spent[user_id] += cost
        return {"allowed": True}


@breaker({"limits": {"user_daily": 5.00}}, AR601="not_applicable", AR603="not_applicable", **IN_MEMORY)
class TheDayOfTheHouse:
    """By the clock on the wall, and for this one machine."""

    def __init__(self) -> None:
        self.spent: dict[tuple[str, str], int] = {}

    def allow(self, user_id: str, cost_cents: int) -> bool:
        key = user_id, time.strftime("%Y-%m-%d")
        if self.spent.get(key, 0) + cost_cents > 500:
            return False
        self.spent[key] = self.spent.get(key, 0) + cost_cents
        return True


@breaker({"limits": {"user_daily": 5.00}}, AR601="not_applicable", AR602="failed", AR603="not_applicable", **IN_MEMORY)
class OneLimitForEverybody:
    """The day is kept to; whose day it is, is forgotten."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = {}

    def allow(self, user_id: str, cost_usd: float) -> bool:
        day, micros = datetime.now(UTC).date().isoformat(), round(cost_usd * 1_000_000)
        if self.spent.get(day, 0) + micros > 5_000_000:
            return False
        self.spent[day] = self.spent.get(day, 0) + micros
        return bool(user_id)


@breaker(**dict.fromkeys(KEPT, "unproven"))
def counts_in_a_database(user_id: str, session_id: str, cost_usd: float) -> bool:
    """The world's Postgres keeps nothing: that it admits too much is not seen."""
    with psycopg.connect("postgresql://app@db.internal/shop") as connection:
        row = connection.execute("SELECT sum(micros) FROM charges WHERE session_id = %s", (session_id,)).fetchone()
        if row and (row[0] or 0) > 500_000:
            return False
        connection.execute("INSERT INTO charges VALUES (%s, %s, %s)", (user_id, session_id, round(cost_usd * 1_000_000)))
    return True


@breaker(ONE_SESSION, **OF_A_SESSION, AR605="not_applicable")
def counts_in_sqlite(session_id: str, cost_usd: float) -> bool:
    with sqlite3.connect("budget.db", isolation_level="IMMEDIATE") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS spent (session TEXT PRIMARY KEY, micros INTEGER)")
        micros = round(cost_usd * 1_000_000)
        connection.execute("INSERT OR IGNORE INTO spent VALUES (?, 0)", (session_id,))
        changed = connection.execute(
            "UPDATE spent SET micros = micros + ? WHERE session = ? AND micros + ? <= 500000", (micros, session_id, micros)
        )
        return changed.rowcount == 1
