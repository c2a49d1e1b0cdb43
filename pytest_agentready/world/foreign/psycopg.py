"""psycopg 3, sync and async: every connection is begun in one generator, and all waiting is done in four functions.

psycopg itself looks up names and keeps its timeouts, in Python; what is left to libpq is the protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import weakref
from _thread import get_ident
from collections.abc import Generator, Iterator
from typing import Any

import psycopg
import psycopg._connection_base
import psycopg.conninfo
import psycopg.pq
import psycopg.waiting

from pytest_agentready.world import active, guard
from pytest_agentready.world.foreign import descriptors, libpq
from pytest_agentready.world.patching import Patch, Patches
from pytest_agentready.world.world import World

_Base: Any = psycopg._connection_base.BaseConnection
_connect_gen = vars(_Base)["_connect_gen"].__func__
_cancel_gen = getattr(_Base, "_cancel_gen", None)  # from psycopg 3.2 on
_wait, _wait_conn = psycopg.waiting.wait, psycopg.waiting.wait_conn
_wait_async, _wait_conn_async = psycopg.waiting.wait_async, psycopg.waiting.wait_conn_async
_PGconn: Any = psycopg.pq.PGconn
Steps = Generator[Any, Any, Any]
_made: weakref.WeakSet[Any] = weakref.WeakSet()  # connections of this run


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    with libpq.closed_in_the_end(_made, lambda connection: connection.pgconn.finish(), psycopg.Error), Patches(_patches()).in_place():
        yield


def _patches() -> Iterator[Patch]:
    yield Patch(_Base, "_connect_gen", classmethod(connect_gen))
    if _cancel_gen is not None:
        yield Patch(_Base, "_cancel_gen", cancel_gen)
    yield Patch(psycopg.pq, "PGconn", PGconn)
    yield Patch(psycopg.waiting, "wait", wait)
    yield Patch(psycopg.waiting, "wait_conn", wait_conn)
    yield Patch(psycopg.waiting, "wait_async", wait_async)
    yield Patch(psycopg.waiting, "wait_conn_async", wait_conn_async)


# -- connecting


def connect_gen(cls: Any, /, conninfo: str = "", **more: Any) -> Steps:
    world = active.world
    if world is None:
        return (yield from _connect_gen(cls, conninfo, **more))
    world.join()
    params = psycopg.conninfo.conninfo_to_dict(conninfo)
    host, port = libpq.address(params)
    if world.network.allowed.covers(host, port):
        return (
            yield from _let_out(world, _connect_gen(cls, psycopg.conninfo.make_conninfo("", **libpq.really(params)), **more), host, port)
        )
    server = libpq.named(str(params.get("hostaddr") or host) if port else host, port, "")
    with descriptors.landing() as place, libpq.renamed(psycopg.Error, place, server):
        steps = _connect_gen(cls, psycopg.conninfo.make_conninfo(conninfo, **libpq.elsewhere(place)), **more)
        try:
            made = yield from _taken_over(world, steps, host, port)
            _made.add(made)
            return made
        except ConnectionRefusedError:
            raise psycopg.OperationalError(f"connection failed: {libpq.failure(server, libpq.REFUSED)}") from None
        except TimeoutError:
            raise psycopg.OperationalError(f"connection failed: {libpq.failure(server, libpq.GIVEN_UP)}") from None


def _let_out(world: World, steps: Steps, host: str, port: int) -> Steps:
    """To a server that is reached for real."""
    with _letting_in():
        fd, wanted = next(steps)
    world.network.allowed.connected(fd, host, port)
    ready = yield fd, wanted
    while True:
        try:
            fd, wanted = steps.send(ready)
        except StopIteration as end:
            return end.value
        if not world.network.allowed.has(fd):  # the next address of the same host
            world.network.allowed.connected(fd, host, port)
        ready = yield fd, wanted


def cancel_gen(self: Any) -> Steps:
    """A query is called off over a connection of its own, to the address of the first."""
    world = active.world
    former = None if world is None else descriptors.connection(world, self.pgconn.socket)
    if world is None or former is None:
        return (yield from _cancel_gen(self))  # type: ignore[misc]
    with descriptors.landing(int(self.pgconn.port)):
        try:
            return (yield from _taken_over(world, _cancel_gen(self), former.host, former.port))  # type: ignore[misc]
        except OSError as failure:
            raise psycopg.OperationalError(f"cancellation failed: {failure.strerror}") from None


def _taken_over(world: World, steps: Steps, host: str, port: int) -> Steps:
    """The same steps, the first of which has opened a descriptor."""
    with _letting_in():
        fd, wanted = next(steps)
    connection = descriptors.take_over(world, fd, host, port)
    while True:
        ready = yield fd, wanted
        if connection.state == "given up":
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")
        try:
            fd, wanted = steps.send(ready)
        except StopIteration as end:
            return end.value


# -- libpq itself, below all of psycopg's connections

_let_in: set[int] = set()  # threads in which we ourselves begin a connection


@contextlib.contextmanager
def _letting_in() -> Iterator[None]:
    _let_in.add(get_ident())
    try:
        yield
    finally:
        _let_in.discard(get_ident())


class _Standing(type(_PGconn)):  # type: ignore[misc]
    """Whatever is an instance of the type in C passes for one of what stands in for it."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _PGconn)


