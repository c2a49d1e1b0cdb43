"""`agent_world.clock`: the virtual clock of a hand-written test."""

from __future__ import annotations

import datetime
from typing import Protocol

from pytest_agentready.world import real
from pytest_agentready.world.world import World

ADVANCE = "advance"  # the wait by which a test moves the clock


class Scene(Protocol):
    """What has a world, for as long as a test runs."""

    @property
    def running(self) -> World:
        """Raises RuntimeError before the test begins, and when it is over."""

    @property
    def last(self) -> World | None:
        """Also when it is over; None before it begins."""


class Clock:
    """The virtual clock of a test."""

    def __init__(self, world: Scene) -> None:
        self._of = world

    def __repr__(self) -> str:
        return f"<Clock {self.now.isoformat()}, {self.elapsed:.3f} s after the test began>"

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the test began."""
        return 0.0 if self._of.last is None else self._of.last.time.now

    @property
    def now(self) -> datetime.datetime:
        """The date and time, in UTC."""
        world = self._of.last
        moment = real.time() if world is None else world.time.wall + world.time.now
        return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass: whatever other threads wait for happens meanwhile, in its order, and a loop's timers when it goes on."""
        __tracebackhide__ = True
        if not seconds >= 0:
            raise ValueError(f"the clock only goes forward: advance({seconds!r})")
        self._of.running.time.wait(ADVANCE, seconds, lambda: False, real.sleep)
