"""asyncio: the loop in which async tools run."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
from collections.abc import Awaitable, Iterator
from typing import Any

from pytest_agentready.world.ending import WorldEnded
from pytest_agentready.world.hosted import straighten

_own_loop: asyncio.AbstractEventLoop | None = None
_resolving = False


def loop() -> asyncio.AbstractEventLoop:
    """One loop for all runs: a module's own async client keeps its connections in the loop where it was first used."""
    global _own_loop
    if _own_loop is None or _own_loop.is_closed():
        _own_loop = asyncio.SelectorEventLoop()
        straighten(_own_loop)  # for good: another plugin may have replaced the class
        atexit.register(_own_loop.close)
    return _own_loop


def is_own(one: object) -> bool:
    """Is this that loop?"""
    return one is _own_loop


def held() -> bool:
    """Does the tools' loop stand still for what the calling thread does just now?"""
    return _own_loop is not None and asyncio._get_running_loop() is _own_loop and not _resolving


@contextlib.contextmanager
def resolving() -> Iterator[None]:
    """A name is looked up for the loop, in a thread of its own as far as anybody can see."""
    global _resolving
    _resolving = True
    try:
        yield
    finally:
        _resolving = False


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
