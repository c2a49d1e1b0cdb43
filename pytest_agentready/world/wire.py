"""What a fault is: where in a conversation it may act, and what it can do with a request.

A fault acts at one stage (look-up, connection, handshake, answer) and leaves the others alone.
Third parties derive from `WireFault`, override one hook and register the value under `agentready.faults`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, cast

from pytest_agentready.domain import Fault, Request
from pytest_agentready.world.messages import IncomingRequest, Response

Certificate = Literal["good", "untrusted", "expired", "wrong host"]
Connected = Literal["open", "refused", "hang"]


class Answerable(Protocol):
    """A request that has arrived whole, in whatever protocol, and what may become of it."""

    is_http: bool  # it is an `AnswerableByHTTP`

    @property
    def number(self) -> int:
        """Which request of the run it is."""

    @property
    def record(self) -> Request:
        """What is known of it so far."""

    def commit(self) -> None:
        """The peer acts on it, and its answer is not sent yet."""

    def send_normal(self) -> None:
        """The peer acts, and answers."""

    def send_later(self, delay: float) -> None:
        """The normal answer comes so many virtual seconds from now, if anybody still waits for it."""

    def send_half(self) -> None:
        """The peer acts, and the first half of its answer gets out."""

    def send_huge(self, size: int) -> bool:
        """The peer acts, and answers at some `size` bytes' length; False, and nothing is sent yet, where nothing in its answer can grow."""

    def trickle(self) -> None:
        """The peer acts, and its answer comes a byte at a time, for ever."""

    def refuse(self) -> bool:
        """The peer answers that it cannot do it, and does not; False, and nothing is sent yet, where the protocol has no word for that."""

    def reset(self) -> None:
        """Break the connection."""

    def close(self) -> None:
        """End it in good order, once everything is sent."""


class AnswerableByHTTP(Answerable, Protocol):
    """Its answers are whole responses, and a fault may send one of its own."""

    request: IncomingRequest

    def normal(self) -> Response:
        """The peer acts on the request, once; its normal answer."""

    def send(self, response: Response) -> None: ...


@dataclass(frozen=True, slots=True)
class WireFault(Fault):
    """A peer in good health; every fault overrides the one hook at which it differs.

    A hook that acts says so by what it returns; the run counts how often that was.
    """

    def looked_up(self, host: str) -> OSError | None:
        """The error with which the look-up of this host fails."""
        return None

    def connected(self) -> Connected:
        """What becomes of a connection attempt."""
        return "open"

    @property
    def deaf(self) -> bool:
        """The connection is taken up by the system, and nobody ever reads from it."""
        return False

    @property
    def certificate(self) -> Certificate:
        return "good"

    @property
    def asks_for_the_password(self) -> bool:
        """Does a database want to have it in clear?"""
        return False

    @property
    def precedes_the_request(self) -> bool:
        """Does a connection that stands already never meet it?"""
        return self.deaf or self.connected() != "open" or self.certificate != "good" or self.looked_up("api.example.com") is not None

    def answer(self, exchange: Answerable) -> bool:
        """Answer one complete request, of whatever protocol; False where the fault does not apply to it, and the normal answer is sent."""
        return False


@dataclass(frozen=True, slots=True)
class HTTPFault(WireFault):
    """A fault that only HTTP knows, such as a status or a spoilt body: other protocols are answered as usual."""

    def answer(self, exchange: Answerable) -> bool:
        return exchange.is_http and self.respond(cast("AnswerableByHTTP", exchange))

    def respond(self, exchange: AnswerableByHTTP) -> bool:
        """Answer one HTTP request; False where the fault does not apply to it."""
        return False