def _beginning(name: str) -> Any:
    original = getattr(_PGconn, name)

    def begin(*args: Any) -> Any:
        if active.world is not None and get_ident() not in _let_in:
            guard.refuse(f"a connection of psycopg by PGconn.{name} (use psycopg.connect)")
        return original(*args)

    return staticmethod(begin)


class PGconn(_PGconn, metaclass=_Standing):  # type: ignore[misc]
    __module__, __qualname__ = _PGconn.__module__, "PGconn"

    connect, connect_start, ping = map(_beginning, ("connect", "connect_start", "ping"))


EARLY = ((_PGconn, PGconn),)


# -- waiting: `interval` only lets Ctrl-C through, `timeout` is a deadline. Before psycopg 3.3 the steps of a connection looked at
# the clock themselves, once in each interval.


def wait(gen: Steps, fileno: int, interval: float = 0.0, timeout: float | None = None) -> Any:
    world = active.mine()
    if world is None:
        return _wait(gen, fileno, interval, *_given(timeout))
    return _follow(world, gen, fileno, None, timeout)


def wait_conn(gen: Steps, interval: float = 0.0, timeout: float | None = None) -> Any:
    world = active.mine()
    if world is None:
        return _wait_conn(gen, interval, *_given(timeout))
    return _follow(world, gen, None, None if timeout is not None else interval, timeout)


def _given(timeout: float | None) -> tuple[Any, ...]:
    return () if timeout is None else (timeout,)


def _follow(world: World, gen: Steps, fileno: int | None, interval: float | None, timeout: float | None) -> Any:
    deadline = _Deadline(world, timeout)
    inode = None if fileno is None else _inode(fileno)
    try:
        step = next(gen)
        while True:
            fd, wanted = step if fileno is None else (fileno, step)
            ready = descriptors.wait(world, fd, wanted, deadline.left(interval), "psycopg")
            if fileno is not None and _inode(fileno) != inode:  # libpq's memory of it is gone
                raise psycopg.OperationalError("the connection is closed")
            step = gen.send(ready)
            deadline.keep()
    except StopIteration as end:
        return end.value


def _inode(fd: int) -> int | None:
    """Of an open descriptor; another thread may close the connection while this one waits for its answer."""
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return None


async def wait_async(gen: Steps, fileno: int, interval: float = 0.0, timeout: float | None = None) -> Any:
    world = active.mine()
    if world is None:
        return await _wait_async(gen, fileno, interval, *_given(timeout))
    return await _follow_async(world, gen, fileno, None, timeout)


async def wait_conn_async(gen: Steps, interval: float = 0.0, timeout: float | None = None) -> Any:
    world = active.mine()
    if world is None:
        return await _wait_conn_async(gen, interval, *_given(timeout))
    return await _follow_async(world, gen, None, None if timeout is not None else interval, timeout)


async def _follow_async(world: World, gen: Steps, fileno: int | None, interval: float | None, timeout: float | None) -> Any:
    deadline = _Deadline(world, timeout)
    try:
        step = next(gen)
        while True:
            fd, wanted = step if fileno is None else (fileno, step)
            if world.network.allowed.has(fd):
                world.network.allowed.sent(fd)
            else:
                descriptors.known(world, fd, "psycopg")
            step = gen.send(await _ready(fd, wanted, deadline.left(interval)))
            world.network.allowed.received(fd)
            deadline.keep()
    except StopIteration as end:
        return end.value


async def _ready(fd: int, wanted: int, seconds: float | None) -> int:
    """As `descriptors.wait`, by the event loop."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[int] = loop.create_future()

    def note(what: int) -> None:
        if not ready.done():
            ready.set_result(what)

    if wanted & descriptors.READING:
        loop.add_reader(fd, note, descriptors.READING)
    if wanted & descriptors.WRITING:
        loop.add_writer(fd, note, descriptors.WRITING)
    try:
        return await asyncio.wait_for(ready, seconds)
    except asyncio.TimeoutError:
        return 0
    finally:
        loop.remove_reader(fd)
        loop.remove_writer(fd)


class _Deadline:
    """Until when all steps together have to be done."""

    def __init__(self, world: World, seconds: float | None) -> None:
        self._world = world
        self._end = None if seconds is None else world.time.now + seconds

    def left(self, at_most: float | None) -> float | None:
        if self._end is None:
            return at_most
        left = max(0.0, self._end - self._world.time.now)
        return left if at_most is None else min(left, at_most)

    def keep(self) -> None:
        if self._end is not None and self._world.time.now >= self._end:
            raise psycopg.errors._WaitTimeout("wait timeout expired")
