"""One request and what becomes of it, in any protocol: the faults act through this."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_agentready.domain import Request
from pytest_agentready.world import backend_calls
from pytest_agentready.world.connection import LATENCY
from pytest_agentready.world.peer import Peer


class Exchange:
    """A request that has arrived whole. It is recorded at once, and answered a moment later.

    A protocol derives from this and says in `act` what its peer does and answers, in bytes, in `endless` how an answer
    begins that never ends, and in `answered` what it does once the answer is out. Where `growth` is set, `act` lets the answer grow.
    """

    is_http = False  # an `HTTPExchange`, which can be answered with a status and a body of the fault's own

    def __init__(
        self,
        peer: Peer,
        *,
        method: str,
        url: str,
        body: bytes,
        is_write: bool,
        headers: tuple[tuple[str, str], ...] = (),
        **known: Any,
    ) -> None:
        """`known` is what else of the record is known already, as of `Request`."""
        self.peer = peer
        self.network = peer.network
        self.growth = 0  # bytes to which the answer is to grow; 0: it stays as it is
        self.grown = False  # it has
        self._answer: bytes | None = None
        self._number = len(self.network.requests)
        where = peer.connection.where
        held = self.network.note(
            Request(
                method=method,
                url=url,
                headers=headers,
                body=body,
                is_write=is_write,
                committed=False,
                status=None,
                at=self.network.time.now,
                where=where,
                span=peer.connection.span,
                beside=peer.connection.thread != self.network.thread,
                **{"routed": None, **known},
            )
        )
        peer.owes_an_answer = True
        self.network.time.at(self.network.latency + held, self.answer)
        # Counted last, for the request with which a run ends gets no answer: a loop over one connection would never meet the end.
        self.network.time.count("requests", f"{method} {url.partition('?')[0]}", lambda: where)

    @property
    def number(self) -> int:
        """Which request of the run it is."""
        return self._number

    @property
    def record(self) -> Request:
        """What is known of it so far."""
        return self.network.requests[self._number]

    @property
    def where(self) -> str:
        """The user's line that sent it."""
        return self.record.where

    @property
    def span(self) -> int | None:
        """The span in which it was sent."""
        return self.record.span

    # -- what a protocol says

    def act(self) -> bytes:
        """The peer acts on the request, once; its normal answer, whole."""
        raise NotImplementedError

    def endless(self) -> tuple[bytes, bytes]:
        """How an answer begins that never ends, and the byte with which it goes on."""
        raise NotImplementedError

    @property
    def settled(self) -> bool:
        """Once the peer has acted: does it stand? A write in an open transaction does not yet."""
        return True

    def answered(self) -> None:
        """The whole answer is out; the next request may come."""

    # -- what a fault does

    def commit(self) -> None:
        """The peer acts on the request, and its answer is not sent yet."""
        self._whole()

    def send_half(self) -> None:
        """The peer acts, and the first half of its answer gets out."""
        answer = self._whole()
        self.peer.write(answer[: max(1, len(answer) // 2)])

    def trickle(self) -> None:
        """The peer acts, and its answer comes a byte at a time, for ever."""
        self.commit()
        head, more = self.endless()
        self.peer.write(head)
        self._drip(more)

    def send_huge(self, size: int) -> bool:
        """The peer acts, and answers at some `size` bytes' length; False, and nothing is sent yet, where nothing in its answer can grow."""
        self.growth = size
        self._whole()
        if self.grown:
            self.send_normal()
        return self.grown

    def refuse(self) -> bool:
        """The peer answers that it cannot do it, and does not; False, and nothing is sent yet, where the protocol has no word for that."""
        return False

    def reset(self) -> None:
        # In a moment of its own, so that what was sent before has arrived.
        self.network.time.at(LATENCY / 2, self.peer.reset)

    def close(self) -> None:
        self.peer.close()

    # -- how it goes

    def answer(self) -> None:
        """The fault's answer, or the normal one where it has none."""
        if self.peer.closed:
            return
        fault = None
        try:
            fault = self.network.fault(self._number)
            if fault is not None and fault.answer(self):
                self.network.fire(self.record.host)
            else:
                self.send_normal()
        except Exception as failure:
            self._fail(failure if fault is not None else backend_calls.traced(failure))

    def send_later(self, delay: float) -> None:
        """The normal answer comes so many virtual seconds from now, if anybody still waits for it."""

        def send() -> None:
            if not self.peer.closed:
                try:
                    self.send_normal()
                except Exception as failure:
                    self._fail(backend_calls.traced(failure))

        self.network.time.at(delay, send)

    def _fail(self, failure: Exception) -> None:
        """Of the backend where it says so, else of our own; neither is a word about the tool."""
        self.network.fail(failure)
        self.peer.reset()

    def send_normal(self) -> None:
        self.peer.write(self._whole())
        self.peer.owes_an_answer = False
        self.answered()

    def _whole(self) -> bytes:
        if self._answer is None:
            self._answer = self.act()
            self.note(committed=self.settled)
        return self._answer

    def _drip(self, byte: bytes) -> None:
        def drip() -> bool:
            if not self.peer.closed:
                self.peer.write(byte)
            return not self.peer.closed

        self.network.time.just_in_time(drip)

    def note(self, **changes: object) -> None:
        """Complete the record of this request, which is made anew where it does not say so already."""
        requests, record = self.network.requests, self.record
        if any(getattr(record, name) != value for name, value in changes.items()):
            requests[self._number] = replace(record, **changes)  # type: ignore[arg-type]
