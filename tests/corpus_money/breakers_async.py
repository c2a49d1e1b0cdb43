"""Breakers of async services, with redis.asyncio."""

from __future__ import annotations

import asyncio
import datetime

import redis.asyncio
from redis.exceptions import RedisError, WatchError

from tests.corpus_money import breaker
from tests.corpus_money.breakers import LIMITS, MICROS, SCRIPT, CostLimitExceeded, keys_in_utc

REDIS = redis.asyncio.Redis(host="redis.internal", port=6379, decode_responses=True)


# --- faults ------------------------------------------------------------------------------------------------------------


@breaker(AR604="failed", AR606="failed", AR608="failed")
class AsyncCostCircuitBreaker:
    async def check_and_increment(self, user_id: str, session_id: str, cost_usd: float) -> None:
        keys = {
            "session": f"cost:session:{session_id}",
            "user_daily": f"cost:user:{user_id}:{datetime.date.today().isoformat()}",
            "global_hourly": f"cost:global:{datetime.datetime.now().strftime('%Y-%m-%d-%H')}",
        }
        for name, key in keys.items():
            if float(await REDIS.get(key) or 0) + cost_usd > LIMITS[name]:
                raise CostLimitExceeded(name)
        for key in keys.values():
            async with REDIS.pipeline() as pipe:
                pipe.incrbyfloat(key, cost_usd)
                pipe.expire(key, 86400)
                await pipe.execute()


@breaker(AR604="failed")
async def all_keys_at_once_and_yet_in_two_steps(user_id: str, session_id: str, cost_usd: float) -> bool:
    keys, micros = keys_in_utc(user_id, session_id), round(cost_usd * 1_000_000)
    spent = await REDIS.mget(list(keys.values()))
    if any(int(value or 0) + micros > MICROS[name] for name, value in zip(keys, spent, strict=True)):
        return False
    async with REDIS.pipeline(transaction=True) as pipe:
        for key in keys.values():
            pipe.incrby(key, micros).expire(key, 90_000)
        await pipe.execute()
    return True


@breaker(AR604="failed")
class LockedInOneLoop:
    def __init__(self) -> None:
        self._lock: asyncio.Lock | None = None

    async def acquire(self, user_id: str, session_id: str, cost_usd: float) -> bool:
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            return bool(await all_keys_at_once_and_yet_in_two_steps(user_id, session_id, cost_usd))


@breaker(AR607="failed")
async def a_short_patience_and_then_open(user_id: str, session_id: str, cost_usd: float) -> bool:
    try:
        return await asyncio.wait_for(counted(user_id, session_id, cost_usd), timeout=2)
    except (RedisError, asyncio.TimeoutError):
        return True


# --- look-alikes -------------------------------------------------------------------------------------------------------


async def counted(user_id: str, session_id: str, cost_usd: float) -> bool:
    keys = keys_in_utc(user_id, session_id)
    script = REDIS.register_script(SCRIPT)
    return bool(await script(keys=list(keys.values()), args=[round(cost_usd * 1_000_000), *MICROS.values()]))


breaker()(counted)


@breaker()
async def a_short_patience_and_then_closed(user_id: str, session_id: str, cost_usd: float) -> bool:
    try:
        return await asyncio.wait_for(counted(user_id, session_id, cost_usd), timeout=2)
    except (RedisError, asyncio.TimeoutError):
        return False


@breaker()
async def watched(user_id: str, session_id: str, cost_usd: float) -> bool:
    keys, micros = keys_in_utc(user_id, session_id), round(cost_usd * 1_000_000)
    async with REDIS.pipeline() as pipe:
        for _ in range(10):
            await pipe.watch(*keys.values())
            spent = [int(await pipe.get(key) or 0) for key in keys.values()]
            if any(value + micros > MICROS[name] for name, value in zip(keys, spent, strict=True)):
                return False
            pipe.multi()
            for key in keys.values():
                pipe.incrby(key, micros)
                pipe.expire(key, 90_000)
            try:
                await pipe.execute()
            except WatchError:
                continue
            return True
    return False


@breaker()
async def added_and_taken_back(user_id: str, session_id: str, cost_usd: float) -> bool:
    keys, micros = keys_in_utc(user_id, session_id), round(cost_usd * 1_000_000)
    async with REDIS.pipeline(transaction=True) as pipe:
        for key in keys.values():
            pipe.incrby(key, micros)
            pipe.expire(key, 90_000)
        spent = (await pipe.execute())[::2]
    if any(value > MICROS[name] for name, value in zip(keys, spent, strict=True)):
        await asyncio.gather(*(REDIS.decrby(key, micros) for key in keys.values()))
        return False
    return True
