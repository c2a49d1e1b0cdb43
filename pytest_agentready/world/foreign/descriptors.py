"""Sockets that C code has opened: each is given a simulated peer in the moment in which it exists.

libpq is told to connect to a landing place, a port of this machine that listens only while it is needed and never says a word. Then the
descriptor is swapped for the end of a socket pair, like any other: the far end is the same `Peer`, under the same fault.
"""

from __future__ import annotations

import _socket
import contextlib
import socket
from collections.abc import Iterator

from pytest_agentready.world import guard, real, stack
from pytest_agentready.world.connection import Connection
from pytest_agentready.world.world import World

LOOPBACK = "127.0.0.1"
READING, WRITING = 1, 2


@contextlib.contextmanager
def landing(port: int = 0) -> Iterator[int]:
    """A port that takes up connections, and leaves them alone."""
    listener = _socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(8)
        yield listener.getsockname()[1]
    finally:
        listener.close()


def take_over(world: World, fd: int, host: str, port: int) -> Connection:
    """Give this descriptor the peer of that name. Raises ConnectionRefusedError where the fault says so."""
    with borrowed(fd) as sock:
        return world.network.connect(sock, host, port)


@contextlib.contextmanager
def borrowed(fd: int) -> Iterator[socket.socket]:
    sock = socket.socket(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()


def connection(world: World, fd: int) -> Connection | None:
    with borrowed(fd) as sock:
        return world.network.connection(sock)


def known(world: World, fd: int, client: str) -> Connection:
    """The connection that is about to be used. Raises OutboundBlocked where it was never led into a world: it is a real one.

    One of an earlier run has been reset when that ended, as the client is about to see.
    """
    with borrowed(fd) as sock:
        found = world.network.known(sock)
    if found is None:
        guard.refuse(f"a connection of {client} that was made before the examination (let the tool connect within the call)")
    found.where = stack.here()
    return found


def wait(world: World, fd: int, wanted: int, seconds: float | None, client: str) -> int:
    """Wait in virtual time until the descriptor can be read or written; what it can, 0 where the time is up."""
    allowed = world.network.allowed
    is_real = allowed.has(fd)
    found = None if is_real else known(world, fd, client)
    if is_real:
        allowed.sent(fd)  # an answer is owed, whatever is waited for
    poll = real.pollable(fd, (real.READABLE if wanted & READING else 0) | (real.WRITABLE if wanted & WRITING else 0))
    world.time.pump()
    if not poll.poll(0):
        primitive = "connect" if found is not None and found.state == "hanging" else "recv" if wanted & READING else "send"
        if not world.time.wait(primitive, seconds, lambda: bool(poll.poll(0)), real.sleep, found.name if found else ""):
            return 0
    if is_real:
        allowed.received(fd)
    return _what(poll.poll(0), wanted)


def _what(events: list[tuple[int, int]], wanted: int) -> int:
    """A connection at its end can be both read and written: the next call then tells of it."""
    mask = events[0][1] if events else 0
    reading, writing = bool(mask & real.READABLE), bool(mask & real.WRITABLE)
    if not (reading or writing):
        return wanted
    return ((READING if reading else 0) | (WRITING if writing else 0)) & wanted or wanted
