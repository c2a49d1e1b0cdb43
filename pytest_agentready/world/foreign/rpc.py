"""One call of a remote procedure over gRPC, as the world plays it: reached, recorded, and answered by the fault or the backend.

gRPC's own connections cannot be led into the world, so that its bytes are never spoken. What a client meets under each fault is what
grpcio was measured to do: a peer that cannot be connected to, or does not greet, is given up after 20 seconds; a deadline comes first; and
a call that waits for the peer to be ready waits on until its deadline.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pytest_agentready.domain import Request
from pytest_agentready.world import real, stack
from pytest_agentready.world.addresses import is_address
from pytest_agentready.world.connection import LATENCY
from pytest_agentready.world.faults import StatusAnswer
from pytest_agentready.world.wire import WireFault
from pytest_agentready.world.world import World

CONNECTING = 20.0  # seconds after which grpcio gives up an attempt to connect, or to be greeted
APPLICABLE = ("silence", "trickle", "break", "status")  # a damaged body is HTTP/2's to notice, and no certificate is shown
READS = re.compile(
    r"(Get|List|Find|Search|Query|Read|Fetch|Count|Look|Check|Describe|Watch|Stream)"
)  # how a procedure begins that changes nothing
CODES = {
    400: "INTERNAL",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_reached: weakref.WeakKeyDictionary[World, set[str]] = weakref.WeakKeyDictionary()  # whom the run has a connection to
Outcome = tuple[str, str]  # the name of a grpc.StatusCode, and its details


@dataclass(frozen=True, slots=True)
class Asked:
    """What the client asks for, and how long it waits."""

    message: Any
    body: bytes
    metadata: Any
    timeout: float | None  # seconds
    patient: bool = False  # waits for the peer to be ready


class Call:
    """From the moment in which the client makes it. It is done as soon as `code` is set."""

    def __init__(self, world: World, target: str, method: str, asked: Asked) -> None:
        self.world = world
        self.host, self.port = address(target)
        self.url = f"grpc://{self.name}{method}"
        self.asked = asked
        self.code = ""
        self.details = ""
        self.answer: Any = None
        self.started = world.time.now
        self.where = stack.here(1)
        self._headers = tuple((str(name), value if isinstance(value, str) else repr(value)) for name, value in asked.metadata or ())
        self._done: list[Callable[[], object]] = []
        world.join()
        world.network.outstanding.append(self)
        reach(world, self.host, self.port, self._reached)

    @property
    def name(self) -> str:
        return _name(self.host, self.port)

    # -- what the client asks

    @property
    def done(self) -> bool:
        return bool(self.code)

    @property
    def left(self) -> float | None:
        return None if self.asked.timeout is None else max(0.0, self.started + self.asked.timeout - self.world.time.now)

    def wait(self, seconds: float | None = None) -> bool:
        """Until it is done, at most to its deadline; False where the caller's own patience ended first."""
        left = self.left
        bound = left if seconds is None else seconds if left is None else min(left, seconds)
        if not self.done and not self.world.time.wait("grpc", bound, lambda: self.done, real.sleep, self.name):
            if left is None or bound != left:
                return False
            self.expire()
        return True

    def expire(self) -> None:
        self.finish("DEADLINE_EXCEEDED", "Deadline Exceeded")

    def expire_in_time(self) -> None:
        """For a client that may not wait here; one that does is told first."""
        if self.left is not None and not self.done:
            self.world.time.at(self.left + LATENCY, self.expire)

    def when_done(self, callback: Callable[[], object]) -> None:
        if self.done:
            callback()
        else:
            self._done.append(callback)

    def finish(self, code: str, details: str, answer: Any = None) -> None:
        if self.done:
            return
        self.code, self.details, self.answer = code, details, answer
        if self in self.world.network.outstanding:
            self.world.network.outstanding.remove(self)
        for callback in self._done:
            callback()

    def cut(self) -> None:
        """The run is ended."""
        self.finish("UNAVAILABLE", "Connection reset by peer")

    # -- what becomes of it

    def _reached(self, obstacle: str) -> None:
        if not obstacle:
            self._send()
        elif not self.asked.patient:
            self.finish("UNAVAILABLE", f"failed to connect to all addresses; last error: UNKNOWN: {obstacle}")

    def _send(self) -> None:
        network = self.world.network
        self._record = len(network.requests)
        held = network.note(
            Request(
                method="POST",
                url=self.url,
                headers=self._headers,
                body=self.asked.body,
                is_write=not READS.match(self.url.rpartition("/")[2]),
                committed=False,
                status=None,
                routed=None,
                at=self.world.time.now,
                where=self.where,
            )
        )
        self.world.time.count("requests", self.url, lambda: self.where)
        self.world.time.at(LATENCY + held, self._answer)

    def _answer(self) -> None:
        try:
            self._act()
        except Exception as failure:  # of the backend where it says so, else of our own
            self.world.network.fail(failure)
            self.finish("UNKNOWN", f"the backend itself failed: {failure}")

    def _act(self) -> None:
        network = self.world.network
        fault: WireFault | None = network.fault(self._record)
        if fault is None or fault.family not in APPLICABLE or self.done:
            self.send_answer()
            return
        if isinstance(fault, StatusAnswer):
            network.fire(self.host)
            self.note(status=fault.response.status)
            self.finish(CODES.get(fault.response.status, "UNKNOWN"), f"Received http2 header with status: {fault.response.status}")
        elif fault.answer(Exchange(self)):  # type: ignore[arg-type]
            network.fire(self.host)
        else:
            self.send_answer()

    def commit(self) -> Any:
        """The peer acts on the call, once; its normal answer."""
        procedures = self.world.network.backend.procedures
        routed = procedures.knows(self.url)
        self.note(committed=True, routed=routed)
        return procedures.answer(self.url, self.asked.message) if routed else None

    def send_answer(self) -> None:
        if self.done:
            return
        answer = self.commit()
        if self.world.network.requests[self._record].routed:
            self.note(status=200)
            self.finish("OK", "", answer)
        else:
            self.note(status=404)
            self.finish("UNIMPLEMENTED", "Method not found!")

    def note(self, **changes: object) -> None:
        requests = self.world.network.requests
        requests[self._record] = replace(requests[self._record], **changes)  # type: ignore[arg-type]


