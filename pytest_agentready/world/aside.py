"""Real connections, made before the run, are set aside for its time.

A module's client may hold one in its pool, and would reach the real peer with it. Each is replaced by a connection at its
end, so that the pool drops it and connects anew, into the world; afterwards those that were not dropped are put back.
"""

from __future__ import annotations

import _socket
import contextlib
import errno
import os
import socket
import stat
import sys
from collections.abc import Iterator

from pytest_agentready.world.connection import swap
from pytest_agentready.world.network import Network

DESCRIPTORS = "/dev/fd"
DEBUGGERS = ("pydevd", "debugpy")


@contextlib.contextmanager
def real_connections(network: Network) -> Iterator[None]:
    """But for those to allowed hosts. Only where the system lists a process's descriptors."""
    replaced: list[tuple[int, int, int]] = []  # descriptor, the inode now in its place, the real connection
    try:
        for fd, kind, host, port in tuple(_connected()):
            try:
                if network.allowed.covers(host, port):
                    network.allowed.adopt(fd, host, port)
                elif _serves(network, fd):
                    continue
                elif kind == socket.SOCK_DGRAM:
                    network.silence(fd, host, port)  # UDP knows no end
                else:
                    replaced.append(_replaced(fd, kind))
            except OSError as failure:
                if failure.errno != errno.EBADF:  # a thread that an earlier run has left behind has closed it meanwhile
                    raise
        yield
    finally:
        for fd, inode, kept in replaced:
            with contextlib.suppress(OSError):
                if os.fstat(fd).st_ino == inode:
                    os.dup2(kept, fd, inheritable=False)
            os.close(kept)


def _replaced(fd: int, kind: int) -> tuple[int, int, int]:
    """One that is at its end stands in its place. The descriptor, the inode that it has now, and the real connection."""
    kept = os.dup(fd)
    near, far = _socket.socketpair(socket.AF_UNIX, kind)
    far.close()
    swap(fd, near)
    return fd, os.fstat(fd).st_ino, kept


def _serves(network: Network, fd: int) -> bool:
    """Is it the near end of an allowed service, which lives in this process?"""
    with _borrowed(fd) as sock:
        here = sock.getsockname()
    return isinstance(here, tuple) and network.allowed.covers(here[0], here[1])


def _connected() -> Iterator[tuple[int, int, str, int]]:
    """The descriptor and the type of each connection to a socket that has a name, and that name."""
    debugged = any(name in sys.modules for name in DEBUGGERS)
    for name in os.listdir(DESCRIPTORS) if os.path.isdir(DESCRIPTORS) else ():
        fd = int(name)
        try:
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
            with _borrowed(fd) as sock:
                peer, kind = sock.getpeername(), sock.type & 0xF
                internet = sock.family in (socket.AF_INET, socket.AF_INET6)
        except OSError:  # closed meanwhile, or connected to nobody
            continue
        host, port = (peer[0], peer[1]) if internet else (os.fsdecode(peer) if isinstance(peer, (str, bytes)) else "", 0)
        if host and not (debugged and host in ("127.0.0.1", "::1")):
            yield fd, kind, host, port


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[_socket.socket]:
    sock = _socket.socket(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()
