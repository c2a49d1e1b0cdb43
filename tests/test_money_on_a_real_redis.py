"""Breakers that count in a real Redis get the verdicts that they get in the world's, and leave it as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from pytest_agentready.domain import Breaker, Loop, Verdict
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Registry
from pytest_agentready.world.leftovers import dropped
from tests.corpus_money import LIMITS, Labelled, load
from tests.examining import ROOT, as_breaker, as_loop, told
from tests.real_redis import Place

POOLS = (redis.ConnectionPool, redis.asyncio.ConnectionPool)
HOSTS = ("redis.internal", "cache.internal")
LOOPS = ("loops.reserved_and_settled", "loops.checked_called_and_recorded", "loops.goes_on_without_its_store")
CORPUS = [labelled for labelled in load() if labelled.kind == "breaker" or labelled.name in LOOPS]


@pytest.fixture(scope="module")
def counted_for_real(redis_server: Place) -> Iterator[None]:
    """The clients of the corpus lead to the real server."""
    pools = [each for each in gc.get_objects() if isinstance(each, POOLS) and each.connection_kwargs.get("host") in HOSTS]
    with pytest.MonkeyPatch.context() as patch:
        for pool in pools:
            for name, value in zip(("host", "port", "db", "password"), redis_server, strict=True):
                patch.setitem(pool.connection_kwargs, name, value)
        emptied(pools)
        yield
    emptied(pools)


def emptied(pools: list[Any]) -> None:
    """Connections of loops that are over cannot be closed."""
    with dropped():
        for pool in pools:
            pool.reset()
        gc.collect()


@pytest.fixture
def engine(redis_server: Place) -> Iterator[Engine]:
    made = Engine(Registry(), ROOT, (redis_server.address,))
    yield made
    made.close()


def verdicts(engine: Engine, breaker: Breaker | Loop, *ids: str) -> dict[str, Verdict]:
    found = {check.id: engine.examine(breaker, check) for check in engine.registry.checks if check.id in ids}
    engine.forget(breaker)
    return found


def keys(redis_server: Place) -> set[bytes]:
    with redis.Redis(*redis_server) as outside:
        return set(outside.scan_iter("cost:*")) | set(outside.scan_iter("*-1*"))


@pytest.mark.parametrize("labelled", CORPUS, ids=lambda labelled: labelled.name)
def test_what_keeps_money_gets_the_same_verdicts(
    labelled: Labelled, counted_for_real: None, engine: Engine, redis_server: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "sk-test")
    made = as_breaker if labelled.kind == "breaker" else as_loop
    found = verdicts(engine, made(labelled.subject, labelled.facts), *labelled.verdicts)
    said = "\n".join(f"{check} {told(verdict)}" for check, verdict in found.items())
    assert {check: verdict.outcome.value for check, verdict in found.items()} == dict(labelled.verdicts), said
    assert keys(redis_server) == set()


def test_the_gap_is_found_each_time(engine: Engine, redis_server: Place) -> None:
    client = redis.Redis(*redis_server)

    def racy(session_id: str, cost_usd: float) -> bool:
        if float(client.get(f"cost:{session_id}") or 0) + cost_usd > 0.50:
            return False
        client.incrbyfloat(f"cost:{session_id}", cost_usd)
        client.expire(f"cost:{session_id}", 86_400)
        return True

    found = [verdicts(engine, as_breaker(racy, {"limits": {"session": 0.50}}), "AR604")["AR604"] for _ in range(10)]
    assert [verdict.outcome.value for verdict in found] == ["failed"] * 10
    assert all("between GET cost:session-" in verdict.findings[0].message for verdict in found)
    client.close()


def in_a_window_of_the_servers(client: redis.Redis) -> Any:
    script = client.register_script(
        """
        local key = KEYS[1] .. ':' .. math.floor(redis.call('TIME')[1] / 3600)
        local spent = redis.call('INCRBY', KEYS[1], ARGV[1])
        redis.call('EXPIRE', KEYS[1], 3600)
        if spent > 20000000 then redis.call('DECRBY', KEYS[1], ARGV[1]) return 0 end
        return 1
        """
    )

    def everybody(session_id: str, cost_usd: float) -> bool:
        return bool(script(keys=["cost:everybody"], args=[round(cost_usd * 1_000_000)]))

    return everybody


def test_of_windows_by_the_servers_own_clock_nothing_is_said(engine: Engine, redis_server: Place) -> None:
    client = redis.Redis(*redis_server)
    breaker = as_breaker(in_a_window_of_the_servers(client), {"limits": {"global_hourly": LIMITS["global_hourly"]}})
    found = verdicts(engine, breaker, "AR603", "AR604", "AR605", "AR606")
    assert {name: verdict.outcome.value for name, verdict in found.items()} == {
        "AR603": "passed",
        "AR604": "passed",
        "AR605": "unproven",
        "AR606": "unproven",
    }
    assert found["AR606"].reason.startswith(f"it lets localhost:{redis_server.port} tell the time (TIME in a script")
    client.close()


def test_what_is_counted_past_the_world_is_not_judged(redis_server: Place) -> None:
    """By a client that the world does not know for one of Redis."""
    import socket

    def by_hand(session_id: str, cost_usd: float) -> bool:
        with socket.create_connection(redis_server.address, timeout=2) as line:
            said = [*login, f"SELECT {redis_server.database}", f"INCRBY test:{session_id} 1", f"DEL test:{session_id}"]
            line.sendall("".join(f"{command}\r\n" for command in said).encode())
            with line.makefile("rb") as replies:
                return [replies.readline() for _ in said][-2] == b":1\r\n"

    login = [f"AUTH {redis_server.password}"] if redis_server.password else []
    engine = Engine(Registry(), ROOT, (redis_server.address,))
    found = verdicts(engine, as_breaker(by_hand, {"limits": {"session": 0.50}}), "AR601", "AR604", "AR607")
    assert {verdict.outcome.value for verdict in found.values()} == {"unproven"}
    assert f"it asks localhost:{redis_server.port} for real, and what it counts there is not seen" in found["AR604"].reason
    engine.close()
