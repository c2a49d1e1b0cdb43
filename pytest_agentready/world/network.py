"""The simulated network of one run: names, connections, and what the peers saw.

A connection is real for the kernel: the client's descriptor is swapped for one end of a socket pair, so that TLS, epoll,
transports and pools work unmodified. The other end belongs to a `Peer` in this process, moved by whichever thread is
about to wait. There is no server, no port, and nothing that leaves the machine.
"""

from __future__ import annotations

import _socket
import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from pytest_agentready.domain import Attempt, Request
from pytest_agentready.world import real, stack
from pytest_agentready.world.backend import Backend, IncomingRequest, Response
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.faults import WireFault
from pytest_agentready.world.peer import Peer

if TYPE_CHECKING:
    from pytest_agentready.world.timeline import Timeline

T = TypeVar("T")
LATENCY = 0.001  # virtual seconds for a look-up, a handshake, an answer
# Connections of runs that are over, by descriptor: a pool that still holds one asks whom it belonged to.
_former: dict[int, Connection] = {}
SYN_TIMEOUT = 127.0  # seconds after which Linux gives up connecting (tcp_syn_retries = 6)
PORTS = {"http": 80, "https": 443}


class Outstanding(Protocol):
    """A call that waits for its answer, of a client whose connections are not led into the world."""

    @property
    def name(self) -> str: ...

    def cut(self) -> None: ...


class Connection:
    """The client's end: a descriptor, and the inode by which a reused number is told from it."""

    __slots__ = ("fd", "host", "inode", "peer", "port", "rest", "state", "where")

    def __init__(self, fd: int, host: str, port: int, where: str) -> None:
        self.fd = fd
        self.inode = os.fstat(fd).st_ino
        self.host = host
        self.port = port
        self.where = where  # the user's line that used it last
        self.state: Literal["open", "hanging", "given up", "cut"] = "open"
        self.peer: Peer | None = None
        self.rest: _socket.socket | None = None  # the far end of a connection without a peer

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def is_current(self) -> bool:
        try:
            return os.fstat(self.fd).st_ino == self.inode
        except OSError:
            return False


