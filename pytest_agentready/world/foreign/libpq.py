"""What psycopg 3 and psycopg2 have in common: the parameters of a connection, and libpq's words for one that fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakSet

from pytest_agentready.world.foreign.descriptors import LOOPBACK

PORT = 5432
SOCKETS = "/var/run/postgresql"  # the directory in which libpq looks for a server of this machine


def address(params: Mapping[str, Any]) -> tuple[str, int]:
    """Whom these parameters name, as the world calls it; a server of this machine by its path, and port 0."""
    port = int(params.get("port") or os.environ.get("PGPORT") or PORT)
    host = str(params.get("host") or params.get("hostaddr") or os.environ.get("PGHOST") or SOCKETS)
    return (f"{host}/.s.PGSQL.{port}", 0) if host.startswith("/") else (host, port)


def elsewhere(place: int) -> dict[str, str]:
    """What leads libpq to the landing place instead. The world's peer speaks neither TLS nor Kerberos with it."""
    return {"hostaddr": LOOPBACK, "port": str(place), "sslmode": "disable", "gssencmode": "disable"} | ANYBODY


def really(params: Mapping[str, Any]) -> dict[str, str]:
    """What leads libpq past the net below all clients in C, to a server that is reached for real."""
    return {"hostaddr": "", **ANYBODY} | {name: str(value) for name, value in params.items() if value}


ANYBODY = {"target_session_attrs": "any"}  # given by name, so that the net below all clients in C does not catch it


def failure(server: str, why: str) -> str:
    """libpq's words for a connection that is not made; `server` as `named` has it."""
    return f"connection to server {server} failed: {why}"


REFUSED = "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?"
GIVEN_UP = "Connection timed out\n\tIs the server running on that host and accepting TCP/IP connections?"  # by the system
EXPIRED = "timeout expired"


def named(host: str, port: int, found: str) -> str:
    """A server as libpq names it: the address is shown where libpq has looked it up."""
    if not port:
        return f'on socket "{host}"'
    return f'at "{host}" ({found}), port {port}' if found and found != host else f'at "{host}", port {port}'


@contextlib.contextmanager
def closed_in_the_end(made: WeakSet[Any], close: Callable[[Any], object], errors: type[Exception]) -> Iterator[None]:
    """What a tool keeps of a run's connections is closed at its end, so that `connection.closed` tells it to connect again."""
    try:
        yield
    finally:
        for connection in list(made):
            with contextlib.suppress(errors):
                close(connection)
        made.clear()


@contextlib.contextmanager
def renamed(errors: type[Exception], place: int, server: str) -> Iterator[None]:
    """libpq names the landing place in its errors: the user shall read whom the tool wanted."""
    try:
        yield
    except errors as error:
        error.args = (str(error).replace(named(LOOPBACK, place, ""), server), *error.args[1:])
        raise
