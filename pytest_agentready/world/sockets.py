"""The socket methods, for simulated connections; real ones go on as they were."""

from __future__ import annotations

import errno
import os
import socket
from _thread import get_ident
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.telemetry import capture
from pytest_agentready.world import active, real, stack
from pytest_agentready.world.connection import Connection
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.real_redis import of_a_client, take_over
from pytest_agentready.world.world import World

RECEIVING = {"recv": 1, "recv_into": 2, "recvfrom": 1, "recvfrom_into": 2, "recvmsg": 2, "recvmsg_into": 2}  # where their flags stand
DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
IGNORABLE = frozenset({errno.EOPNOTSUPP, errno.ENOPROTOOPT, errno.EINVAL})


def patches() -> Iterator[Patch]:
    # What forbids sockets in tests puts a class of its own in the place of the real one, which in a run reaches nobody.
    cls = next(cls for cls in socket.socket.__mro__ if cls.__module__ == "socket")
    yield Patch(socket, "socket", cls)
    yield Patch(cls, "listen", listen)
    yield Patch(cls, "connect", connect)
    yield Patch(cls, "connect_ex", connect_ex)
    for name in RECEIVING:
        if hasattr(real.socket, name):
            yield Patch(cls, name, _receiving(name))
    yield Patch(cls, "send", send)
    yield Patch(cls, "sendall", sendall)
    yield Patch(cls, "sendto", sendto)
    yield Patch(cls, "setsockopt", setsockopt)
    yield Patch(cls, "getsockopt", getsockopt)
    yield Patch(cls, "getpeername", getpeername)
    yield Patch(cls, "getsockname", getsockname)


def _simulated(sock: socket.socket) -> tuple[World, Connection] | None:
    world = active.world
    if world is None:
        return None
    connection = world.network.connection(sock)
    return None if connection is None else (world, connection)


# -- connecting


def connect(self: socket.socket, address: Any) -> None:
    world = active.world
    if world is None:
        return real.socket.connect(self, address)
    if self.family == socket.AF_UNIX:
        host, port = address if isinstance(address, str) else address.decode(errors="replace"), 0
    elif self.family in (socket.AF_INET, socket.AF_INET6):
        host, port = address[0].removeprefix("::ffff:"), address[1]
    else:
        return real.socket.connect(self, address)
    if not world.join():  # telemetry, say: nothing leaves the world, and the tool's record has nothing of it
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    upstream = None
    if world.network.lets_out(address):
        upstream = None if world.network.is_own(host, port) else of_a_client(world, self.family, address, real.socket.gettimeout(self))
        if upstream is None:
            return _connect_out(world, self, address, host, port)
        host = world.network.allowed.name_of(host, port).rpartition(":")[0] if port else host
    if self.type & 0xF == socket.SOCK_DGRAM:
        world.network.silence(real.socket.fileno(self), host, port)
        return None
    connection = None
    try:
        connection = world.network.connect(self, host, port, upstream)
    finally:
        if upstream is not None and (connection is None or connection.peer is None):
            upstream.close()
    if connection.state != "open":
        _await_nobody(world, connection, real.socket.gettimeout(self))
    return None


def _connect_out(world: World, sock: socket.socket, address: Any, host: str, port: int) -> None:
    """To a server of the run's own, which is inside of the world, or to an allowed service."""
    try:
        real.socket.connect(sock, address)
    finally:
        if not world.network.is_own(host, port):
            world.network.allowed.connected(real.socket.fileno(sock), host, port)


def listen(self: socket.socket, *backlog: int) -> None:
    real.socket.listen(self, *backlog)
    if (world := active.world) is not None:
        name = real.socket.getsockname(self)
        world.network.serve(name[1] if isinstance(name, tuple) else os.fsdecode(name))


def _await_nobody(world: World, connection: Connection, bound: float | None) -> None:
    """A connection that is never established: until the client's patience ends, or the system's."""
    if bound == 0.0:
        raise BlockingIOError(errno.EINPROGRESS, "Operation now in progress")
    if not world.time.wait("connect", bound, lambda: connection.state != "hanging", real.sleep, connection.name):
        raise TimeoutError("timed out")
    if connection.state == "given up":
        raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")
    raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def connect_ex(self: socket.socket, address: Any) -> int:
    if active.world is None:
        return real.socket.connect_ex(self, address)
    try:
        self.connect(address)
    except TimeoutError as error:
        return error.errno or errno.EAGAIN
    except OSError as error:
        return error.errno or errno.EIO
    return 0


# -- moving bytes