class Network:
    """All peers of one run, under one fault."""

    def __init__(self, fault: WireFault | None, backend: Backend, spared: int = 0) -> None:
        self._fault = fault
        self._spared = spared  # requests that are answered well before the fault begins
        self.backend = backend
        self.fired = 0
        self.attempts: list[Attempt] = []
        self.requests: list[Request] = []
        self.peers: dict[str, None] = {}  # an ordered set of host:port
        self.unspoken: dict[str, None] = {}
        self.refused: list[str] = []
        self.tls = False
        self.backend_failure: BaseException | None = None
        self.connections: dict[int, Connection] = {}
        self.outstanding: list[Outstanding] = []  # calls of clients that have no descriptor here
        self.memory: dict[str, Any] = {}  # what the services keep for as long as the run: the contents of a Redis, say
        self._hosts: dict[str, str] = {}  # address -> host
        self._addresses: dict[str, str] = {}  # host -> address
        self._moving: list[Peer] = []
        self.time: Timeline  # set by the world: each needs the other

    def fault(self, request: int | None = None) -> WireFault | None:
        """The fault that this request meets, by its number; without one, that of whatever comes next."""
        return self._fault if (len(self.requests) if request is None else request) >= self._spared else None

    # -- names

    def look_up(self, host: str) -> str:
        """The address of a host. Raises gaierror under a DNS fault."""
        self.peers.setdefault(host)
        fault = self.fault()
        if fault is not None and (error := fault.looked_up(host)) is not None:
            self.time.now += LATENCY
            self.fired += 1
            self.time.attempt("look-ups", f"to look up {host}")
            if not self.time.over:
                self.attempts.append(Attempt("look-up", host, False, self.time.now, stack.here()))
            raise error
        address = self._addresses.get(host)
        if address is None:
            self.time.now += LATENCY
            number = len(self._addresses) + 1
            # Public addresses, as a tool that refuses private ones would expect them.
            address = self._addresses[host] = f"100.128.{number >> 8}.{number & 255}"
            self._hosts[address] = host
        return address

    def address_of(self, host: str) -> str:
        return self._addresses.get(host, host)

    # -- connections

    def connect(self, sock: socket.socket, host: str, port: int) -> Connection:
        """Give the socket a simulated peer. Raises ConnectionRefusedError where the fault or the run's end says so."""
        host = self._hosts.get(host, host)
        if not is_address(host) and host not in self._addresses and "/" not in host:
            self.look_up(host)  # a name given to connect() itself
        name = f"{host}:{port}" if port else host
        self.peers.pop(host, None)
        self.peers.setdefault(name)
        self.time.attempt("connections", f"to connect to {name}")
        self.time.now += LATENCY
        fault = self.fault()
        outcome = fault.connected() if fault is not None else "open"
        if outcome != "open":
            self.fired += 1
        if self.time.over:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        where = stack.here(2)
        self.attempts.append(Attempt("connection", host, outcome == "open", self.time.now, where))
        if outcome == "refused":
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        near, far = _socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        far.setblocking(False)
        if outcome == "hang":
            _fill(near)
        connection = Connection(swap(real.socket.fileno(sock), near), host, port, where)
        if outcome == "hang":
            self._hang(connection, far)
        else:
            peer = Peer(self, connection, far, fault)
            connection.peer = peer
            if peer.deaf:
                self.fired += 1
            else:
                peer.begin()
            self._moving.append(peer)
        return self._keep(connection)

    def swallow_datagrams(self, sock: socket.socket, host: str, port: int) -> None:
        """A UDP client's messages go nowhere."""
        self.peers.setdefault(f"{self._hosts.get(host, host)}:{port}/udp")
        near, far = _socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        connection = Connection(swap(real.socket.fileno(sock), near), host, port, stack.here(2))
        connection.rest = far
        self._keep(connection)

    def _hang(self, connection: Connection, far: _socket.socket) -> None:
        """A descriptor that is neither readable nor writable, until the system gives up."""
        connection.state = "hanging"
        connection.rest = far

        def give_up() -> None:
            if connection.state == "hanging":
                connection.state = "given up"
                far.close()

        self.time.at(SYN_TIMEOUT, give_up)

    def connection(self, sock: socket.socket) -> Connection | None:
        """The simulated connection behind a socket; None for a real one."""
        if not self.connections:
            return None
        fd = real.socket.fileno(sock)
        found = self.connections.get(fd)
        if found is not None and not found.is_current:  # closed, and the number reused
            self._forget(fd)
            return None
        return found

    def _keep(self, connection: Connection) -> Connection:
        self._forget(connection.fd)
        self.connections[connection.fd] = connection
        return connection

    def _forget(self, fd: int) -> None:
        former = self.connections.pop(fd, None)
        if former is not None and former.rest is not None:
            former.rest.close()

    def ask_backend(self, request: IncomingRequest) -> Response | None:
        """The backend's normal answer to an HTTP request."""
        return self.ask(
            lambda: self.backend.answer(request),
            lambda failure: Response(status=500, body=f"the backend itself failed: {failure!r}"),
        )

    def ask(self, question: Callable[[], T], otherwise: Callable[[BaseException], T]) -> T:
        """Ask the backend. What the user's own callable raises is kept, and ends the run: what it answers no longer counts."""
        try:
            return question()
        except BaseException as failure:
            if isinstance(failure, (Signal, KeyboardInterrupt, SystemExit)):
                raise
            self.backend_failure = self.backend_failure or failure  # a pytest.fail() in it, too
            return otherwise(failure)

    def known(self, sock: socket.socket) -> Connection | None:
        """As `connection`, and also one that a pool has kept from an earlier run."""
        found = self.connection(sock) or _former.get(real.socket.fileno(sock))
        return found if found is not None and found.is_current else None

    # -- what moves

    def pump(self) -> bool:
        """Let every peer read, think and write; True if anything moved."""
        moved = False
        for peer in tuple(self._moving):
            moved |= peer.pump()
            if peer.closed:
                self._moving.remove(peer)
        return moved

    def far_ends(self) -> set[int]:
        """The descriptors that are ours."""
        ends = [peer.far for peer in self._moving] + [c.rest for c in self.connections.values() if c.rest is not None]
        return {end.fileno() for end in ends}

    def admit(self, peer: Peer) -> None:
        """A peer that was connected to in another way."""
        self._moving.append(peer)

    def awaited(self) -> str:
        """Whom a wait that names no peer is for: the connection that still owes something."""
        connections = tuple(self.connections.values())  # a copy: other threads connect meanwhile
        owing = [c.name for c in connections if c.state == "hanging" or (c.peer is not None and c.peer.owes_an_answer)]
        owing += [call.name for call in self.outstanding]
        return owing[-1] if owing else ""

    def close(self) -> None:
        self.cut()
        for connection in tuple(self.connections.values()):
            connection.peer = None  # only its name is asked for from here on
        _former.update(tuple(self.connections.items()))

    def cut(self) -> bool:
        """Reset every connection; True if there was one."""
        found = bool(self.outstanding)
        for call in tuple(self.outstanding):
            call.cut()
        for connection in tuple(self.connections.values()):
            if connection.state == "hanging":
                connection.state = "cut"
                found = True
            elif connection.peer is not None and not connection.peer.closed:
                connection.peer.reset()
                found = True
            if connection.rest is not None:
                connection.rest.close()
        return found


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def swap(fd: int, near: _socket.socket) -> int:
    """Put the pair's end in the place of the client's own descriptor."""
    blocking = os.get_blocking(fd)
    os.dup2(near.fileno(), fd, inheritable=False)
    os.set_blocking(fd, blocking)
    near.close()
    return fd


def _fill(near: _socket.socket) -> None:
    """Until nothing more goes in: epoll then sees what it sees of a connection that is not established."""
    near.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    with contextlib.suppress(BlockingIOError):
        while True:
            near.send(bytes(65536))
