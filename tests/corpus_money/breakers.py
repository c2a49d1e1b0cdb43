"""Breakers that are asked before money is spent, with redis-py and in memory."""

from __future__ import annotations

import datetime
import threading
import time
from decimal import Decimal

import redis

from tests.corpus_money import breaker

REDIS = redis.Redis(host="redis.internal", port=6379, decode_responses=True)
LIMITS = {"session": 0.50, "user_daily": 5.00, "global_hourly": 20.00}
MICROS = {"session": 500_000, "user_daily": 5_000_000, "global_hourly": 20_000_000}
UTC = datetime.timezone.utc


class CostLimitExceeded(Exception):
    """A limit is used up."""


def keys_in_utc(user_id: str, session_id: str) -> dict[str, str]:
    now = datetime.datetime.now(UTC)
    return {
        "session": f"cost:session:{session_id}",
        "user_daily": f"cost:user:{user_id}:{now:%Y-%m-%d}",
        "global_hourly": f"cost:global:{now:%Y-%m-%dT%H}",
    }


# --- faults ------------------------------------------------------------------------------------------------------------


@breaker(AR604="failed", AR606="failed", AR608="failed")
class CostCircuitBreaker:
    """As it is often written: what was spent is read, compared, and added to."""

    def __init__(self) -> None:
        self.redis = REDIS
        self.limits = LIMITS

    def check_and_increment(self, user_id: str, session_id: str, cost_usd: float) -> None:
        today = datetime.date.today().isoformat()
        hour = datetime.datetime.now().strftime("%Y-%m-%d-%H")
        keys = {
            "session": f"cost:session:{session_id}",
            "user_daily": f"cost:user:{user_id}:{today}",
            "global_hourly": f"cost:global:{hour}",
        }
        for name, key in keys.items():
            current = float(self.redis.get(key) or 0)
            if current + cost_usd > self.limits[name]:
                raise CostLimitExceeded(f"{name} limit exceeded: ${current:.2f} + ${cost_usd:.4f} > ${self.limits[name]}")
        for key in keys.values():
            pipe = self.redis.pipeline()
            pipe.incrbyfloat(key, cost_usd)
            pipe.expire(key, 86400)
            pipe.execute()


