"""Answers that come late, and so perhaps in another order than they were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from pytest_agentready.world.wire import Answerable, WireFault

LATEST = 0.3  # virtual seconds after which the first one is answered


@dataclass(frozen=True, slots=True)
class LastComesFirst(WireFault):
    """Of several things that are asked for at once the last is answered first, so that who takes them in the order of their coming errs."""

    words: tuple[tuple[str, ...], ...] = ()  # by which a request is known to be about each of them; one about none is told by its number

    def answer(self, exchange: Answerable) -> bool:
        request = exchange.record
        asked = f"{unquote(request.url)} {request.body.decode('utf-8', 'replace')}"
        known = [(len(word), turn) for turn, words in enumerate(self.words) for word in words if word in asked]
        exchange.send_later(LATEST / (1 + (max(known)[1] if known else exchange.number)))
        return True


@dataclass(frozen=True, slots=True)
class TakesItsTime(WireFault):
    """These hosts answer as ever, and so many virtual seconds later; all others at once."""

    hosts: frozenset[str] = frozenset()
    delay: float = 1.0

    def answer(self, exchange: Answerable) -> bool:
        late = exchange.record.host in self.hosts
        if late:
            exchange.send_later(self.delay)
        return late
