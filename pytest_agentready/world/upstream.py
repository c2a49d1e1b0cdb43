"""The world's own connection to a real Redis, behind a peer: some commands, and a reply to each."""

from __future__ import annotations

import _socket
import contextlib
import socket
from typing import Any

from pytest_agentready.world import real, resp

PATIENCE = 10.0  # real seconds for one answer
CHUNK = 1 << 16  # bytes


class Upstream:
    """The real connection: some commands, and a reply to each."""

    def __init__(self, sock: _socket.socket, address: Any, *, older: bool = False) -> None:
        """`older` than the run: what its client has agreed on with the server is not known."""
        self.address = address
        self.older = older
        self.healthy = True
        self._sock = sock
        self._buffer = bytearray()
        sock.settimeout(PATIENCE)

    def ask(self, *commands: list[bytes]) -> list[Any]:
        """Their replies as values; an error reply is an exception. Raises OSError where the server is gone."""
        if not self.healthy:
            raise ConnectionResetError("the connection to the real Redis is broken")
        self.healthy = False  # until the last reply has come: whatever happens in between, they would not belong together any more
        self._sock.sendall(b"".join(map(resp.packed, commands)))
        found = [self._reply() for _ in commands]
        self.healthy = True
        return found

    def _reply(self) -> Any:
        while (found := resp.value(self._buffer)) is None:
            data = self._sock.recv(CHUNK)
            if not data:
                raise ConnectionResetError("the real Redis has closed the connection")
            self._buffer += data
        del self._buffer[: found[1]]
        return found[0]

    def again(self) -> Upstream:
        """Another connection to the same server."""
        return connected(self._sock.family, self.address)

    def close(self) -> None:
        """Our end of it; a client that had it before the run still has its own, but for one that would read what is not meant for it."""
        if not self.healthy and self._sock.fileno() >= 0:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self.healthy = False


def connected(family: int, address: Any, patience: float = PATIENCE) -> Upstream:
    """Raises OSError."""
    sock = real.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(min(patience, PATIENCE))
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return Upstream(sock, address)