class Exchange:
    """What a fault acts through; it has the hooks of an exchange over a connection of ours."""

    is_http = False

    def __init__(self, call: Call) -> None:
        self._call = call
        self._committed = False

    def commit(self) -> None:
        if not self._committed:
            self._committed = True
            self._call.commit()

    def send_half(self) -> None:
        self.commit()

    def trickle(self) -> None:
        """Single bytes never make up a message."""
        self.commit()

    def reset(self) -> None:
        self._call.finish("UNAVAILABLE", "recvmsg:Connection reset by peer")

    def close(self) -> None:
        self._call.finish("UNAVAILABLE", "Socket closed")


def reach(world: World, host: str, port: int, told: Callable[[str], None]) -> None:
    """Connect, where the run has not yet: `told("")` once there is a connection, and what is in the way where there will be none."""
    network, time, name = world.network, world.time, _name(host, port)
    reached = _reached.setdefault(world, set())
    if name in reached:
        told("")
        return
    if port and not is_address(host):
        try:
            network.look_up(host)
        except OSError:
            told(f"errors resolving {name}: [field:hostname lookup error:Domain name not found]")
            return
    network.peers.pop(host, None)
    network.peers.setdefault(name)
    time.attempt("connections", f"to connect to {name}")
    time.now += LATENCY
    fault = network.fault(host=host)
    outcome = "open" if fault is None else "deaf" if fault.deaf else fault.connected()
    if outcome == "open" and not time.over:
        reached.add(name)
        told("")
        return
    network.fire(host)
    if outcome == "hang":
        time.at(CONNECTING, lambda: told("tcp handshaker shutdown"))
    elif outcome == "deaf":
        time.at(CONNECTING, lambda: told("connection attempt timed out before receiving SETTINGS frame"))
    else:
        told(f"{name}: Failed to connect to remote host: Connection refused")


def is_reached(world: World, host: str, port: int) -> bool:
    return _name(host, port) in _reached.get(world, ())


def _name(host: str, port: int) -> str:
    return f"{host}:{port}" if port else host


def address(target: str) -> tuple[str, int]:
    """Host and port of a channel's target: "pricing.internal:50051", "dns:///pricing.internal:50051", "unix:/run/pricing"."""
    scheme, colon, rest = target.partition(":")
    if scheme in ("unix", "unix-abstract"):
        return rest.removeprefix("//") or rest, 0
    if colon and scheme in ("dns", "ipv4", "ipv6", "xds", "passthrough"):
        target = rest.rpartition("/")[2]
    host, colon, port = target.rpartition(":")
    if colon and port.isdigit() and not (":" in host and not host.endswith("]")):
        return host.strip("[]"), int(port)
    return target.strip("[]"), 443
