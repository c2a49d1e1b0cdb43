"""The two servers that the patterns are tested on: fakeredis, and a redis-server of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import fakeredis
import pytest
import redis
import redis.asyncio

from tests.real_redis import NOT_INSTALLED, program, started


@dataclass(frozen=True)
class Server:
    client: Callable[..., redis.Redis]
    async_client: Callable[..., Any]


@pytest.fixture(scope="session")
def real_redis() -> Iterator[int]:
    """The port of a server that is started for these tests, which empty it: one that others use, too, would lose what is theirs."""
    found = program()
    if found is None:
        pytest.skip(NOT_INSTALLED)
    with started(found) as port:
        yield port


@pytest.fixture(params=["fakeredis", "redis-server"])
def server(request: pytest.FixtureRequest) -> Server:
    """An empty one. Its clients have few connections, for which threads and tasks take turns."""
    few: dict[str, Any] = {"max_connections": 50, "timeout": 60}
    if request.param == "fakeredis":
        few["server"] = fakeredis.FakeServer()
        return Server(
            lambda: redis.Redis.from_pool(redis.BlockingConnectionPool(connection_class=fakeredis.FakeRedisConnection, **few)),
            lambda: redis.asyncio.Redis.from_pool(
                redis.asyncio.BlockingConnectionPool(connection_class=fakeredis.FakeAsyncRedisConnection, **few)
            ),
        )
    port = request.getfixturevalue("real_redis")
    with redis.Redis(port=port) as client:
        client.flushall()
    few["port"] = port
    return Server(
        lambda: redis.Redis.from_pool(redis.BlockingConnectionPool(**few)),
        lambda: redis.asyncio.Redis.from_pool(redis.asyncio.BlockingConnectionPool(**few)),
    )
