"""The allow-list: services outside of the world that a run may reach for real, such as a database in a container.

While one of them owes an answer, the clock of the run stands still: a jump would let a timeout pass that the real
service keeps well. A service that does not answer holds it for ten real seconds, and from then on no more.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_agentready.world import real

Hosts = tuple[tuple[str, int | None], ...]  # a name, an address or the path of a socket; a port, or None for every port

PATIENCE = 10.0  # real seconds for which an answer that is owed holds the clock
QUIET = 0.1  # real seconds after a piece of an answer, in which the next piece may follow
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_in_force: Hosts = ()


@contextlib.contextmanager
def permitted(hosts: Hosts) -> Iterator[None]:
    """The worlds that are made meanwhile let connections to these hosts out."""
    global _in_force
    before, _in_force = _in_force, hosts
    try:
        yield
    finally:
        _in_force = before


def in_force() -> Hosts:
    return _in_force


@dataclass(slots=True)
class Line:
    """A real connection to an allowed service."""

    name: str
    inode: int
    owed_since: float | None = None  # real moment since which an answer is owed
    heard: float = 0.0  # real moment of the last piece of one
    mute: bool = False  # it did not answer in time, and is no longer waited for

    def owes(self) -> bool:
        now = real.monotonic()
        if self.owed_since is None:
            return now - self.heard < QUIET
        if now - self.owed_since > PATIENCE:
            self.mute, self.owed_since = True, None
        return not self.mute


class Allowed:
    """The hosts that may be reached for real, and the connections to them."""

    def __init__(self, hosts: Iterable[tuple[str, int | None]] = ()) -> None:
        self.hosts = tuple((host.lower(), port) for host, port in hosts)
        self.reached: dict[str, None] = {}  # an ordered set of host:port
        self._lines: dict[int, Line] = {}

    def knows(self, host: str) -> bool:
        """May this name be looked up for real?"""
        return any(_same(name, host.lower()) for name, _ in self.hosts)

    def covers(self, host: str, port: int) -> bool:
        """Is this host, or this address, on the list?"""
        host = host.lower()
        return any(allowed in (None, port) and (_same(name, host) or host in _addresses(name)) for name, allowed in self.hosts)

    def name_of(self, address: str, port: int) -> str:
        name = next((name for name, _ in self.hosts if address == name or address in _addresses(name)), address)
        return f"{name}:{port}" if port else name

    # -- connections

    def connected(self, fd: int, address: str, port: int) -> None:
        """It owes something from here on: its greeting, or the answer to what is sent next."""
        self.adopt(fd, address, port)
        self.sent(fd)

    def adopt(self, fd: int, address: str, port: int) -> None:
        """A connection that is older than the run."""
        self._lines[fd] = Line(self.name_of(address, port), os.fstat(fd).st_ino)

    def adopted(self, fd: int) -> str:
        """The name of a service to which this connection leads from before the run, as long as nothing was sent on it; else ""."""
        line = self._line(fd)
        return "" if line is None or line.owed_since is not None or line.heard else line.name

    def forget(self, fd: int) -> None:
        """It is led into the world."""
        self._lines.pop(fd, None)

    def has(self, fd: int) -> bool:
        return self._line(fd) is not None

    def sent(self, fd: int) -> None:
        if (line := self._line(fd)) is not None:
            self.reached.setdefault(line.name)
            line.owed_since = real.monotonic()

    def received(self, fd: int) -> None:
        if (line := self._line(fd)) is not None:
            line.owed_since, line.heard, line.mute = None, real.monotonic(), False

    def owe(self) -> bool:
        """Does any of them owe an answer?"""
        return any(line.owes() for fd in tuple(self._lines) if (line := self._line(fd)) is not None)

    def _line(self, fd: int) -> Line | None:
        line = self._lines.get(fd)
        if line is None:
            return None
        try:
            if os.fstat(fd).st_ino == line.inode:
                return line
        except OSError:  # closed
            pass
        self._lines.pop(fd, None)
        return None


def _same(name: str, host: str) -> bool:
    return name == host or (name in LOCAL and host in LOCAL)


@functools.cache
def _addresses(name: str) -> frozenset[str]:
    """The real addresses of a name on the list, looked up once."""
    if "/" in name:
        return frozenset()
    try:
        return frozenset(str(found[4][0]) for found in real.getaddrinfo(name, 0, 0, socket.SOCK_STREAM))
    except OSError:
        return frozenset()
