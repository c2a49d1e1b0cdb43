"""TLS on the client's side: contexts that trust only the world's authority, and handshakes in virtual time."""

from __future__ import annotations

import contextlib
import os
import ssl
import weakref
from _thread import get_ident
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.telemetry import capture
from pytest_agentready.world import active, real, stack
from pytest_agentready.world.certificates import authority
from pytest_agentready.world.connection import Connection
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.world import World

_TIMED_OUT = {
    "do_handshake": ("TLS handshake", "_ssl.c: The handshake operation timed out"),
    "read": ("TLS read", "The read operation timed out"),
    "unwrap": ("TLS read", "The read operation timed out"),
    "send": ("TLS write", "The write operation timed out"),
    "write": ("TLS write", "The write operation timed out"),
}
WRITING = ("send", "write")
_LOADERS = {name: getattr(ssl.SSLContext, name) for name in ("load_verify_locations", "load_default_certs", "set_default_verify_paths")}
_postponed: weakref.WeakKeyDictionary[ssl.SSLContext, list[Callable[[], None]]] = weakref.WeakKeyDictionary()


def patches() -> Iterator[Patch]:
    yield Patch(ssl.SSLContext, "wrap_socket", wrap_socket)
    yield Patch(ssl.SSLContext, "wrap_bio", wrap_bio)
    for name in _LOADERS:
        yield Patch(ssl.SSLContext, name, _loading(name))
    for name in _TIMED_OUT:
        yield Patch(ssl.SSLSocket, name, _waiting(name))


def wrap_socket(self: ssl.SSLContext, sock: Any, server_side: bool = False, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
    world = active.world
    if world is None or server_side or world.network.connection(sock) is None:
        _complete(self)
        return real.wrap_socket(self, sock, server_side, *args, **kwargs)
    return real.wrap_socket(authority().shadow(self), sock, server_side, *args, **kwargs)


def wrap_bio(self: ssl.SSLContext, incoming: Any, outgoing: Any, server_side: bool = False, *args: Any, **kwargs: Any) -> ssl.SSLObject:
    world = active.world
    if world is None or server_side or not world.network.connections or _is_allowed(world, kwargs.get("server_hostname")):
        _complete(self)
        return real.wrap_bio(self, incoming, outgoing, server_side, *args, **kwargs)
    return real.wrap_bio(authority().shadow(self), incoming, outgoing, server_side, *args, **kwargs)


def _is_allowed(world: World, host: str | bytes | None) -> bool:
    """A real service shows a real certificate."""
    return host is not None and world.network.allowed.knows(host.decode() if isinstance(host, bytes) else host)


def _loading(name: str) -> Callable[..., None]:
    """Loading the system's roots takes 20 to 40 ms for each client that is built, and no run ever asks them."""
    original = _LOADERS[name]

    def load(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
        if active.mine() is None or _must_be_loaded(name, args, kwargs):
            original(self, *args, **kwargs)
        else:
            context = weakref.ref(self)

            def later() -> None:
                if (alive := context()) is not None:
                    original(alive, *args, **kwargs)

            _postponed.setdefault(self, []).append(later)

    load.__name__ = name
    return load


def _must_be_loaded(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Certificates given as data are cheap, and a file that is missing has to be complained about at once."""
    if name != "load_verify_locations":
        return False
    given = dict(zip(("cafile", "capath", "cadata"), args, strict=False)) | kwargs
    cafile = given.get("cafile")
    return given.get("cadata") is not None or (cafile is not None and not os.path.exists(cafile))


def load_postponed() -> None:
    """Contexts that were built in a run and are still alive get their roots now, before they meet the real world."""
    for context in list(_postponed):
        _complete(context)


def _complete(context: ssl.SSLContext) -> None:
    for load in _postponed.pop(context, ()):
        load()


def _waiting(name: str) -> Callable[..., Any]:
    """An operation that may have to read and write: tried without blocking, and waited for in virtual time."""
    original = getattr(ssl.SSLSocket, name)

    def operate(self: ssl.SSLSocket, *args: Any, **kwargs: Any) -> Any:
        world = active.world
        connection = None if world is None else world.network.connection(self)
        if world is None:
            return original(self, *args, **kwargs)
        if connection is None:
            return _outside(world, self, lambda: original(self, *args, **kwargs))
        if name in WRITING:
            connection.where, connection.thread, connection.span = stack.here(), get_ident(), capture.current()
        bound = real.socket.gettimeout(self)
        if bound == 0.0:
            world.time.pump()
            return original(self, *args, **kwargs)
        world.join()
        with _without_blocking(self):
            return _tried(world, connection, lambda: original(self, *args, **kwargs), bound, name)

    operate.__name__ = name
    return operate


@contextlib.contextmanager
def _without_blocking(sock: ssl.SSLSocket) -> Iterator[None]:
    bound = real.socket.gettimeout(sock)
    real.socket.settimeout(sock, 0.0)
    try:
        yield
    finally:
        if real.socket.fileno(sock) >= 0:  # unwrap and a failed handshake may have closed it
            real.socket.settimeout(sock, bound)


def _tried(world: World, connection: Connection, operation: Callable[[], Any], bound: float | None, name: str) -> Any:
    """Until it is done, or `bound` virtual seconds are over. Raises TimeoutError."""
    primitive, timed_out = _TIMED_OUT[name]
    deadline = None if bound is None else world.time.now + bound
    while True:
        try:
            return operation()
        except ssl.SSLWantReadError:
            poll = real.pollable(connection.fd, real.READABLE)
        except ssl.SSLWantWriteError:
            poll = real.pollable(connection.fd, real.WRITABLE)
        world.time.pump()
        if poll.poll(0):
            continue
        left = None if deadline is None else max(0.0, deadline - world.time.now)
        if not world.time.wait(primitive, left, lambda poll=poll: bool(poll.poll(0)), real.sleep, connection.name):  # type: ignore[misc]
            raise TimeoutError(timed_out)


def _outside(world: World, sock: ssl.SSLSocket, operation: Callable[[], Any]) -> Any:
    """An operation on a real connection: until it is over, an allowed service owes something."""
    fd = real.socket.fileno(sock)
    if real.socket.gettimeout(sock) != 0.0 and active.mine() is not None:
        world.network.allowed.sent(fd)
    done = operation()
    world.network.allowed.received(fd)
    return done
