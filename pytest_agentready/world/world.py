"""One virtual world: the network, the timeline, and who takes part."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
import weakref
from _thread import get_ident
from threading import Thread
from typing import Any, NoReturn, Protocol

from pytest_agentready.domain import Ending, Respond
from pytest_agentready.telemetry.recording import Recording
from pytest_agentready.world import bystanders, granted, loops, real, residents, runs, services, stack
from pytest_agentready.world.allowed import PATIENCE, Allowed, Hosts, in_force
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.ending import WorldEnded, block, break_out, interrupt
from pytest_agentready.world.files import Files
from pytest_agentready.world.hosted import Hosted
from pytest_agentready.world.intervals import INTERVAL, let_pass
from pytest_agentready.world.ledger import Ledger
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.network import Network
from pytest_agentready.world.outages import Outages
from pytest_agentready.world.sqlite import Databases
from pytest_agentready.world.started import Processes
from pytest_agentready.world.timeline import Timeline
from pytest_agentready.world.watchdog import cpu_seconds
from pytest_agentready.world.wire import WireFault

UNWINDING = 0.2  # real seconds that threads left behind get to end
SETTLES = "settle"  # the wait for what other threads still do
LATER = 5.0  # virtual seconds that they get after the call has returned
LATER_STEPS = 200  # of the clock meanwhile
SETTLING = 0.05  # real seconds that a thread gets to come back from its last job to where it waits for the next


class Hired(Protocol):
    """What a thread was hired for."""

    thread: Thread | None  # None: it has come for one job
    origin: residents.Origin
    where: str  # the user's line that ordered it


class World:
    """The surroundings of one run. It is installed by `installation.installed`, and observed by `run.observe`."""

    def __init__(
        self,
        fault: WireFault | None,
        backend: Backend,
        limits: Limits,
        spared: int = 0,
        allow: Hosts | None = None,
        *,
        abrupt: bool = False,
        respond: Respond | None = None,
    ) -> None:
        """`spared` requests are answered well before the fault begins; `allow` names the hosts that are real, else those in force.

        A wait without end breaks its connections, so that the code unwinds as it would in life; where it is to be
        `abrupt`, the run is ended at that very wait. `respond` is the model behind the providers.
        """
        allowed = Allowed(in_force() if allow is None else allow)
        self.network = Network(Outages(fault, spared), backend, allowed, services)
        self.network.respond = respond
        self.sees_stores = True  # clients reach a real Redis by way of this world, which undoes in the end what they did there
        grant = granted.in_force()
        self.processes = Processes(grant.programs)
        self.time = Timeline(limits, self.network.pump, _nothing if abrupt else self._cut)
        self.time.crowd.outside_works = lambda: allowed.owe() or (bool(self.processes.started) and self.processes.work())
        self.network.time = self.time
        self.files = Files(grant, lambda: self.time.now, self.where, self._refuse)
        self.ledger = Ledger(lambda: self.time.now, self.where, self.files)
        self.databases = Databases(self)
        self.ledger.settle_by(self.databases.settle)
        self.telemetry = Recording(lambda: self.time.now, stack.here, lambda: self.concerned, stack.is_users_file)
        self.hired: dict[int, Hired] = {}  # threads that work for this run alone, or for now, by ident
        self.works_beside = False  # several threads had work at a time
        self.residents: set[Thread] = set()  # those of them that outlive it
        self.cancelled_loops: set[int] = set()
        self.alarm: float | None = None  # virtual moment at which SIGALRM is due
        self.origins: weakref.WeakKeyDictionary[Thread, str] = weakref.WeakKeyDictionary()  # thread -> the line that started it
        self.opened: dict[str, str] | None = None  # path -> the line that opened it last, where somebody asks for that
        self._feeds = False  # an older thread was handed work
        self._hosted: list[Hosted] = []  # loops that may outlive it
        self.bystanders = bystanders.by_themselves()  # threads that are none of the run's
        self._cpu: float | None = None  # CPU seconds when it was first looked at
        self._overruns = 0
        self.in_real_time = False  # a client kept its own time
        self.finished = False  # the tool has come to its end, and is not to be interrupted any more
        self._thread = get_ident()

    def _cut(self) -> bool:
        """Break what somebody waits for without end; True if there was anything."""
        connections, children = self.network.cut(), self.processes.cut()
        return connections or children

    def join(self) -> bool:
        """The calling thread has turned to the world's network: from here on it takes part, unless it acts for itself."""
        ident = get_ident()
        if ident in self.time.members:
            return True
        if ident in runs.leftovers:
            break_out(sys._getframe(1))
            raise WorldEnded
        if not self.concerned:
            return False
        self.time.crowd.welcome(ident)
        return True

    def where(self) -> str:
        """The user's line on this stack; in a thread whose work is a library's alone, the one that gave it to it."""
        return stack.here(1) or self.ordered(get_ident())

    def ordered(self, ident: int) -> str:
        """The user's line that ordered what a hired thread does; "" for any other."""
        hired = self.hired.get(ident)
        return hired.where if hired is not None else ""

    @property
    def over(self) -> bool:
        """Has the run been ended?"""
        return self.time.over

    @property
    def concerned(self) -> bool:
        """Is what the calling thread does the tool's doing?"""
        ident = get_ident()
        if ident in self.time.members:
            return True
        if ident in self.bystanders or ident in runs.leftovers:
            return False
        return asyncio._get_running_loop() is None  # a loop is engaged by whoever calls it

    def _refuse(self, what: str) -> NoReturn:
        block(what, self.network.refused if self.concerned else None)

    def engage(self, ident: int) -> None:
        """A thread that is older than the run works for it from here on."""
        self._feeds = True
        self.bystanders.discard(ident)
        self.databases.engaged(ident)
        self.time.crowd.welcome(ident)

    def adopt_loop(self, loop: Any) -> None:
        """A loop that has been running in its own thread works for this run from here on."""
        self.engage(loop._thread_id)
        self.enter_loop(loop)

    def enter_loop(self, loop: Any) -> None:
        """A loop begins to run in this world. What it has planned before then is due as long from now as it was in real time."""
        if all(hosted.loop is not loop for hosted in self._hosted):
            self._hosted.append(Hosted(loop, self.time.began + self.time.now))

    def glance(self) -> None:
        """Called by the watchdog, from its own thread, now and then: a run that lasts as long as this may turn out to spin."""
        if self._cpu is None:  # not for each run: where several threads work, the system takes milliseconds to tell
            self._cpu = cpu_seconds()
        self.time.crowd.look_for_unseen_waits()

    @property
    def patience(self) -> float:
        """Real seconds after which the watchdog ends the run."""
        return self.time.limits.real + (PATIENCE if self.network.allowed.hosts or self.processes.programs else 0.0)

    def overrun(self) -> None:
        """Called by the watchdog, from its own thread: the run has taken too long in real time."""
        seconds = self.patience
        loose = [ident for ident in tuple(self.time.members) if ident not in self.time.blocked]
        asleep = bool(loose) and all(self.time.crowd.unseen.holds(ident) for ident in loose)
        spins = cpu_seconds() - (self._cpu or 0.0) > seconds / 10 and not asleep  # on a busy machine a spin does not get all of it
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

    def call_ended(self) -> None:
        """Where the watchdog has ended the call, nobody is interrupted any more; what is on its way arrives here, at a jump backwards."""
        self.finished = self.time.over
        for _ in range(3):
            continue

    def settle(self) -> None:
        """The call has returned. What it has handed to other threads comes to its end in this world, and not in real life."""
        if self.time.over:
            return
        loops.let_run(LATER)
        if not self.time.over and (self._feeds or self.hired or self.time.crowd.handed_over):
            self._wait_for_others()
        if self.time.over:  # that some work goes on without end is not how the call ended
            self.time.ending = None

    def _wait_for_others(self) -> None:
        me = get_ident()
        moments: set[float] = set()

        def at_rest() -> bool:
            moments.add(self.time.now)
            return len(moments) > LATER_STEPS or not self._works_on(me)

        with contextlib.suppress(WorldEnded):
            self.time.wait(SETTLES, LATER, at_rest, real.sleep)

    def _works_on(self, me: int) -> bool:
        """Does a thread of the run still work, or wait for something that will come by itself?"""
        if self.time.crowd.handed_over:
            return True
        waits = [self.time.blocked.get(ident) for ident in tuple(self.time.members) if ident != me]
        return any(wait is None or (wait.bound is not None and not _has_timers_alone(wait.target)) for wait in waits)

    def close(self) -> None:
        """Let go of every thread: those of the run have to end, older ones go on in real time."""
        stay = self._those_who_stay()
        self.network.close()
        self.processes.cut()
        self.time.doomed |= self.hired.keys() - stay
        _wait_until(lambda: self.hired.keys() <= stay)
        runs.leftovers |= self.hired.keys() - stay
        if self.time.doomed:
            real.sleep(0.001)  # their last steps: they let go of what they held
        self.time.closed = True
        _wait_until(lambda: not self.time.blocked)
        now = self.time.began + self.time.now
        for hosted in self._hosted:
            hosted.let_go(now)
        self.time.members.clear()
        for server in self.network.memory.get("redis", {}).values():
            try:
                server.end()
            except Exception as failure:  # the others are still to be put back, and the time to pass
                self.network.fail(failure)
        let_pass(math.ceil(self.time.now) + INTERVAL)

    def _those_who_stay(self) -> set[int]:
        """The threads of the run that sit idle, and are there for the next call."""
        started = {ident: hired for ident, hired in self.hired.items() if hired.thread is not None and hired.thread.daemon}
        if not started:
            return set()
        _wait_until(lambda: all(ident in self.time.blocked or ident not in self.hired for ident in started), SETTLING)
        stay = set()
        for ident, hired in started.items():
            waits = self.time.blocked.get(ident)
            if waits is not None and hired.thread is not None and residents.stays(hired.thread, hired.origin, waits, self.residents):
                stay.add(ident)
        return stay


def _has_timers_alone(target: object) -> bool:
    """A loop without a task, which sits in its own thread: its timers are as far off after the run as they were."""
    return isinstance(target, asyncio.AbstractEventLoop) and not asyncio.all_tasks(target)


def _wait_until(done: Any, patience: float = UNWINDING) -> None:
    end = real.monotonic() + patience
    while not done() and real.monotonic() < end:
        real.sleep(0.0005)


def _nothing() -> bool:
    return False
