"""psycopg2: one C function makes every connection, and a callback, which psycopg2 has for coroutines, does all the waiting."""

from __future__ import annotations

import contextlib
import os
import socket
import weakref
from _thread import get_ident
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import extensions

from pytest_agentready.world import active, guard, names, real
from pytest_agentready.world.addresses import is_address
from pytest_agentready.world.connection import Connection
from pytest_agentready.world.foreign import descriptors, libpq
from pytest_agentready.world.foreign.refused import is_open
from pytest_agentready.world.patching import Patch, Patches
from pytest_agentready.world.world import World

_connect = psycopg2._connect
_connection: Any = extensions.connection
_WANTED = {extensions.POLL_READ: descriptors.READING, extensions.POLL_WRITE: descriptors.WRITING}


@dataclass
class _Attempt:
    """A connection that is being made by a thread."""

    world: World
    host: str
    port: int
    server: str  # in libpq's messages
    deadline: float | None
    connection: Connection | None = None  # once the descriptor is taken over

    def failed(self, why: str) -> psycopg2.OperationalError:
        return psycopg2.OperationalError(libpq.failure(self.server, why))


_attempts: dict[int, _Attempt] = {}  # by thread


_really: set[int] = set()  # threads that connect to an allowed server
_made: weakref.WeakSet[Any] = weakref.WeakSet()  # connections of this run


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    former = extensions.get_wait_callback()
    with Patches(_patches()).in_place(), libpq.closed_in_the_end(_made, lambda connection: connection.close(), psycopg2.Error):
        extensions.set_wait_callback(wait)
        try:
            yield
        finally:
            extensions.set_wait_callback(former)


def _patches() -> Iterator[Patch]:
    yield Patch(psycopg2, "_connect", connect)
    yield Patch(extensions, "connection", StandIn)
    waiting = [cls for cls in _connection.__subclasses__() if cls is not StandIn]
    while waiting:
        derived = waiting.pop()
        waiting += derived.__subclasses__()
        if is_open(derived):  # what is C too falls into the net below all such clients
            yield Patch(derived, "__init__", _making(derived, derived.__init__))


class _Standing(type):
    """Whatever is an instance of the type in C, or derived from it, passes for one of what stands in for it."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _connection)

    def __subclasscheck__(cls, derived: type) -> bool:
        return issubclass(derived, _connection)

    def __call__(cls, dsn: str, *args: Any, **kwargs: Any) -> Any:
        """A connection that is made without `psycopg2.connect`."""
        return connect(dsn, None, *args, **kwargs) if cls.__mro__[1] is _connection else super().__call__(dsn, *args, **kwargs)


class StandIn(_connection, metaclass=_Standing):  # type: ignore[misc]
    __module__, __qualname__ = "psycopg2.extensions", "connection"


EARLY = ((_connection, StandIn),)


def _making(derived: type, original: Any) -> Any:
    """An object of a derived class may be made by us, on behalf of `psycopg2.connect`, and by nobody else."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if active.world is not None and get_ident() not in _attempts and get_ident() not in _really:
            guard.refuse(
                f"a connection of psycopg2 that is made from {derived.__qualname__} (use psycopg2.connect(connection_factory=...))"
            )
        original(self, *args, **kwargs)

    return init


def connect(dsn: str, connection_factory: Any = None, **kwargs: Any) -> Any:
    world = active.world
    connection_factory = None if connection_factory is StandIn else connection_factory
    if world is None:
        return _connect(dsn, connection_factory, **kwargs)
    world.join()
    params = extensions.parse_dsn(dsn)
    failures: list[Exception] = []
    for one in _hosts(params):
        try:
            return _connect_to(world, one, connection_factory, kwargs)
        except psycopg2.OperationalError as failure:
            failures.append(failure)
    raise psycopg2.OperationalError("\n".join(map(str, failures))) from None


def _hosts(params: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """libpq tries several hosts in turn; a single port, or password, is for all of them."""
    names = params.get("host", "").split(",")
    ports = params.get("port", "").split(",")
    for number, name in enumerate(names):
        yield {**params, "host": name, "port": ports[number if number < len(ports) else 0]}


def _connect_to(world: World, params: dict[str, str], factory: Any, kwargs: dict[str, Any]) -> Any:
    host, port = libpq.address(params)
    if world.network.allowed.covers(host, port):
        _really.add(get_ident())
        try:
            return _connect(extensions.make_dsn(**libpq.really(params)), factory, **kwargs)
        finally:
            _really.discard(get_ident())
    server = libpq.named(host, port, _address_of(host, port))
    seconds = _connect_timeout(params)
    attempt = _Attempt(world, host, port, server, None if seconds is None else world.time.now + seconds)
    with descriptors.landing() as place, libpq.renamed(psycopg2.Error, place, server):
        dsn = extensions.make_dsn(**{name: value for name, value in {**params, **libpq.elsewhere(place)}.items() if value})
        _attempts[get_ident()] = attempt
        try:
            made = _connect(dsn, factory, **kwargs)
            if attempt.connection is None:  # an asynchronous connection: its owner polls it
                _take_over(attempt, made)
            _made.add(made)
            return made
        finally:
            del _attempts[get_ident()]


def _address_of(host: str, port: int) -> str:
    """libpq would look it up by itself. Raises OperationalError in its words."""
    if is_address(host) or not port:
        return host
    try:
        return str(names.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror as failure:
        raise psycopg2.OperationalError(f'could not translate host name "{host}" to address: {failure.strerror}\n') from None


def _connect_timeout(params: Mapping[str, str]) -> float | None:
    seconds = int(params.get("connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT") or 0)
    if seconds <= 0:
        return None
    return float(seconds if psycopg2.__libpq_version__ >= 170000 else max(2, seconds))


def _take_over(attempt: _Attempt, made: Any) -> None:
    try:
        attempt.connection = descriptors.take_over(attempt.world, made.fileno(), attempt.host, attempt.port)
    except ConnectionRefusedError:
        raise attempt.failed(libpq.REFUSED) from None


def wait(made: Any) -> None:
    """Wait until libpq wants nothing more."""
    attempt = _attempts.get(get_ident())
    if attempt is not None and attempt.connection is None:
        _take_over(attempt, made)
    world = active.world
    if world is not None and get_ident() in _really and not world.network.allowed.has(made.fileno()):
        params = extensions.parse_dsn(made.dsn)
        world.network.allowed.connected(made.fileno(), *libpq.address(params))
    while (state := made.poll()) != extensions.POLL_OK:
        in_time = _wait_once(made, _WANTED[state], attempt)
        if attempt is not None and not in_time:
            raise attempt.failed(libpq.EXPIRED)
        if attempt is not None and attempt.connection is not None and attempt.connection.state == "given up":
            raise attempt.failed(libpq.GIVEN_UP)


def _wait_once(made: Any, wanted: int, attempt: _Attempt | None) -> bool:
    world = active.mine()
    if world is None:  # a bystander's connection
        real.pollable(made.fileno(), real.READABLE if wanted == descriptors.READING else real.WRITABLE).poll()
        return True
    left = None if attempt is None or attempt.deadline is None else max(0.0, attempt.deadline - world.time.now)
    return bool(descriptors.wait(world, made.fileno(), wanted, left, "psycopg2"))
