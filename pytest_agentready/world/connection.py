"""One simulated connection: the client's descriptor, real for the kernel, and what stands behind it."""

from __future__ import annotations

import _socket
import contextlib
import os
import socket
from _thread import get_ident
from typing import Literal, Protocol

SYN_TIMEOUT = 127.0  # seconds after which Linux gives up connecting (tcp_syn_retries = 6)
LATENCY = 0.001  # virtual seconds for a look-up, a handshake, an answer


class Outstanding(Protocol):
    """A call that waits for its answer, of a client whose connections are not led into the world."""

    @property
    def name(self) -> str: ...

    def cut(self) -> None: ...


class FarEnd(Protocol):
    """What stands behind a connection."""

    closed: bool
    owes_an_answer: bool

    def retire(self) -> int | None:
        """End it in good order, if it is idle: its descriptor, to be kept open. None where it cannot be."""

    def reset(self) -> None:
        """Break it."""


class Connection:
    """The client's end: a descriptor, and the inode by which a reused number is told from it."""

    __slots__ = ("datagrams", "ended", "fd", "host", "inode", "kept", "peer", "port", "rest", "span", "state", "thread", "where")

    def __init__(self, fd: int, host: str, port: int, where: str) -> None:
        self.fd = fd
        self.inode = os.fstat(fd).st_ino
        self.host = host
        self.port = port
        self.where = where  # the user's line that used it last
        self.span: int | None = None  # the telemetry's, in which something was sent last
        self.thread = get_ident()  # likewise
        self.state: Literal["open", "hanging", "given up", "cut"] = "open"
        self.peer: FarEnd | None = None
        self.rest: _socket.socket | None = None  # the far end of a connection without a peer
        self.datagrams = False
        self.kept: int | None = None  # the client's own descriptor, to be put back
        self.ended: int | None = None  # the far end of one that was ended in good order: what is still written to it goes nowhere

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host

    def let_go(self) -> None:
        """Of what stands behind it; a descriptor that is to be put back is, unless its number is another's by now."""
        if self.rest is not None:
            self.rest.close()
        if self.kept is not None:
            if self.is_current:
                os.dup2(self.kept, self.fd, inheritable=False)
            os.close(self.kept)
            self.kept = None

    def forget(self) -> None:
        """Of a connection of an earlier run: nobody writes to it any more."""
        if self.ended is not None:
            os.close(self.ended)
            self.ended = None

    @property
    def is_current(self) -> bool:
        try:
            return os.fstat(self.fd).st_ino == self.inode
        except OSError:
            return False


def swap(fd: int, near: _socket.socket) -> int:
    """Put the pair's end in the place of the client's own descriptor."""
    blocking = os.get_blocking(fd)
    os.dup2(near.fileno(), fd, inheritable=False)
    os.set_blocking(fd, blocking)
    near.close()
    return fd


def fill(near: _socket.socket) -> None:
    """Until nothing more goes in: epoll then sees what it sees of a connection that is not established."""
    near.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    with contextlib.suppress(BlockingIOError):
        while True:
            near.send(bytes(65536))
