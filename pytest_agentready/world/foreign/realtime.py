"""For clients that can be led to a peer of ours, and keep their own time in C: the run then goes by in real time.

libcurl is told to connect to a door on the loopback in the place of every host. Behind it a thread of ours lets the same peers and
faults answer, and moves the run's clock along with the real one while a transfer is under way. A client that waits too long is cut off.
"""

from __future__ import annotations

import _socket
import contextlib
import re
import socket
import struct
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_agentready.domain import Ending
from pytest_agentready.world import crowd, real, runs, stack
from pytest_agentready.world.addresses import is_address
from pytest_agentready.world.connection import Connection
from pytest_agentready.world.foreign.hello import server_name
from pytest_agentready.world.network import PORTS, Network
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.waiting import Blocked
from pytest_agentready.world.wire import WireFault
from pytest_agentready.world.world import World

LOOK = 0.002  # real seconds between two looks of the door's thread
PROOF = 0.3  # real seconds of silence, after which a transfer without any timeout is not waited for any longer
NOWHERE = f"{'x' * 64}.invalid:1"  # no name: its first label is too long, and nobody is asked for it
LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Transfer:
    """One transfer of a client in C, as its adapter begins it."""

    client: str  # "pycurl"
    url: str
    bound: float | None  # seconds, of the client's own options; None: none is set
    known: bool  # are its options known, so that `bound` is the whole truth?
    blocks: bool  # does nothing but its end let the calling thread go on?


