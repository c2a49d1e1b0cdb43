"""asyncio: the loop in which async tools run, resolvers without a thread, and loops that work for the run elsewhere."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import socket
from collections.abc import Awaitable, Iterator
from typing import Any

from pytest_agentready.world import active
from pytest_agentready.world.ending import WorldEnded
from pytest_agentready.world.hosted import straighten
from pytest_agentready.world.patching import Patch

_call_soon_threadsafe = asyncio.BaseEventLoop.call_soon_threadsafe
_getaddrinfo = asyncio.BaseEventLoop.getaddrinfo
_run_forever = asyncio.BaseEventLoop.run_forever
_own_loop: asyncio.AbstractEventLoop | None = None
_resolving = False  # for the loop, in a thread of its own as far as anybody can see


def patches() -> Iterator[Patch]:
    yield Patch(asyncio.BaseEventLoop, "call_soon_threadsafe", call_soon_threadsafe)
    yield Patch(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    yield Patch(asyncio.BaseEventLoop, "run_forever", run_forever)


def call_soon_threadsafe(self: Any, callback: Any, *args: Any, **kwargs: Any) -> asyncio.Handle:
    """A member that hands a callback to a loop of another thread makes that thread a member."""
    world = active.mine()
    if world is not None and self._thread_id is not None and self._thread_id not in world.time.members:
        world.adopt_loop(self)
    return _call_soon_threadsafe(self, callback, *args, **kwargs)


def run_forever(self: Any) -> None:
    """A test's loop is older than the test's world, and outlives it."""
    world = active.mine()
    if world is not None and self is not _own_loop:
        world.enter_loop(self)
    _run_forever(self)


async def getaddrinfo(self: Any, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
    if active.world is None:
        found: list[Any] = await _getaddrinfo(self, host, port, family=family, type=type, proto=proto, flags=flags)
        return found
    global _resolving
    await asyncio.sleep(0)
    _resolving = True
    try:
        return socket.getaddrinfo(host, port, family, type, proto, flags)
    finally:
        _resolving = False


def loop() -> asyncio.AbstractEventLoop:
    """One loop for all runs: a module's own async client keeps its connections in the loop where it was first used."""
    global _own_loop
    if _own_loop is None or _own_loop.is_closed():
        _own_loop = asyncio.SelectorEventLoop()
        straighten(_own_loop)  # for good: another plugin may have replaced the class
        atexit.register(_own_loop.close)
    return _own_loop


def held() -> bool:
    """Does the tools' loop stand still for what the calling thread does just now?"""
    return _own_loop is not None and asyncio._get_running_loop() is _own_loop and not _resolving


def drive(awaitable: Awaitable[Any]) -> Any:
    """Run to the end what an async tool returned."""
    own = loop()

    async def main() -> Any:
        return await awaitable

    return own.run_until_complete(main())


def let_run(seconds: float) -> None:
    """What a call has started in our loop, and did not wait for, goes on for a while."""
    if _own_loop is None or _own_loop.is_running() or _own_loop.is_closed():
        return
    with contextlib.suppress(RuntimeError):
        if tasks := asyncio.all_tasks(_own_loop):
            with contextlib.suppress(WorldEnded):
                _own_loop.run_until_complete(asyncio.wait(tasks, timeout=seconds))


def tidy() -> None:
    """Cancel what a run left behind in our loop: tasks, and timers that would fire in another run's time."""
    if _own_loop is None or _own_loop.is_running():
        return
    with contextlib.suppress(RuntimeError):
        if tasks := asyncio.all_tasks(_own_loop):
            for task in tasks:
                task.cancel()
            with contextlib.suppress(WorldEnded, asyncio.CancelledError):  # a task that does not end meets the end of the run
                _own_loop.run_until_complete(asyncio.wait(tasks))
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.exception()  # looked at, so that asyncio does not complain of it
                task._log_destroy_pending = False  # type: ignore[attr-defined]
    scheduled: list[asyncio.TimerHandle] = getattr(_own_loop, "_scheduled", [])
    for handle in tuple(scheduled):
        handle.cancel()


def drain() -> None:
    """After the run: what its last threads have called back is let go of, with the sockets that it holds."""
    if _own_loop is not None and not _own_loop.is_running() and getattr(_own_loop, "_ready", False):
        _own_loop.run_until_complete(asyncio.sleep(0))
