"""The simulated network of one run: names and connections.

A connection is real for the kernel: the client's descriptor is swapped for one end of a socket pair, so that TLS, epoll,
transports and pools work unmodified. The other end belongs to a `Peer` in this process, moved by whichever thread is
about to wait. There is no server, no port, and nothing that leaves the machine.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
from collections.abc import Collection

from pytest_agentready.domain import Attempt
from pytest_agentready.world import real, stack
from pytest_agentready.world.addresses import Addresses, is_address
from pytest_agentready.world.allowed import LOCAL, Allowed
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.commons import Commons
from pytest_agentready.world.connection import LATENCY, SYN_TIMEOUT, Connection, Outstanding, fill, swap
from pytest_agentready.world.outages import EVERY, Outages
from pytest_agentready.world.peer import Peer, Services
from pytest_agentready.world.upstream import Upstream

# Connections of runs that are over, by descriptor: a pool that still holds one asks whom it belonged to.
_former: dict[int, Connection] = {}
PORTS = {"http": 80, "https": 443}
ANY = frozenset({"", "0.0.0.0", "::"})


class Network(Commons):
    """All peers of one run, and the clients' way to them."""

    def __init__(self, outages: Outages, backend: Backend, allowed: Allowed, services: Services) -> None:
        super().__init__(outages, backend)
        self.allowed = allowed
        self.services = services
        self.attempts: list[Attempt] = []
        self.peers: dict[str, None] = {}  # an ordered set of host:port
        self.connections: dict[int, Connection] = {}
        self.outstanding: list[Outstanding] = []  # calls of clients that have no descriptor here
        self._addresses = Addresses()
        self.hosts = self._addresses.hosts  # address -> host
        self._moving: list[Peer] = []
        self._own_servers: set[object] = set()  # ports, and paths, on which the run itself listens

    # -- names

    def look_up(self, host: str) -> str:
        """The address of a host. Raises gaierror under a DNS fault."""
        self.peers.setdefault(host)
        fault = self.fault(host=host)
        if fault is not None and (error := fault.looked_up(host)) is not None:
            self.time.now += LATENCY
            self.fire(host)
            self.time.attempt("look-ups", f"to look up {host}")
            if not self.time.over:
                self.attempts.append(Attempt("look-up", host, False, self.time.now, stack.here()))
            raise error
        self._addresses.asked[host] += 1
        address = self.backend.address(host, self._addresses.asked[host]) or self._addresses.of(host)
        if address is None:
            self.time.now += LATENCY
            address = self._addresses.give(host)
        return address

    def address_of(self, host: str) -> str:
        return self._addresses.of(host) or host

    # -- connections

    def connect(self, sock: socket.socket, host: str, port: int, upstream: Upstream | None = None) -> Connection:
        """Give the socket a simulated peer. Raises ConnectionRefusedError where the fault or the run's end says so.

        `upstream` leads to the real server of that name, which answers in the world's place.
        """
        host = self.hosts.get(host, host)
        if upstream is None and not is_address(host) and host not in self._addresses and "/" not in host:
            address = self.look_up(host)  # a name given to connect() itself
            host = self.hosts.get(address, address)
        name = f"{host}:{port}" if port else host
        self.peers.pop(host, None)
        self.peers.setdefault(name)
        self.time.attempt("connections", f"to connect to {name}")
        self.time.now += LATENCY
        fault = self.fault(host=host)
        outcome = fault.connected() if fault is not None else "open"
        if outcome != "open":
            self.fire(host)
        if self.time.over:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        where = stack.here(2)
        self.attempts.append(Attempt("connection", host, outcome == "open", self.time.now, where))
        if outcome == "refused":
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        near, far = _socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        far.setblocking(False)
        if outcome == "hang":
            fill(near)
        connection = Connection(swap(real.socket.fileno(sock), near), host, port, where)
        if outcome == "hang":
            self._hang(connection, far)
        else:
            self._meet(Peer(self, self.services, connection, far, fault, upstream))
        return self._keep(connection)

    def _meet(self, peer: Peer) -> None:
        peer.connection.peer = peer
        if peer.deaf:
            self.fire(peer.connection.host)
        else:
            peer.begin()
        self._moving.append(peer)

    def silence(self, fd: int, host: str, port: int) -> Connection:
        """A UDP client has a silent peer: its messages go nowhere, and no answer comes. Its descriptor is put back after the run."""
        fault = self.fault(host=self.hosts.get(host, host))
        self.fired += fault is not None and fault.family == "silence" and not fault.precedes_the_request
        kept = os.dup(fd)
        near, far = _socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        connection = Connection(swap(fd, near), self.hosts.get(host, host), port, stack.here(2))
        connection.rest, connection.kept, connection.datagrams = far, kept, True
        return self._keep(connection)

    def datagram(self, host: str, port: int) -> None:
        """A message was sent to this address, and nobody heard it."""
        host = self.hosts.get(host, host)
        self.peers.setdefault(f"{host}:{port}/udp" if port else host)

    def serve(self, where: object) -> None:
        """The run listens itself, on this port or path: who connects to it does not leave the world."""
        self._own_servers.add(where)

    def lets_out(self, address: object) -> bool:
        """May a connection to this address be real? To a server of the run's own, or one on the allow-list."""
        if isinstance(address, (str, bytes)):
            path = os.fsdecode(address)
            return path in self._own_servers or self.allowed.covers(path, 0)
        if not isinstance(address, tuple) or len(address) < 2:
            return False
        host = str(address[0]).removeprefix("::ffff:")
        return self.is_own(host, address[1]) or self.allowed.covers(self.hosts.get(host, host), address[1])

    def is_own(self, host: str, port: object) -> bool:
        return port in self._own_servers and (host in LOCAL or host in ANY or host.startswith("127."))

    def drop_idle(self, host: str, but: Collection[str] = ()) -> None:
        """Close the connections on which nothing is owed, so that their client connects anew."""
        for peer in tuple(self._moving):
            if host in (EVERY, peer.host) and peer.host not in but and not peer.owes_an_answer:
                peer.close()

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
        if former is not None:
            former.let_go()

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

    def keep(self, connection: Connection, peer: Peer) -> None:
        """A connection that was made in another way, and its peer."""
        self.peers.setdefault(connection.name)
        self.admit(peer)
        self._keep(connection)

    def awaited(self) -> str:
        """Whom a wait that names no peer is for: the connection that still owes something."""
        connections = tuple(self.connections.values())  # a copy: other threads connect meanwhile
        owing = [c.name for c in connections if c.state == "hanging" or (c.peer is not None and c.peer.owes_an_answer)]
        owing += [call.name for call in self.outstanding]
        return owing[-1] if owing else ""

    def close(self) -> None:
        """The run is over. What a pool of the user's keeps open ends as a server ends what is idle: the next run connects anew."""
        for connection in tuple(self.connections.values()):
            if connection.peer is not None:
                connection.ended = connection.peer.retire()
        self.cut()
        for connection in tuple(self.connections.values()):
            connection.let_go()
            connection.peer = None  # only its name is asked for from here on
        for fd, former in tuple(_former.items()):
            if fd in self.connections or not former.is_current:
                former.forget()
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