class Door:
    """Of one run; it is opened with the first transfer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._under_way: dict[Transfer, Blocked] = {}
        self._visitors = 0
        self._cutting = False
        self._closed = False
        self._last = real.monotonic()
        self._listener = _bound()
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._locked = _bound()  # nobody listens there
        self._thread = threading.Thread(target=self._attend, daemon=True, name="agentready-door")
        with runs.bypassed():
            real.thread_start(self._thread)

    # -- what an adapter asks

    @contextlib.contextmanager
    def transfer(self, made: Transfer) -> Iterator[str]:
        """Under way while the context is open; gives the place to which the client has to connect, as host:port."""
        place = self.begin(made)
        try:
            yield place
        finally:
            self.end(made)

    def begin(self, made: Transfer) -> str:
        world = self.world
        world.time.strike()
        world.join()
        world.in_real_time = True
        host, port = target(made.url)
        blocked = Blocked(
            made.client,
            f"{host}:{port}",
            made.bound,
            0.0,
            lambda: False,
            threading.get_ident(),
            world.time.now,
            real.monotonic(),
            stack.here(),
        )
        world.time.waits.append(blocked)
        self._under_way[made] = blocked
        world.time.crowd.abroad += 1
        try:
            return self._place_for(host, port)
        except BaseException:  # the run is over: nobody is to wait for a transfer that never began
            self.end(made)
            raise

    def end(self, made: Transfer, *, timed_out: bool = False) -> None:
        blocked = self._under_way.pop(made, None)
        if blocked is None:
            return
        self.world.time.crowd.abroad -= 1
        blocked.elapsed = self.world.time.now - blocked.start
        if blocked.outcome == "cut" and not self._cutting:
            blocked.outcome = "timeout" if made.bound is not None and blocked.elapsed >= 0.9 * made.bound else "ready"

    def _place_for(self, host: str, port: int) -> str:
        network = self.world.network
        if not is_address(host):
            try:
                network.look_up(host)
            except OSError:
                return NOWHERE
        network.peers.pop(host, None)
        network.peers.setdefault(f"{host}:{port}")
        self.world.time.attempt("connections", f"to connect to {host}:{port}")
        fault = network.fault(host=host)
        refused = fault is not None and fault.connected() == "refused"
        if refused:
            network.fire(host)
        door = self._locked if refused or self.world.time.over else self._listener
        return "{}:{}".format(*door.getsockname())

    # -- the door's own thread

    def _attend(self) -> None:
        ident = threading.get_ident()
        crowd.harness.add(ident)
        while not self._closed:
            real.select([self._listener], [], [], LOOK)
            now = real.monotonic()
            with self.world.time.mutex:
                if self._under_way:
                    self.world.time.pass_by(now - self._last)
                self._last = now
                self._let_in()
                self._look_at_the_time(now)
        crowd.harness.discard(ident)

    def _let_in(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            fd, _ = self._listener._accept()  # type: ignore[attr-defined]
            far = _socket.socket(fileno=fd)
            far.setblocking(False)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            blocked = next(reversed(self._under_way.values()), None)
            host, _, port = blocked.peer.rpartition(":") if blocked else ("", "", "0")
            connection = Connection(fd, host, int(port), blocked.where if blocked else "")
            network = self.world.network
            fault = network.fault(host=host)
            connection.peer = visitor = Visitor(network, connection, far, fault)
            self._visitors += 1
            network.connections[-self._visitors] = connection
            network.admit(visitor)
            if self._cutting:
                visitor.reset()
            elif visitor.deaf:
                network.fire(host)
            else:
                visitor.begin()

    def _look_at_the_time(self, now: float) -> None:
        time = self.world.time
        for made, blocked in tuple(self._under_way.items()):
            waited = now - blocked.since
            hopeless = made.bound is None and made.known
            if not self.world.network.fired or blocked.outcome == "unbounded" or self._cutting:
                continue
            if hopeless and (waited > time.limits.patience or (made.blocks and waited > PROOF)):
                blocked.outcome = "unbounded"
                self._cutting = True
                time.end(
                    Ending("stuck", f"{made.client} waits for ever: still waiting after {waited:.1f} s of real time", where=blocked.where)
                )
            elif waited > time.limits.patience:
                self._cutting = True
                self.world.network.cut()  # the run goes on

    def close(self) -> None:
        self._closed = True
        real.thread_join(self._thread)
        self._listener.close()
        self._locked.close()


class Visitor(Peer):
    """The far end of a real connection on the loopback."""

    def __init__(self, network: Network, connection: Connection, far: _socket.socket, fault: WireFault | None) -> None:
        super().__init__(network, network.services, connection, far, fault)
        self._hello = bytearray()

    def receive(self, data: bytes) -> None:
        """TLS says whom the client wants before it wants to see a certificate; after a redirect that may be somebody else."""
        if self._service is None and self._tls is None:
            self._hello += data
            name = server_name(bytes(self._hello))
            if name is None:  # not all of it is there
                return
            self.host = name or self.host
            data = bytes(self._hello)
            self._hello.clear()
        super().receive(data)

    def retire(self) -> None:
        """Nothing of it is kept for the next run, in which whoever kept this connection is told to make a new one."""

    def reset(self) -> None:
        with self.network.time.mutex:  # the door's thread may be about to write
            if self.closed:
                return
            self._out.clear()
            with contextlib.suppress(OSError):
                self.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self._shut()


_doors: weakref.WeakKeyDictionary[World, Door] = weakref.WeakKeyDictionary()


def door(world: World) -> Door:
    found = _doors.get(world)
    if found is None:
        found = _doors[world] = Door(world)
    return found


@contextlib.contextmanager
def closing() -> Iterator[None]:
    """Whatever doors were opened meanwhile are closed."""
    try:
        yield
    finally:
        for opened in list(_doors.values()):
            opened.close()
        _doors.clear()


@contextlib.contextmanager
def allowed(world: World, url: str) -> Iterator[bool]:
    """Is this one of the hosts that are reached for real? While it is, and the context is open, nobody's clock jumps ahead of it."""
    host, port = target(url)
    if not world.network.allowed.covers(host, port):
        yield False
        return
    world.join()
    world.network.allowed.reached.setdefault(f"{host}:{port}")
    world.time.crowd.abroad += 1
    try:
        yield True
    finally:
        world.time.crowd.abroad -= 1


def plain(message: str, url: str) -> str:
    """A client's error without the door: the user shall read whom the tool wanted."""
    return re.sub(r" via 127\.0\.0\.1:\d+", "", message).replace(NOWHERE.partition(":")[0], target(url)[0])


def target(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)


def _bound() -> _socket.socket:
    made = _socket.socket()
    made.bind(("127.0.0.1", 0))
    return made
