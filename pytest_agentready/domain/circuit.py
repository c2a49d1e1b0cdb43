"""What becomes of a tool whose service fails again and again, and is then well: does a circuit breaker open, stay open, and close?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pytest_agentready.domain.observation import Run

FAILURES = 20  # consecutive ones, by which a breaker has opened


@dataclass(frozen=True, slots=True)
class Trip:
    """Calls while the service fails in one way, until one does not ask it any more; some more at once; then calls while it is well."""

    failing: tuple[Run, ...]  # that reached the service
    opened: bool = False  # and the next one did not
    leaks: tuple[Run, ...] = ()  # calls at once after that, which reached it all the same
    tried: int = 0  # of so many
    elsewhere: Run | None = None  # a call with other arguments that reached it then: what was remembered is the answer of one call
    waited: float = 0.0  # virtual seconds that the service has been well
    closed: bool | None = None  # calls go out again by then; None: not tried

    @property
    def is_complete(self) -> bool:
        return self.opened or len(self.failing) == FAILURES

    @property
    def requests(self) -> int:
        return sum(run.fired for run in self.failing)


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """One trip for each way of failing, until one has opened; and one in which a later request of the call fails alone."""

    service: tuple[str, ...] = ()  # the hosts that fail; who keeps the breaker's state is none of them
    trips: tuple[Trip, ...] = ()
    later: Trip | None = None
    limit: int | None = None  # calls in a row after which one is refused where all is well, too; None: all go out
    stuck: bool = False  # since calls that failed before it refuses all: a day later, and with the service in health
    obstacle: str = ""


def reaches(run: Run, hosts: Collection[str]) -> bool:
    """Was one of these hosts looked up in vain, connected to, or asked? A client in C that is refused leaves no more than that it was."""
    asked = [request.host for request in run.requests] + [attempt.host for attempt in run.attempts]
    return any(host in hosts for host in asked) or (bool(run.fired) and not asked)
