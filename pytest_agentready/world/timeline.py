"""Virtual time: a discrete-event simulation of everything that the run waits for.

Each blocking primitive of a member thread becomes a wait here. When every member waits and nothing is ready, the clock
jumps to the earliest deadline or event. Where there is neither, the wait is proved to have no end, at once.
The clock moves by simulated waits alone: computing costs nothing, so that the same run takes the same virtual time.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import heapq
import math
import sys
from _thread import get_ident
from collections.abc import Callable
from math import inf

from pytest_agentready.domain import Ending, Sleep
from pytest_agentready.domain.observation import TO_CALL_A_MODEL
from pytest_agentready.world import intervals, real, stack
from pytest_agentready.world.crowd import Crowd
from pytest_agentready.world.ending import STUBBORN, WorldClosed, WorldEnded, break_out
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.waiting import NETWORK_WAITS, Blocked

CLOCK_TICK = 1e-6  # seconds that a look at the clock takes
PATIENT_LOOKS = 20_000  # looks without a wait in between, before the clock runs faster and faster
GRACE = 20  # attempts that a tool may still make, to unwind through its own error handling


class Timeline:
    """The clock, its events, and the threads that wait for them."""

    def __init__(self, limits: Limits, pump: Callable[[], bool], cut_connections: Callable[[], bool]) -> None:
        self.limits = limits
        self.now = 0.0
        self.mutex = _thread.RLock()
        self.blocked: dict[int, Blocked] = {}
        self.members: set[int] = set()
        self.crowd = Crowd(self.members, self.blocked, lambda: self.now)
        self.waits: list[Blocked] = []
        self.sleeps: list[Sleep] = []
        self.tries: dict[str, int] = {}  # look-ups, connections, requests
        self.ending: Ending | None = None
        self.paused: Callable[[], float] | None = None  # asked after a pause of the code for how many seconds it goes on
        self.closed = False
        self.doomed: set[int] = set()  # threads that may not wait any more
        self._pump, self._cut_connections = pump, cut_connections
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._elastic: list[Callable[[], bool]] = []
        self._elastic_step = 1.0
        self._sequence = 0
        self._turns = 0
        self._turns_after = 0
        self._strikes = 0
        self._looks = 0
        # Whole seconds: aiohttp rounds its deadlines up to whole seconds of the loop's clock.
        self.wall = float(math.ceil(real.time())) + intervals.passed_for_subject()  # seconds since the epoch when the run began
        self.began = float(math.ceil(real.monotonic())) + intervals.passed()  # by the monotonic clock
        self._perf_counter = float(math.ceil(real.perf_counter())) + intervals.passed()

    # -- the clock

    def time(self) -> float:
        return self.wall + self._look()

    def monotonic(self) -> float:
        return self.began + self._look()

    def perf_counter(self) -> float:
        return self._perf_counter + self._look()

    def _look(self) -> float:
        """A loop that only reads the clock has to see it move, and ever faster, or it would spin for ever."""
        self._looks += 1
        step = CLOCK_TICK
        if self._looks > PATIENT_LOOKS:
            step *= 2 ** min(40, (self._looks - PATIENT_LOOKS) // 1000)
        self.now += step
        if self.now > self.limits.horizon:
            self.end(Ending("endless", f"still reading the clock after {self.now:,.0f} s of virtual time", where=stack.here(2)))
            self.strike()
        return self.now

    def at(self, delay: float, event: Callable[[], None]) -> None:
        """Let something happen `delay` virtual seconds from now."""
        with self.mutex:
            self._sequence += 1
            heapq.heappush(self._events, (self.now + delay, self._sequence, event))

    def just_in_time(self, event: Callable[[], bool]) -> None:
        """Let something happen again and again, each time just before anybody's patience ends, while it returns True.

        A fixed interval would miss a client with a shorter timeout, or cost thousands of events.
        """
        self._elastic.append(event)

    # -- waiting

    def wait(
        self,
        primitive: str,
        bound: float | None,
        ready: Callable[[], bool],
        rest: Callable[[float], object],
        peer: str = "",
        target: object = None,
        where: str | None = None,
    ) -> bool:
        """Block the calling member: True when `ready()`, False when `bound` seconds have passed.

        `rest` waits in real time for what another thread may do; `where` is the user's line, where it is known already. Raises WorldEnded
        where the world ends the run.
        """
        self._looks = 0
        ident = get_ident()
        deadline = inf if bound is None else self.now + max(0.0, bound)
        where = stack.here(1) if where is None else where
        blocked = Blocked(primitive, peer, bound, deadline, ready, ident, self.now, real.monotonic(), where, target)
        self.waits.append(blocked)
        self.blocked[ident] = blocked
        self.crowd.stir()
        try:
            return self._block(blocked, rest)
        finally:
            blocked.elapsed = self.now - blocked.start
            self.blocked.pop(ident, None)
            self.crowd.stir()

    def sleep(self, seconds: float) -> None:
        self.strike()
        self.sleeps.append(Sleep(seconds, stack.here(1)))
        with contextlib.suppress(WorldClosed):
            self.wait("sleep", seconds, lambda: False, real.sleep)
            if self.paused is not None and (held := self.paused()):
                self.wait("hold", held, lambda: False, real.sleep)

    def _block(self, blocked: Blocked, rest: Callable[[float], object]) -> bool:
        rounds = 0
        while True:
            if blocked.cut or blocked.ident in self.doomed:
                raise WorldEnded
            if self.closed:
                self._let_go(blocked)
            with self.mutex:
                self.pump()
                if blocked.ready():
                    blocked.outcome = "unbounded" if blocked.outcome == "unbounded" else "ready"
                    return True
                if self.now >= blocked.deadline:
                    blocked.outcome = "timeout"
                    return False
                alone = not self.crowd.anyone_running(blocked.ident)
            if alone and self.crowd.bystanders_rest():
                # Looking at the bystanders lets go of the interpreter: whatever was true before may not be now.
                with self.mutex:
                    if not self.crowd.anyone_running(blocked.ident) and self._advance():
                        rounds = 0
                        continue
            rest(0.0002 if rounds < 5 else 0.001 if rounds < 50 else 0.005)
            rounds += 1

    def _let_go(self, blocked: Blocked) -> None:
        """The run is over. A thread that is older goes on: its wait in real time, its connection as if reset."""
        if blocked.primitive in NETWORK_WAITS and blocked.primitive != "sleep":
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        raise WorldClosed

    def pump(self) -> bool:
        """Let due events happen and the peers move; True if anything did."""
        with self.mutex:
            moved = self._run_due()
            return self._pump() or moved

    def pass_by(self, seconds: float) -> None:
        """Time goes by as it does outside: a client waits in C, in real time."""
        with self.mutex:
            self.now += seconds
            self.pump()
            self._elastic = [event for event in self._elastic if event()]

    def _run_due(self) -> bool:
        ran = False
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()
            ran = True
        return ran

    def _advance(self) -> bool:
        """Everybody waits: jump to whatever comes first; False where there is nothing to jump to yet. The mutex is held."""
        deadline = min((blocked.deadline for blocked in tuple(self.blocked.values())), default=inf)
        if self._events:
            deadline = min(deadline, self._events[0][0])
        if deadline == inf and not self._elastic and any(ident not in self.blocked for ident in tuple(self.members)):
            return False  # one sits in a wait that cannot be seen: it may end, or the watchdog ends it
        self._turns += 1
        if self.ending is not None:
            self._turns_after += 1
        if self._elastic and self._happen_just_before(deadline):
            return True
        if deadline == inf:
            self._nobody_will_ever_wake()
        elif self._out_of_turns(deadline):
            self._end_without_an_end()
        else:
            self.now = max(self.now, deadline)
            self._run_due()
        return True

    def _happen_just_before(self, deadline: float) -> bool:
        if deadline == inf:
            self._elastic_step = min(600.0, self._elastic_step * 2)
            moment = self.now + self._elastic_step
        else:
            moment = self.now + max(0.25, 0.8 * (deadline - self.now))
        if moment >= deadline:
            return False
        if self._out_of_turns(moment):
            self._end_without_an_end()
        else:
            self.now = moment
            self._elastic = [event for event in self._elastic if event()]
        return True

    # -- ending

    @property
    def over(self) -> bool:
        return self.ending is not None

    @property
    def attempts(self) -> int:
        return max(self.tries.values(), default=0)

    def attempt(self, kind: str, what: str) -> None:
        """The tool tries a look-up or a connection. Raises WorldEnded once that was too often."""
        self.count(kind, what, lambda: stack.here(3))
        self.strike()

    def count(self, kind: str, what: str, where: Callable[[], str]) -> None:
        """The tripwire of every runaway: whoever goes on, or waits for an answer, meets the end of the run."""
        self.tries[kind] = tries = self.tries.get(kind, 0) + 1
        if tries > self.limits.attempts and self.ending is None:
            self.end(Ending("runaway", what, tries - 1, where()))

    def count_model_call(self, asked: int, where: str) -> bool:
        """May the model be called, having been asked so many times? The run is over where it may not."""
        limit = self.limits.model_calls
        if limit is not None and asked >= limit and self.ending is None:
            self.end(Ending("runaway", TO_CALL_A_MODEL, asked, where))
        return self.ending is None

    def strike(self) -> None:
        """Called by every primitive: once the run is ended, and the grace used up, nothing works any more."""
        if not self.over:
            return
        self._strikes += 1
        grace = GRACE if self.ending is not None and self.ending.kind in ("stuck", "endless") else 0
        if self._strikes > grace:
            if self._strikes > grace + STUBBORN:
                break_out(sys._getframe(1))
            raise WorldEnded

    def end(self, ending: Ending) -> None:
        """End the run, once: connections are reset, so that the tool unwinds through its own error handling."""
        with self.mutex:
            if self.ending is None:
                self.ending = ending
                self._events.clear()
                self._elastic.clear()
                if self._cut_connections() and ending.kind in ("stuck", "endless"):
                    return
            for blocked in tuple(self.blocked.values()):
                blocked.cut = True

    def overrun(self, ending: Ending) -> None:
        """End the run from the watchdog's thread, which must not wait for a lock that the run may hold for ever."""
        if self.ending is None:
            self.ending = ending
        for blocked in tuple(self.blocked.values()):
            blocked.cut = True

    def _nobody_will_ever_wake(self) -> None:
        if self.ending is None:
            for blocked in tuple(self.blocked.values()):
                blocked.outcome = "unbounded"
        first = next(iter(self.blocked.values()))
        self.end(Ending("stuck", f"{first.primitive} waits for ever", where=first.where))

    def _out_of_turns(self, moment: float) -> bool:
        if self.ending is not None:
            return self._turns_after > self.limits.turns
        return moment > self.limits.horizon or self._turns > self.limits.turns

    def _end_without_an_end(self) -> None:
        where = next(iter(self.blocked.values())).where
        self.end(Ending("endless", f"no end in sight after {self.now:,.0f} s of virtual time", self._turns, where))
