"""A net below every client in C: what these libraries ask of the system's environment leads nowhere while a run is on.

libcurl and its like look for a proxy there, libpq for what it is to demand of a server, in the moment in which they connect,
whoever made the handle and whenever. Python reads a copy (`os.environ`), which stays as it is.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import socket
import struct
from collections.abc import Iterator

from pytest_agentready.world.world import World

PROXIES = tuple(f"{scheme}_proxy" for scheme in ("http", "https", "all", "ftp", "grpc"))
DIRECT = ("no_proxy", "NO_PROXY", "no_grpc_proxy")  # who is reached without a proxy
# Neither is a value that libpq knows, and it looks at both before it does anything else.
OF_LIBPQ = {"PGHOSTADDR": "nowhere", "PGTARGETSESSIONATTRS": "nothing leaves the virtual world"}
CAUGHT = "a connection of a client in C that was made before the run, or cannot be seen (make it within the call)"
_AT_ONCE = struct.pack("ii", 1, 0)


class Net:
    """Of one run: a port of this machine, at which whoever falls into it is turned away."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._listener = _socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self._listener.setblocking(False)

    @contextlib.contextmanager
    def spread(self) -> Iterator[None]:
        names = [*PROXIES, *map(str.upper, PROXIES), *DIRECT, *OF_LIBPQ]
        try:
            self._lay()
            yield
        finally:
            for name in names:
                if name in os.environ:
                    os.putenv(name, os.environ[name])
                else:
                    os.unsetenv(name)
            self.look()
            self._listener.close()

    def _lay(self) -> None:
        nowhere = "http://127.0.0.1:{1}".format(*self._listener.getsockname())
        for name in PROXIES:
            os.putenv(name, nowhere)
            os.putenv(name.upper(), nowhere)
        for name in DIRECT:
            os.putenv(name, ",".join(host for host, _ in self._world.network.allowed.hosts))
        for name, value in OF_LIBPQ.items():
            os.putenv(name, value)

    def look(self) -> None:
        """Said by the watchdog, now and then: turn away whoever is there."""
        with contextlib.suppress(OSError):
            while True:
                caught = _socket.socket(fileno=self._listener._accept()[0])  # type: ignore[attr-defined]
                caught.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                caught.close()
                if CAUGHT not in self._world.network.refused:
                    self._world.network.refused.append(CAUGHT)