@breaker(AR604="failed", AR605="failed")
def counts_first_and_dates_afterwards(user_id: str, session_id: str, cost_cents: int) -> bool:
    keys = keys_in_utc(user_id, session_id)
    if any(int(REDIS.get(key) or 0) + cost_cents > MICROS[name] // 10_000 for name, key in keys.items()):
        return False
    for key in keys.values():
        REDIS.incrby(key, cost_cents)
        REDIS.expire(key, 90_000)
    return True


NO_END = REDIS.register_script(
    """
    for i, key in ipairs(KEYS) do
      if tonumber(redis.call('GET', key) or '0') + tonumber(ARGV[1]) > tonumber(ARGV[1 + i]) then return 0 end
    end
    for _, key in ipairs(KEYS) do redis.call('INCRBY', key, ARGV[1]) end
    return 1
    """
)


@breaker(AR605="failed")
def a_script_that_forgets_the_end(user_id: str, session_id: str, cost_usd: float) -> bool:
    keys = keys_in_utc(user_id, session_id)
    return bool(NO_END(keys=list(keys.values()), args=[round(cost_usd * 1_000_000), *MICROS.values()]))


RENEWED = REDIS.register_script(
    """
    local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
    if spent + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return 0 end
    redis.call('SET', KEYS[1], spent + ARGV[1], 'EX', 86400)
    return 1
    """
)


@breaker({"limits": {"user_daily": 5.00}}, AR601="not_applicable", AR603="not_applicable", AR605="failed")
def a_day_from_the_last_charge(user_id: str, cost_usd: float) -> bool:
    return bool(RENEWED(keys=[f"budget:{user_id}"], args=[round(cost_usd * 1_000_000), 5_000_000]))


OF_A_DAY = {"limits": {"user_daily": 5.00}}
OF_AN_HOUR = {"limits": {"global_hourly": 20.00}}
BY_REFUSALS = {"AR605": "failed", "AR606": "not_applicable"}


@breaker(OF_A_DAY, AR601="not_applicable", AR603="not_applicable", **BY_REFUSALS)
def a_day_from_the_last_refusal(user_id: str, cost_usd: float) -> bool:
    """What is added is taken back where it is too much; the end that it was given stays."""
    key, micros = f"budget:{user_id}", round(cost_usd * 1_000_000)
    with REDIS.pipeline() as pipe:
        pipe.set(key, 0, ex=86_400, nx=True)
        pipe.incrby(key, micros)
        is_allowed = pipe.execute()[1] <= 5_000_000
    if not is_allowed:
        with REDIS.pipeline() as pipe:
            pipe.decrby(key, micros)
            pipe.expire(key, 86_400)
            pipe.execute()
    return is_allowed


@breaker(OF_AN_HOUR, AR601="not_applicable", AR602="not_applicable", AR605="failed")
def an_hour_of_penalty(cost_usd: float) -> bool:
    """Once the hour is used up, each one who asks makes it an hour again."""
    micros = round(cost_usd * 1_000_000)
    with REDIS.pipeline() as pipe:
        pipe.set("spent:all", 0, ex=3_600, nx=True)
        pipe.incrby("spent:all", micros)
        is_allowed = pipe.execute()[1] <= 20_000_000
    if not is_allowed:
        REDIS.expire("spent:all", 3_600)
        REDIS.decrby("spent:all", micros)
    return is_allowed


@breaker(AR607="failed")
class OpenWithoutItsStore:
    """Lets everybody through while it cannot count."""

    def check(self, user_id: str, session_id: str, amount: float) -> bool:
        try:
            return incrby_with_a_way_back(user_id, session_id, amount)
        except redis.RedisError:
            return True


@breaker(AR604="failed", AR605="failed", AR608="failed")
class LockedInOneProcess:
    """A lock that other workers do not have."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def allow(self, user_id: str, session_id: str, cost: float) -> bool:
        keys = keys_in_utc(user_id, session_id)
        with self._lock:
            if any(float(REDIS.get(key) or 0) + cost > LIMITS[name] for name, key in keys.items()):
                return False
            for key in keys.values():
                REDIS.incrbyfloat(key, cost)
                REDIS.expire(key, 90_000)
        return True


@breaker(
    AR601="failed",
    AR602="failed",
    AR603="failed",
    AR604="not_applicable",
    AR606="not_applicable",
    AR607="not_applicable",
    AR605="not_applicable",
    AR608="not_applicable",
)
def looks_and_never_adds(user_id: str, session_id: str, cost_usd: float, spent: dict[str, float] = {}) -> bool:
    return all(spent.get(key, 0) + cost_usd <= LIMITS[name] for name, key in keys_in_utc(user_id, session_id).items())


@breaker(AR604="not_applicable", AR605="not_applicable", AR606="failed", AR607="not_applicable", AR608="failed")
class FromItsFirstDay:
    """In memory, and the day is that on which it was made."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.day = datetime.date.today()

    def spend(self, user_id: str, session_id: str, usd: float) -> bool:
        keys = {"session": session_id, "user_daily": f"{user_id}:{self.day}", "global_hourly": f"everybody:{self.day}"}
        if any(self.spent.get(key, 0) + usd > LIMITS[name] for name, key in keys.items()):
            return False
        for key in keys.values():
            self.spent[key] = self.spent.get(key, 0) + usd
        return True


# --- look-alikes -------------------------------------------------------------------------------------------------------


SCRIPT = """
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') + tonumber(ARGV[1]) > tonumber(ARGV[1 + i]) then return 0 end
end
for _, key in ipairs(KEYS) do
  redis.call('INCRBY', key, ARGV[1])
  redis.call('EXPIRE', key, 90000)
end
return 1
"""


@breaker()
class InOneScript:
    def __init__(self) -> None:
        self.script = REDIS.register_script(SCRIPT)

    def check_and_increment(self, user_id: str, session_id: str, cost_usd: float) -> None:
        keys = keys_in_utc(user_id, session_id)
        if not self.script(keys=list(keys.values()), args=[round(cost_usd * 1_000_000), *MICROS.values()]):
            raise CostLimitExceeded(f"no money is left for {session_id}")


@breaker()
def incrby_with_a_way_back(user_id: str, session_id: str, cost_usd: float) -> bool:
    keys, micros = keys_in_utc(user_id, session_id), round(cost_usd * 1_000_000)
    with REDIS.pipeline(transaction=True) as pipe:
        for key in keys.values():
            pipe.incrby(key, micros)
            pipe.expire(key, 90_000)
        spent = dict(zip(keys, pipe.execute()[::2], strict=True))
    if all(spent[name] <= MICROS[name] for name in keys):
        return True
    with REDIS.pipeline(transaction=True) as pipe:
        for key in keys.values():
            pipe.decrby(key, micros)
        pipe.execute()
    return False


@breaker()
def watched_and_tried_again(user_id: str, session_id: str, cost_usd: Decimal) -> dict[str, object]:
    keys, micros = keys_in_utc(user_id, session_id), int(cost_usd * 1_000_000)
    with REDIS.pipeline() as pipe:
        while True:
            try:
                pipe.watch(*keys.values())
                for name, key in keys.items():
                    if int(pipe.get(key) or 0) + micros > MICROS[name]:
                        return {"allowed": False, "reason": f"{name} is used up"}
                pipe.multi()
                for key in keys.values():
                    pipe.incrby(key, micros)
                    pipe.expire(key, 90_000)
                pipe.execute()
            except redis.WatchError:
                continue
            return {"allowed": True}


@breaker()
def locked_for_all_processes(user_id: str, session_id: str, cost_micros: int) -> tuple[bool, str]:
    keys = keys_in_utc(user_id, session_id)
    with REDIS.lock("lock:cost", timeout=10, blocking_timeout=5):
        for name, key in keys.items():
            if int(REDIS.get(key) or 0) + cost_micros > MICROS[name]:
                return False, f"{name} is used up"
        for key in keys.values():
            REDIS.set(key, int(REDIS.get(key) or 0) + cost_micros, ex=90_000)
    return True, ""


@breaker(OF_A_DAY, AR601="not_applicable", AR603="not_applicable")
def a_day_from_the_first_charge(user_id: str, cost_usd: float) -> bool:
    """The end is set once, and neither a charge nor a refusal sets it anew."""
    key, micros = f"budget:first:{user_id}", round(cost_usd * 1_000_000)
    with REDIS.pipeline() as pipe:
        pipe.set(key, 0, ex=86_400, nx=True)
        pipe.incrby(key, micros)
        is_allowed = pipe.execute()[1] <= 5_000_000
    if not is_allowed:
        REDIS.decrby(key, micros)
    return is_allowed


@breaker({"limits": {"user_hourly": 5.00}}, AR601="not_applicable", AR603="not_applicable", AR604="not_applicable", AR607="not_applicable")
class TheLastHourOfEachUser:
    """In memory: a refusal leaves nothing."""

    def __init__(self) -> None:
        self.charges: dict[str, list[tuple[float, int]]] = {}

    def charge(self, user_id: str, cost_usd: float) -> bool:
        now, micros = time.time(), round(cost_usd * 1_000_000)
        recent = self.charges[user_id] = [(at, spent) for at, spent in self.charges.get(user_id, []) if at > now - 3_600]
        if sum(spent for _, spent in recent) + micros > 5_000_000:
            return False
        recent.append((now, micros))
        return True


class Reservations:
    """Reserved before the call, settled after it."""

    def __init__(self) -> None:
        self.script = REDIS.register_script(SCRIPT)

    def reserve(self, user_id: str, session_id: str, estimate: float) -> bool:
        keys = keys_in_utc(user_id, session_id)
        return bool(self.script(keys=list(keys.values()), args=[round(estimate * 1_000_000), *MICROS.values()]))

    def settle(self, user_id: str, session_id: str, used: float) -> None:
        with REDIS.pipeline() as pipe:
            for key in keys_in_utc(user_id, session_id).values():
                pipe.incrby(key, 0 * round(used * 1_000_000))
                pipe.expire(key, 90_000)
            pipe.execute()


breaker({"settle": Reservations().settle})(Reservations)


@breaker()
class InMemoryMeanwhile:
    """Where the store is down it counts by itself, up to the same limit."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = {}

    def admit(self, user_id: str, session_id: str, cost_usd: float) -> bool:
        try:
            return incrby_with_a_way_back(user_id, session_id, cost_usd)
        except redis.RedisError:
            keys, micros = keys_in_utc(user_id, session_id), round(cost_usd * 1_000_000)
            if any(self.spent.get(key, 0) + micros > MICROS[name] for name, key in keys.items()):
                return False
            for key in keys.values():
                self.spent[key] = self.spent.get(key, 0) + micros
            return True


@breaker({"limits": {"user_daily": 5.00}}, AR601="not_applicable", AR603="not_applicable", AR604="not_applicable", AR607="not_applicable")
class TheLastDay:
    """In memory: whatever was spent in the last 24 hours."""

    def __init__(self) -> None:
        self.charges: dict[str, list[tuple[float, int]]] = {}

    def charge(self, user_id: str, cost_usd: float) -> bool:
        now, micros = time.time(), round(cost_usd * 1_000_000)
        recent = [(at, amount) for at, amount in self.charges.get(user_id, []) if at > now - 86_400]
        if sum(amount for _, amount in recent) + micros > 5_000_000:
            return False
        self.charges[user_id] = [*recent, (now, micros)]
        return True
