"""However a client of Redis is built, it reaches the world's, and meets its faults."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
import valkey
import valkey.asyncio
import valkey.asyncio.sentinel
import valkey.sentinel

from tests.world.entering import enter, exception

HOST = "cache.internal"
URL = f"redis://{HOST}:6379/0"
BACKEND = {
    f"redis://{HOST}": {"greeting": "hello", "n": 41},
    "unix:///run/redis.sock": {"greeting": "hello", "n": 41},
}
PATIENT = {"socket_timeout": 2, "socket_connect_timeout": 2}
SENTINELS = [("sentinel-1.internal", 26379), ("sentinel-2.internal", 26379)]
AT_IMPORT: dict[str, Any] = {
    "redis, built at import": redis.Redis(HOST, **PATIENT, retry=None),
    "valkey, built at import": valkey.Valkey(HOST, **PATIENT),
}


def sync_styles(module: Any, client: Any) -> dict[str, Callable[[], Any]]:
    name = module.__name__
    return {
        f"{name}, by its host": lambda: client(host=HOST, **PATIENT),
        f"{name}, by a URL": lambda: client.from_url(URL, **PATIENT),
        f"{name}, by a URL with TLS": lambda: client.from_url(f"rediss://:secret@{HOST}:6379", **PATIENT),
        f"{name}, by a URL of a socket": lambda: client.from_url("unix:///run/redis.sock?db=0", **PATIENT),
        f"{name}, with a pool": lambda: client(connection_pool=module.ConnectionPool(host=HOST, **PATIENT)),
        f"{name}, with a pool by its URL": lambda: client(connection_pool=module.ConnectionPool.from_url(URL, **PATIENT)),
        f"{name}, with a pool that blocks": lambda: client(connection_pool=module.BlockingConnectionPool(host=HOST, timeout=2, **PATIENT)),
        f"{name}, by one connection": lambda: client(host=HOST, single_connection_client=True, **PATIENT),
        f"{name}, with version 3 of the protocol": lambda: client(host=HOST, protocol=3, health_check_interval=10, **PATIENT),
        f"{name}, by Sentinel": lambda: module.sentinel.Sentinel(SENTINELS, **PATIENT).master_for("orders"),
        f"{name}, by Sentinel, for reading": lambda: module.sentinel.Sentinel(SENTINELS, **PATIENT).slave_for("orders"),
    }


STYLES = {
    **sync_styles(redis, redis.Redis),
    **sync_styles(valkey, valkey.Valkey),
    **{name: lambda client=client: client for name, client in AT_IMPORT.items()},
}
OF_ASYNCIO = {**sync_styles(redis.asyncio, redis.asyncio.Redis), **sync_styles(valkey.asyncio, valkey.asyncio.Valkey)}
del OF_ASYNCIO["redis.asyncio, by one connection"], OF_ASYNCIO["valkey.asyncio, by one connection"]


def use(make: Callable[[], Any]) -> Any:
    client = make()
    with client.pipeline() as pipe:
        return pipe.incr("n").expire("n", 60).execute(), client.get("greeting"), client.eval("return redis.call('GET', KEYS[1])", 1, "n")


async def use_async(make: Callable[[], Any]) -> Any:
    client = make()
    async with client.pipeline() as pipe:
        counted = await pipe.incr("n").expire("n", 60).execute()
    found = counted, await client.get("greeting"), await client.eval("return redis.call('GET', KEYS[1])", 1, "n")
    await client.aclose()
    return found


CALLS: dict[str, Callable[[], Any]] = {
    **{name: lambda make=make: use(make) for name, make in STYLES.items()},
    **{name: lambda make=make: use_async(make) for name, make in OF_ASYNCIO.items()},
}


@pytest.mark.parametrize("style", CALLS)
def test_a_client_reaches_the_redis_of_the_world(style: str) -> None:
    run = enter(CALLS[style], backend=BACKEND)
    assert run.value == ([42, True], b"hello", b"42"), run.raised
    commands = [request.method for request in run.requests if request.method not in ("SENTINEL", "PING")]
    assert commands == ["EXEC", "GET", "EVAL"]
    assert enter(CALLS[style], backend=BACKEND).value == run.value


@pytest.mark.parametrize("style", [name for name in CALLS if "Sentinel" not in name])
def test_a_client_meets_its_faults(style: str) -> None:
    down = exception(enter(CALLS[style], "refused", backend=BACKEND))
    assert down in ("ConnectionError", "TimeoutError"), down
    silent = enter(CALLS[style], "response-hang", backend=BACKEND)
    assert exception(silent) == "TimeoutError"
    assert silent.ending is None
    between = enter(CALLS[style], "reset-before-answer", spared=1, backend=BACKEND)
    assert [request.committed for request in between.requests[:2]] == [True, False]


@pytest.mark.parametrize("module", ["redis", "valkey"])
def test_who_asks_sentinel_is_led_to_the_redis_that_the_backend_names(module: str) -> None:
    sentinel = importlib.import_module(f"{module}.sentinel")

    def look() -> Any:
        found = sentinel.Sentinel(SENTINELS, **PATIENT)
        first = found.sentinels[0]
        return (
            found.discover_master("orders"),
            found.discover_slaves("orders"),
            first.sentinel_get_master_addr_by_name("orders")[1],
            "master" in first.sentinel_master("orders")["flags"],
            first.sentinel_sentinels("orders"),
        )

    place = (HOST, 6379)
    run = enter(look, backend=BACKEND)
    assert run.value == (place, [place], 6379, True, []), run.raised
    assert {request.host for request in run.requests} == {"sentinel-1.internal"}


def test_without_a_backend_the_master_is_on_the_host_of_its_sentinel() -> None:
    run = enter(lambda: redis.sentinel.Sentinel(SENTINELS, **PATIENT).master_for("mymaster").incr("n"), backend={})
    assert run.value == 1
    assert [request.url for request in run.requests if request.method != "SENTINEL"] == ["redis://sentinel-1.internal:6379"]


def test_one_sentinel_that_is_down_is_passed_by_and_all_of_them_are_told() -> None:
    def ask() -> Any:
        return redis.sentinel.Sentinel(SENTINELS, **PATIENT, retry=None).master_for("orders", retry=None).get("greeting")

    run = enter(ask, "refused", backend=BACKEND)
    assert run.raised is not None
    assert exception(run) == "MasterNotFoundError"


async def both(make: Callable[[], Any]) -> Any:
    client = make()
    return await asyncio.gather(client.incr("n"), client.incr("n"))


def test_two_at_once_of_asyncio_have_two_connections() -> None:
    assert sorted(enter(lambda: both(OF_ASYNCIO["valkey.asyncio, by its host"]), backend=BACKEND).value) == [42, 43]  # type: ignore[type-var]
