"""Which fault each host meets, and from which of its requests on.

An experiment has one fault for all hosts; a hand-written test may give each host its own, and change them as it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pytest_agentready.domain import Request
from pytest_agentready.world.wire import WireFault

EVERY = "*"


@dataclass(slots=True, eq=False)
class Outage:
    """A fault of a host, or of every one, and the number of the first request that meets it: of the host's requests, or of all."""

    host: str
    fault: WireFault
    begins: int = 0
    asked: bool = False  # somebody has turned to its host while it was in force
    met: bool = False  # and met it


class Outages:
    """The faults in force, and those that were. A host's own comes before the one for every host."""

    def __init__(self, fault: WireFault | None = None, spared: int = 0, but: Iterable[str] = ()) -> None:
        """`but` these hosts, which stay well whatever happens to every one."""
        self.known: list[Outage] = []
        self._by_host: dict[str, Outage] = {}
        self._well = frozenset(but)
        if fault is not None:
            self.begin(EVERY, fault, spared)

    def begin(self, host: str, fault: WireFault, begins: int = 0) -> None:
        self._by_host[host] = outage = Outage(host, fault, begins)
        self.known.append(outage)

    def end(self, host: str | None = None) -> None:
        """All is well again: for this host's own fault, or for all. Raises KeyError where the host has none."""
        if host is None:
            self._by_host.clear()
        else:
            del self._by_host[host]

    def met_by(self, host: str, number: Callable[[str], int]) -> WireFault | None:
        """The fault of this host; `number` says which request it is, of this host's or of all."""
        outage = self._of(host)
        if outage is None:
            return None
        outage.asked = True
        return outage.fault if not outage.begins or number(outage.host) >= outage.begins else None

    def fired(self, host: str) -> None:
        """The fault of this host has acted."""
        if (outage := self._of(host)) is not None:
            outage.met = True

    def _of(self, host: str) -> Outage | None:
        return self._by_host.get(host) or (None if host in self._well else self._by_host.get(EVERY))

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._by_host)

    @property
    def faults(self) -> tuple[WireFault, ...]:
        return tuple(dict.fromkeys(outage.fault for outage in self._by_host.values()))


def count(requests: Sequence[Request], host: str) -> int:
    """How many requests went to this host, or to every one."""
    return len(requests) if host == EVERY else sum(host == request.host for request in requests)
