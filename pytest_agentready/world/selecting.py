"""select, poll, epoll and the selectors: what event loops and pools wait in."""

from __future__ import annotations

import asyncio
import select
import selectors
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pytest_agentready.world import active, nurseries, real
from pytest_agentready.world.ending import WorldClosed, WorldEnded
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.world import World

SELECTORS = ("EpollSelector", "PollSelector", "SelectSelector", "KqueueSelector", "_PollLikeSelector", "DevpollSelector")
EVERYTHING = real.READABLE | real.WRITABLE | getattr(select, "POLLPRI", 2)  # what poll() looks for unless told
IDLE_LOOK = 1e-7  # virtual seconds that an empty look takes, so that a loop that polls sees time pass


def patches() -> Iterator[Patch]:
    for name in SELECTORS:
        cls = getattr(selectors, name, None)
        if cls is not None and "select" in vars(cls):
            yield Patch(cls, "select", _selecting(cls))
    yield Patch(select, "select", select_)
    yield Patch(select, "poll", Poll)
    if real.epoll is not None:
        yield Patch(select, "epoll", Epoll)


def _wait(
    world: World, primitive: str, timeout: float | None, look: Callable[[], Any], ready: Callable[[], bool], rest: Callable[[float], object]
) -> Any:
    """Look, and only where nothing is there, wait; `look` takes what is ready, `ready` only asks."""
    found = look()
    if world.time.pump() and not found:
        found = look()
    if found or (timeout is not None and timeout <= 0):
        if not found:
            world.time.now += IDLE_LOOK
        return found
    target = asyncio._get_running_loop() if primitive == "await" else None
    world.time.wait(primitive, timeout, ready, rest, world.network.awaited(), target=target)
    return look()


def _asker(fds: Iterable[tuple[int, int]]) -> Callable[[], bool]:
    """Is there anything for these descriptors and events? Asked from any thread: a poll object serves one at a time."""
    poll = real.poll()
    for fd, mask in fds:
        poll.register(fd, mask)
    return lambda: bool(poll.poll(0))


def _masks(selector: Any) -> Iterator[tuple[int, int]]:
    for key in selector.get_map().values():
        reads, writes = key.events & selectors.EVENT_READ, key.events & selectors.EVENT_WRITE
        yield key.fd, (real.READABLE if reads else 0) | (real.WRITABLE if writes else 0)


def _selecting(cls: Any) -> Callable[..., Any]:
    original: Callable[..., Any] = vars(cls)["select"]

    def select(self: Any, timeout: float | None = None) -> Any:
        world = active.mine()
        if world is None:
            return original(self, timeout)
        # A ready epoll can itself be polled.
        ready = _asker([(self.fileno(), real.READABLE)] if hasattr(self, "fileno") else _masks(self))
        try:
            return _wait(world, _primitive(self), timeout, lambda: original(self, 0), ready, lambda seconds: original(self, seconds))
        except WorldClosed:
            return original(self, timeout)
        except WorldEnded:
            if not _cancel_tasks(world):
                raise
            return []

    return select


def _primitive(selector: Any) -> str:
    """A loop waits in its own selector for something to do; whatever else waits while it runs holds it up."""
    return "await" if getattr(asyncio._get_running_loop(), "_selector", None) is selector else "select"


def _cancel_tasks(world: World) -> bool:
    """The loop of a run that is over: its tasks are cancelled, once, so that they unwind in good order."""
    loop = asyncio._get_running_loop()
    if loop is None or id(loop) in world.cancelled_loops:
        return False
    world.cancelled_loops.add(id(loop))
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    return bool(tasks)


def select_(readers: Any, writers: Any, others: Any, timeout: float | None = None) -> Any:
    world = active.mine()
    if world is None:
        return real.select(readers, writers, others, timeout)

    def look() -> Any:
        found = real.select(readers, writers, others, 0)
        return found if any(found) else ()

    return _wait(world, "select", timeout, look, lambda: bool(look()), lambda s: real.select(readers, writers, others, s)) or ([], [], [])


class Poll:
    """`select.poll()`, which is a C type and cannot be patched in place."""

    def __init__(self) -> None:
        self._real = real.poll()
        self._registered: dict[int, int] = {}

    def register(self, fd: Any, eventmask: int = EVERYTHING) -> None:
        self._real.register(fd, eventmask)
        self._registered[_number(fd)] = eventmask

    def modify(self, fd: Any, eventmask: int) -> None:
        self._real.modify(fd, eventmask)
        self._registered[_number(fd)] = eventmask

    def unregister(self, fd: Any) -> None:
        self._real.unregister(fd)
        self._registered.pop(_number(fd), None)

    def poll(self, timeout: float | None = None) -> Any:  # milliseconds
        world = active.mine()
        if world is None:
            return self._real.poll(timeout)
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        ready = _asker(self._registered.items())
        return _wait(world, "poll", seconds, lambda: self._real.poll(0), ready, lambda s: self._real.poll(s * 1000))


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


class Epoll:
    """`select.epoll()`, likewise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._real = real.epoll(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __enter__(self) -> Epoll:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._real.close()

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> Any:  # seconds
        world = active.mine()
        if world is None:
            return self._real.poll(timeout, maxevents)
        seconds = None if timeout is None or timeout < 0 or nurseries.means_for_ever(timeout) else timeout
        # To rest in the epoll itself would take away an event that is told of only once (EPOLLONESHOT, as trio asks for).
        itself = real.pollable(self._real.fileno(), real.READABLE)
        ready = _asker([(self._real.fileno(), real.READABLE)])
        try:
            return _wait(world, "epoll", seconds, lambda: self._real.poll(0, maxevents), ready, lambda s: itself.poll(s * 1000))
        except WorldClosed:
            return self._real.poll(timeout, maxevents)
        except WorldEnded:
            if not nurseries.cancel(world):
                raise
            return []