def _receiving(name: str) -> Callable[..., Any]:
    original = getattr(real.socket, name)
    position = RECEIVING[name]

    def receive(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
        found = _simulated(self)
        if found is None:
            data = original(self, *args, **kwargs)
            if active.world is not None:
                active.world.network.allowed.received(real.socket.fileno(self))
            return data
        world, connection = found
        world.time.pump()
        bound = real.socket.gettimeout(self)
        flags = kwargs.get("flags", args[position] if len(args) > position else 0)
        if bound != 0.0 and not flags & DONT_WAIT:
            world.join()
            poll = real.pollable(connection.fd, real.READABLE)
            if not poll.poll(0):
                connection.where = stack.here()
                here = connection.where
                if not world.time.wait("recv", bound, lambda: bool(poll.poll(0)), real.sleep, connection.name, where=here):
                    raise TimeoutError("timed out")
        return original(self, *args, **kwargs)

    receive.__name__ = name
    return receive


def send(self: socket.socket, data: Any, *flags: int) -> int:
    found = _simulated(self) or _taken_over(self, data)
    if found is None:
        _tell_of_sending(self)
        return real.socket.send(self, data, *flags)
    return _push(self, *found, data, all_of_it=False)


def sendall(self: socket.socket, data: Any, *flags: int) -> None:
    found = _simulated(self) or _taken_over(self, data)
    if found is None:
        _tell_of_sending(self)
        return real.socket.sendall(self, data, *flags)
    _push(self, *found, data, all_of_it=True)
    return None


def _taken_over(sock: socket.socket, data: Any) -> tuple[World, Connection] | None:
    world = active.mine()
    return _simulated(sock) if world is not None and take_over(world, sock, data) else None


def _tell_of_sending(sock: socket.socket) -> None:
    """An allowed service owes an answer from here on; what a bystander sends is no matter of the run's."""
    if (world := active.mine()) is not None:
        world.network.allowed.sent(real.socket.fileno(sock))


def _push(sock: socket.socket, world: World, connection: Connection, data: Any, *, all_of_it: bool) -> int:
    connection.where, connection.thread, connection.span = stack.here(2), get_ident(), capture.current()
    world.time.strike()
    if connection.datagrams:
        world.network.datagram(connection.host, connection.port)
        return len(data)
    bound = real.socket.gettimeout(sock)
    if bound == 0.0:
        return real.socket.send(sock, data)
    world.join()
    view = memoryview(data).cast("B")
    sent = 0
    deadline = None if bound is None else world.time.now + bound
    real.socket.settimeout(sock, 0.0)
    try:
        while True:
            try:
                sent += real.socket.send(sock, view[sent:])
            except BlockingIOError:
                if not world.time.pump():
                    poll = real.pollable(connection.fd, real.WRITABLE)
                    left = None if deadline is None else max(0.0, deadline - world.time.now)
                    if not world.time.wait("send", left, lambda poll=poll: bool(poll.poll(0)), real.sleep, connection.name):  # type: ignore[misc]
                        raise TimeoutError("timed out") from None
                continue
            if not all_of_it or sent >= len(view):
                return sent
    finally:
        real.socket.settimeout(sock, bound)


def sendto(self: socket.socket, data: Any, *where: Any) -> int:
    world = active.world
    if world is None or self.family not in (socket.AF_INET, socket.AF_INET6) or self.type & 0xF != socket.SOCK_DGRAM:
        return real.socket.sendto(self, data, *where)  # the guard sees it
    address = where[-1]
    if world.network.lets_out(address):
        return real.socket.sendto(self, data, *where)
    if not world.concerned:
        return len(data)
    if world.network.connection(self) is None:
        world.network.silence(real.socket.fileno(self), address[0], address[1])  # whoever waits for an answer, waits in virtual time
    world.network.datagram(address[0], address[1])
    return len(data)


# -- what the kernel says of a pair is not what it would say of a TCP connection


def _known(sock: socket.socket) -> tuple[World, Connection] | None:
    world = active.world
    connection = None if world is None else world.network.known(sock)
    return None if world is None or connection is None else (world, connection)


def setsockopt(self: socket.socket, *args: Any) -> None:
    try:
        return real.socket.setsockopt(self, *args)
    except OSError as error:
        if error.errno in IGNORABLE and _known(self) is not None:
            return None
        raise


def getsockopt(self: socket.socket, *args: Any) -> Any:
    found = _simulated(self)
    if found is not None and args[:2] == (socket.SOL_SOCKET, socket.SO_ERROR):
        if found[1].state == "given up":
            return errno.ETIMEDOUT
        if found[1].state == "cut":
            return errno.ECONNREFUSED
    return real.socket.getsockopt(self, *args)


def getpeername(self: socket.socket) -> Any:
    found = _known(self)
    if found is None:
        return real.socket.getpeername(self)
    world, connection = found
    if connection.state == "hanging":
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
    return world.network.address_of(connection.host), connection.port


def getsockname(self: socket.socket) -> Any:
    found = _known(self)
    return real.socket.getsockname(self) if found is None else ("127.0.0.1", 40_000 + found[1].fd)
