"""Two charges at the same time, where there is money for one: what became of them, schedule by schedule."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pytest_agentready.domain.limits import Limit
from pytest_agentready.domain.spending import Charge


@dataclass(frozen=True, slots=True)
class Schedule:
    """One request of the first charge was held back, and the whole of the second one came before it."""

    held: str  # what the first one wrote only then: "INCRBYFLOAT cost:session:session-1"
    after: str  # its last request before; "" where there was none
    first: Charge
    second: Charge
    where: str  # the line that sent the request
    waited: bool  # the second one asked nobody until the first had come to its end
    in_client: bool = False  # and what it waited for was a connection

    @property
    def both_admitted(self) -> bool:
        return self.first.admitted and self.second.admitted

    @property
    def between(self) -> str:
        return f"between {self.after} and {self.held}" if self.after else f"before {self.held}"


@dataclass(frozen=True, slots=True)
class RacedLimit:
    """All schedules of two charges of one limit, until one admitted both."""

    limit: Limit
    left: Decimal  # dollars that were left of it
    schedules: tuple[Schedule, ...] = ()
    apart: tuple[Schedule, ...] = ()  # as of two processes, which share nothing but the store, where these have shown nothing of them
    is_shared: bool = True  # another process finds what it counts
    gap: str = ""  # why it could not be raced

    @property
    def lost(self) -> Schedule | None:
        """The schedule in which both were admitted."""
        return next((schedule for schedule in self.schedules if schedule.both_admitted), None)

    @property
    def lost_apart(self) -> Schedule | None:
        """The schedule in which both were admitted, of two processes."""
        return next((schedule for schedule in self.apart if schedule.both_admitted), None)

    @property
    def shows_nothing_apart(self) -> bool:
        """The second one waited all the same, or could not be begun."""
        return not self.apart or _all_wait(self.apart) or _belongs_to_a_thread(self.apart)

    @property
    def belongs_to_a_thread(self) -> bool:
        """Its connection does, so that in one process no two charges can be made at the same time."""
        return _belongs_to_a_thread(self.schedules)

    @property
    def waits_in_process(self) -> bool:
        """However they met, the second one waited for the first to end: by something in the memory that they share."""
        return _all_wait(self.schedules) and not self.shares_connection

    @property
    def shares_connection(self) -> bool:
        """The second one waited for the connection that the first one had: how they meet on two is not seen."""
        return _all_wait(self.schedules) and any(schedule.in_client for schedule in self.schedules)


def _all_wait(schedules: tuple[Schedule, ...]) -> bool:
    return len(schedules) > 1 and all(schedule.waited for schedule in schedules)


def _belongs_to_a_thread(schedules: tuple[Schedule, ...]) -> bool:
    return bool(schedules) and all(
        raised is not None and raised.kind == "sqlite3.ProgrammingError" and "thread" in raised.message
        for raised in (schedule.second.raised for schedule in schedules)
    )


@dataclass(frozen=True, slots=True)
class RacedCharges:
    """Each declared limit."""

    limits: tuple[RacedLimit, ...] = ()
    gap: str = ""
