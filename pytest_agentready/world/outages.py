"""Which fault each host meets, and from which of its requests on.

An experiment has one fault for all hosts; a hand-written test may give each host its own, and change them as it goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_agentready.world.faults import WireFault

EVERY = "*"


@dataclass(frozen=True, slots=True)
class Outage:
    """A fault, and the number of the first request that meets it: of its host's requests, or of all where it is for every host."""

    fault: WireFault
    begins: int = 0


class Outages:
    """The faults in force. A host's own comes before the one for every host."""

    def __init__(self, fault: WireFault | None = None, spared: int = 0) -> None:
        self._by_host: dict[str, Outage] = {}
        if fault is not None:
            self.begin(EVERY, fault, spared)

    def begin(self, host: str, fault: WireFault, begins: int = 0) -> None:
        self._by_host[host] = Outage(fault, begins)

    def end(self, host: str | None = None) -> None:
        """All is well again: for this host's own fault, or for all."""
        if host is None:
            self._by_host.clear()
        else:
            self._by_host.pop(host, None)

    def met_by(self, host: str, number: Callable[[str], int]) -> WireFault | None:
        """The fault of this host; `number` says which request it is, of this host's or of all."""
        for whose in (host, EVERY):
            outage = self._by_host.get(whose)
            if outage is not None:
                return outage.fault if not outage.begins or number(whose) >= outage.begins else None
        return None

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._by_host)

    @property
    def faults(self) -> tuple[WireFault, ...]:
        return tuple(dict.fromkeys(outage.fault for outage in self._by_host.values()))
