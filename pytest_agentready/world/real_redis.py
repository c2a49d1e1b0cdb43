"""Clients of a Redis that is on the allow-list: they reach it through a peer of the world, command by command.

So its commands are seen, held back, lost and undone as those of the world's own Redis are. That it is a Redis is known by who connects:
the connections of redis-py and of valkey. What is encrypted is reached past the world, as any other allowed service is.
"""

from __future__ import annotations

import _socket
import os
import socket
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from pytest_agentready.domain import Unjudgeable
from pytest_agentready.world import real, stack
from pytest_agentready.world.connection import Connection, swap
from pytest_agentready.world.network import Network
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.upstream import PATIENCE, Upstream, connected
from pytest_agentready.world.world import World

CLIENTS = ("redis.", "valkey.")
NEAR = 40  # frames within which a client connects, also in a coroutine


def of_a_client(world: World, family: int, address: Any, patience: float | None) -> Upstream | None:
    """Where a client of Redis connects to an allowed server; None where anybody else does. Raises OSError where nobody is there.

    `patience` is the client's own, in seconds; 0 and None are without end.
    """
    if not world.sees_stores or not _is_a_client(sys._getframe(2)):
        return None
    try:
        return connected(family, address, patience or PATIENCE)
    except OSError as error:
        place = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
        down = f"{place} does not answer ({error.strerror or error}): start it, or take it out of agentready_allow_hosts"
        world.network.fail(Unjudgeable("a real service that the checks may reach is not there", down))
        raise


def take_over(world: World, sock: socket.socket, data: Any) -> bool:
    """A client goes on with a connection that is older than the run, by sending this; False where it is none to a Redis."""
    fd = real.socket.fileno(sock)
    name = world.network.allowed.adopted(fd)
    if not (world.sees_stores and name and bytes(memoryview(data)[:1]) == b"*" and real.socket.gettimeout(sock) != 0.0):
        return False
    if not _is_a_client(sys._getframe(2)):
        return False
    world.network.allowed.forget(fd)
    own = real.socket(sock.family, socket.SOCK_STREAM, 0, os.dup(fd))
    host, _, port = name.rpartition(":") if ":" in name else (name, "", "0")
    _lead_in(world.network, sock, host, int(port), Upstream(own, real.socket.getpeername(sock), older=True))
    return True


def _lead_in(network: Network, sock: socket.socket, host: str, port: int, upstream: Upstream) -> None:
    """A peer comes in between, until the run is over and the client has its own connection back."""
    fd = real.socket.fileno(sock)
    kept = os.dup(fd)
    near, far = _socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    far.setblocking(False)
    connection = Connection(swap(fd, near), host, port, stack.here(2))
    connection.kept = kept
    connection.peer = peer = Peer(network, network.services, connection, far, network.fault(host=host), upstream)
    peer.begin()
    network.keep(connection, peer)


def _is_a_client(frame: FrameType | None) -> bool:
    return any(not type(frame.f_locals.get("self")).__name__.startswith("SSL") for frame in _of_clients(frame))


def _of_clients(frame: FrameType | None) -> Iterator[FrameType]:
    """The innermost frame of a client of Redis."""
    for _ in range(NEAR):
        if frame is None:
            return
        if str(frame.f_globals.get("__name__")).startswith(CLIENTS):
            yield frame
            return
        frame = frame.f_back
