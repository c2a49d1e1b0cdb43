"""One virtual world: the network, the timeline, and who takes part."""

from __future__ import annotations

import asyncio
import sys
from _thread import get_ident
from typing import Any

from pytest_agentready.domain import Ending
from pytest_agentready.world import real, stack
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.ending import interrupt
from pytest_agentready.world.faults import WireFault
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.network import Network
from pytest_agentready.world.timeline import Timeline
from pytest_agentready.world.watchdog import cpu_seconds

UNWINDING = 0.2  # real seconds that threads left behind get to end


class World:
    """The surroundings of one run. It is installed by `installation.installed`, and observed by `run.observe`."""

    def __init__(self, fault: WireFault | None, backend: Backend, limits: Limits, spared: int = 0) -> None:
        self.network = Network(fault, backend, spared)
        self.time = Timeline(limits, self.network.pump, self.network.cut)
        self.network.time = self.time
        self.hired: set[int] = set()  # threads that work for this run alone, or for now
        self.cancelled_loops: set[int] = set()
        self.alarm: float | None = None  # virtual moment at which SIGALRM is due
        self._adopted: list[tuple[Any, float]] = []
        self._cpu = cpu_seconds()
        self._overruns = 0
        self.in_real_time = False  # a client kept its own time
        self.finished = False  # the tool has come to its end, and is not to be interrupted any more
        self._thread = get_ident()

    def join(self) -> None:
        """The calling thread takes part from here on: it has turned to the world's network."""
        ident = get_ident()
        if ident not in self.time.members:
            self.time.crowd.welcome(ident)

    def adopt_loop(self, loop: Any) -> None:
        """A loop that has been running in its own thread works for this run from here on."""
        self.time.crowd.welcome(loop._thread_id)
        self._adopted.append((loop, self.time.monotonic() - real.monotonic()))

    def overrun(self) -> None:
        """Called by the watchdog, from its own thread: the run has taken too long in real time."""
        seconds = self.time.limits.real
        spins = cpu_seconds() - self._cpu > seconds / 10  # on a busy machine a spin does not get all of it
        frame = sys._current_frames().get(self._thread)
        where = stack.where(frame)
        kind, detail = ("spin", "without waiting for anything") if spins else ("blind", "in a wait that cannot be seen from Python")
        if self.finished:
            return
        self.time.overrun(Ending(kind, f"still running after {seconds:g} s of real time, {detail}", where=where))  # type: ignore[arg-type]
        self._overruns += 1
        for ident in tuple(self.time.members):
            if ident not in self.time.blocked and not self.finished:
                interrupt(ident, again=self._overruns > 1)

    def close(self) -> None:
        """Let go of every thread: those of the run have to end, older ones go on in real time."""
        self.network.close()
        self.time.doomed |= self.hired
        _wait_until(lambda: not self.hired)
        if self.time.doomed:
            real.sleep(0.001)  # their last steps: they let go of what they held
        self.time.closed = True
        _wait_until(lambda: not self.time.blocked)
        for loop, ahead in self._adopted:
            _shift_timers(loop, ahead + self.time.now)
        self.time.members.clear()


def _wait_until(done: Any) -> None:
    end = real.monotonic() + UNWINDING
    while not done() and real.monotonic() < end:
        real.sleep(0.0005)


def _shift_timers(loop: asyncio.AbstractEventLoop, ahead: float) -> None:
    """The loop's clock goes back to real time, and so do the timers that it got meanwhile."""
    now = real.monotonic()
    for handle in tuple(getattr(loop, "_scheduled", ())):
        if handle._when > now + 1e-3:
            handle._when = max(handle._when - ahead, now)
