"""Races cost breakers again and again (AR604), on the world's Redis and on a real one: how often each is found racy, and in what time.

python benchmarks/breakers.py [RUNS]

The real server is that of REDIS_SERVER_URL, else one that is started for it where redis-server is installed.
"""

from __future__ import annotations

import datetime
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

import redis  # noqa: E402  (the tests are no package of the project)

from pytest_agentready.domain import Outcome  # noqa: E402
from pytest_agentready.engine import Engine  # noqa: E402
from pytest_agentready.registry import Registry  # noqa: E402
from tests.examining import as_breaker  # noqa: E402
from tests.real_redis import MISSING, running  # noqa: E402

RUNS = 100
LIMITS = {"session": 0.50, "user_daily": 5.00, "global_hourly": 20.00}
MICROS = {name: round(dollars * 1_000_000) for name, dollars in LIMITS.items()}
AT_MOST = {"with a lock in its process": 1_000}  # milliseconds of AR604 on the world's Redis; of all others:
USUALLY = 150
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

Charge = Callable[[str, str, float], bool]


def keys(user_id: str, session_id: str) -> dict[str, str]:
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "session": f"cost:session:{session_id}",
        "user_daily": f"cost:user:{user_id}:{now:%Y-%m-%d}",
        "global_hourly": f"cost:global:{now:%Y-%m-%dT%H}",
    }


# --- the breakers ------------------------------------------------------------------------------------------------------


def of_the_article(client: Any) -> Charge:
    def check_and_increment(user_id: str, session_id: str, cost_usd: float) -> bool:
        named = keys(user_id, session_id)
        for name, key in named.items():
            if float(client.get(key) or 0) + cost_usd > LIMITS[name]:
                return False
        for key in named.values():
            client.incrbyfloat(key, cost_usd)
            client.expire(key, 86_400)
        return True

    return check_and_increment


def with_a_lock_in_its_process(client: Any) -> Charge:
    lock, unlocked = threading.Lock(), of_the_article(client)

    def charge(user_id: str, session_id: str, cost_usd: float) -> bool:
        with lock:
            return unlocked(user_id, session_id, cost_usd)

    return charge


def in_one_script(client: Any) -> Charge:
    script = client.register_script(SCRIPT)

    def charge(user_id: str, session_id: str, cost_usd: float) -> bool:
        return bool(script(keys=list(keys(user_id, session_id).values()), args=[round(cost_usd * 1_000_000), *MICROS.values()]))

    return charge


def watched(client: Any) -> Charge:
    def charge(user_id: str, session_id: str, cost_usd: float) -> bool:
        named, micros = keys(user_id, session_id), round(cost_usd * 1_000_000)
        with client.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(*named.values())
                    if any(int(spent or 0) + micros > MICROS[name] for name, spent in zip(named, pipe.mget(named.values()), strict=True)):
                        return False
                    pipe.multi()
                    for key in named.values():
                        pipe.incrby(key, micros).expire(key, 90_000)
                    pipe.execute()
                    return True
                except redis.WatchError:
                    continue

    return charge


def added_and_taken_back(client: Any) -> Charge:
    def charge(user_id: str, session_id: str, cost_usd: float) -> bool:
        named, micros = keys(user_id, session_id), round(cost_usd * 1_000_000)
        with client.pipeline() as pipe:
            for key in named.values():
                pipe.incrby(key, micros).expire(key, 90_000)
            spent = dict(zip(named, pipe.execute()[::2], strict=True))
            if all(spent[name] <= MICROS[name] for name in named):
                return True
            for key in named.values():
                pipe.decrby(key, micros)
            pipe.execute()
        return False

    return charge


def pattern(client: Any) -> Any:
    """Of `pytest_agentready.patterns`: reserved before the call, settled after it."""
    from pytest_agentready.patterns.breaker import CostBreaker, CostRefused  # type: ignore[import-not-found,unused-ignore]

    breaker, reserved = CostBreaker(client, LIMITS), {}

    def reserve(user_id: str, session_id: str, cost_usd: float) -> bool:
        try:
            reserved[user_id, session_id] = breaker.reserve(user_id, session_id, cost_usd)
        except CostRefused:
            return False
        return True

    def settle(user_id: str, session_id: str, cost_usd: float) -> None:
        breaker.settle(reserved[user_id, session_id], cost_usd)

    return reserve, settle


BREAKERS: dict[str, Callable[[Any], Any]] = {
    "the article's: GET, compare, INCRBYFLOAT": of_the_article,
    "with a lock in its process": with_a_lock_in_its_process,
    "one Lua script": in_one_script,
    "WATCH and MULTI": watched,
    "INCRBY, and a way back": added_and_taken_back,
    "the pattern's": pattern,
}


# --- the measurement ---------------------------------------------------------------------------------------------------


def raced(made: Any, engine: Engine) -> tuple[Outcome, float]:
    """The verdict, and the seconds of AR604 alone, without those of what AR601 to AR603 look at as well."""
    charge, settle = made if isinstance(made, tuple) else (made, None)
    breaker = as_breaker(charge, {"limits": LIMITS, **({"settle": settle} if settle else {})})
    checks = {check.id: check for check in engine.registry.checks}
    engine.examine(breaker, checks["AR601"])
    start = time.perf_counter()
    verdict = engine.examine(breaker, checks["AR604"])
    seconds = time.perf_counter() - start
    engine.forget(breaker)
    return verdict.outcome, seconds


def main(runs: int) -> int:
    missed = []
    print("| breaker | Redis | runs | racy | unproven | median | slowest |\n|---|---|---|---|---|---|---|")
    with running() as place:
        servers: dict[str, tuple[Any, ...]] = {"the world's": ("redis.internal", 6379, 0)}
        if place is None:
            print(MISSING, file=sys.stderr)
        else:
            servers["real"] = place
        for name, make in BREAKERS.items():
            for server, where in servers.items():
                engine = Engine(Registry(), ROOT, (where[:2],) if server == "real" else ())
                client = redis.Redis(*where, socket_timeout=5)
                try:
                    made = make(client)
                except ImportError:
                    continue
                found = [raced(made, engine) for _ in range(runs)]
                outcomes = [outcome for outcome, _ in found]
                racy, unproven = outcomes.count(Outcome.FAILED), outcomes.count(Outcome.UNPROVEN)
                median, slowest = (1_000 * which(seconds for _, seconds in found) for which in (statistics.median, max))
                print(f"| {name} | {server} | {runs} | {racy} | {unproven} | {median:.0f} ms | {slowest:.0f} ms |", flush=True)
                is_racy = make in (of_the_article, with_a_lock_in_its_process)
                if racy != (runs if is_racy else 0) or unproven:
                    missed.append(f"{name} on {server}: racy in {racy} of {runs} runs")
                if server != "real" and median > AT_MOST.get(name, USUALLY):
                    missed.append(f"{name}: {median:.0f} ms, and not {AT_MOST.get(name, USUALLY)} ms")
                engine.close()
                client.close()
    print("\n".join(missed) or "All as it should be.")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
