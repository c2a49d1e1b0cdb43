"""asyncio's loops in a run: resolvers without a thread, and loops that work for the run elsewhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import active, loops
from pytest_agentready.world.patching import Patch

_call_soon_threadsafe = asyncio.BaseEventLoop.call_soon_threadsafe
_getaddrinfo = asyncio.BaseEventLoop.getaddrinfo
_run_forever = asyncio.BaseEventLoop.run_forever
_Transport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
_writelines = vars(_Transport).get("writelines")  # from Python 3.12 on


def patches() -> Iterator[Patch]:
    yield Patch(asyncio.BaseEventLoop, "call_soon_threadsafe", call_soon_threadsafe)
    yield Patch(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    yield Patch(asyncio.BaseEventLoop, "run_forever", run_forever)
    if _writelines is not None:
        yield Patch(_Transport, "writelines", writelines)


def call_soon_threadsafe(self: Any, callback: Any, *args: Any, **kwargs: Any) -> asyncio.Handle:
    """A member that hands a callback to a loop of another thread makes that thread a member."""
    world = active.mine()
    if world is not None and self._thread_id is not None and self._thread_id not in world.time.members:
        world.adopt_loop(self)
    return _call_soon_threadsafe(self, callback, *args, **kwargs)


def run_forever(self: Any) -> None:
    """A test's loop is older than the test's world, and outlives it."""
    world = active.mine()
    if world is not None and not loops.is_own(self):
        world.enter_loop(self)
    _run_forever(self)


def writelines(self: Any, lines: Any) -> None:
    """Some versions of Python stumble over a connection that is lost already, such as one that a pool has kept from an earlier run.

    Here it is as with `write`: nothing is sent, and whoever waits for that is told that the connection is lost.
    """
    if active.mine() is None or not self._conn_lost:
        assert _writelines is not None
        _writelines(self, lines)


async def getaddrinfo(self: Any, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
    if active.world is None:
        found: list[Any] = await _getaddrinfo(self, host, port, family=family, type=type, proto=proto, flags=flags)
        return found
    await asyncio.sleep(0)
    with loops.resolving():
        return socket.getaddrinfo(host, port, family, type, proto, flags)
