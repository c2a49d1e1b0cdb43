"""The service fails, call after call, until the tool does not ask it any more; then it is well, and time passes until it is asked again.

All of it happens in one world, so that a breaker may keep its state in memory or in a Redis. It begins with the memory that the tool had
before its examination: a breaker that never closes is not judged by what earlier faults have left. In a second world, where all is well,
as many calls are made in a row: who refuses one there too has a limit of its rate, and no open circuit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from pytest_agentready.arguments.other_calls import another
from pytest_agentready.domain import FAILURES, NormalCall, OpenCircuit, Run, Tool, Trip, reaches
from pytest_agentready.experiments.calling import CannotConfirm, called_in, confirmed, memory_of
from pytest_agentready.experiments.normal_call import hindered, obstacle
from pytest_agentready.world import FAULTS, BackendFailed, Limits, Stay, WireFault, stay
from pytest_agentready.world.stdio import muted

FAILING = ("500", "refused", "connect-hang")  # a breaker need count only some of them
SEVERAL = 5  # calls at once after one that was refused
AT_ONCE = 1.0  # virtual seconds; after more, a call that goes out may be a probe
MOMENTS = (10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0)  # virtual seconds for which the service has been well, when it is tried again
ATTEMPTS = 60  # of one call, beside ten for each that the normal call makes
AGAIN = 2  # calls that go out after a probe that went well: a closed breaker lets them
DAY = 86_400.0  # virtual seconds
CACHED = "it answers by itself a day after the call before (a cache), and is not seen to fail: let each call ask"


def run(tool: Tool, normal_call: NormalCall) -> OpenCircuit:
    if why := obstacle(tool, normal_call):
        return OpenCircuit(obstacle=why)
    if not any(normal.went_out for normal in normal_call.runs):
        return OpenCircuit(obstacle="the normal call does not reach the outside world")
    arguments = normal_call.runs[0].arguments
    usual = max(len(normal_call.runs[0].requests), 1)
    limits = Limits(attempts=ATTEMPTS + 10 * usual, turns=50_000, horizon=400 * DAY, real=20.0)
    slugs = FAILING[:2] if normal_call.in_real_time else FAILING
    try:
        with muted(), memory_of(tool).rewound():
            found = stay(lambda world: _Visit(world, tool, arguments).found(slugs), backend=tool.facts.backend, limits=limits)
        if found.obstacle or not any(trip.opened for trip in found.trips):
            return found
        calls = next(len(trip.failing) for trip in found.trips if trip.opened) + SEVERAL
        with muted(), memory_of(tool).rewound():
            limit = stay(lambda world: _Visit(world, tool, arguments).limit(calls), backend=tool.facts.backend, limits=limits)
        return OpenCircuit(found.service, found.trips, found.later, limit, found.stuck)
    except CannotConfirm as reason:
        return OpenCircuit(obstacle=str(reason))
    except BackendFailed as failure:
        return OpenCircuit(obstacle=f"the backend raised {failure} in a repeated call")


@dataclass
class _Visit:
    """Calls of one tool in one world."""

    world: Stay
    tool: Tool
    arguments: Mapping[str, Any]
    usual: Run = field(default_factory=partial(Run, {}))
    service: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # hosts that stay well: a Redis, say, in which the breaker keeps its state

    def found(self, slugs: tuple[str, ...]) -> OpenCircuit:
        self.usual = self._forgetful_call()
        if self.usual.finished and not _hosts(self.usual):
            is_well = self.usual.answer is not None and not self.usual.answer.tells_of_failure
            return OpenCircuit(obstacle=CACHED) if is_well else OpenCircuit(stuck=True)
        if why := hindered(self.tool, self.usual):
            return OpenCircuit(obstacle=why)
        self.service = _service(self.tool, self.usual)
        self.others = tuple(host for host in _hosts(self.usual) if host not in self.service)
        trips: list[Trip] = []
        for slug in slugs:
            fault = next(fault for fault in FAULTS if fault.slug == slug)
            trip = self._trip(fault)
            if trip is None:
                continue
            trips.append(trip)
            if self.world.over or trip.opened:
                break
            self._call()  # which ends the row of failures
        if not trips:
            return OpenCircuit(obstacle=CACHED)
        later = self._later(fault) if trips[-1].closed and not fault.precedes_the_request else None
        return OpenCircuit(self.service, tuple(trips), later)

    def limit(self, calls: int) -> int | None:
        """How many of so many calls in a row go out before one is refused, where all is well; None: all go out, or are answered."""
        self.usual = self._call()
        if not _hosts(self.usual):
            return None
        self.service = _service(self.tool, self.usual)
        for number in range(1, calls):
            if self._refuses(self._call()) and not self.world.over:
                return number
        return None

    def _trip(self, fault: WireFault) -> Trip | None:
        """None where nobody meets this fault."""
        failing, refused = self._until_refused(fault)
        if not failing:
            return None
        return self._until_closed(self._while_open(failing, fault)) if refused else Trip(failing)

    def _until_refused(self, fault: WireFault) -> tuple[tuple[Run, ...], bool]:
        """The calls that reached the service, and whether one more did not."""
        failing: list[Run] = []
        while not self.world.over:
            run = self._call(fault)
            if run.finished and not self._reaches(run):
                if failing:
                    return tuple(failing), True
                self.world.pause(DAY)  # it remembers the answer of the call before
                run = self._call(fault)
            if len(failing) == FAILURES or not (failing or run.fired):  # nobody meets this fault
                break
            failing.append(run)
        return tuple(failing), False

    def _while_open(self, failing: tuple[Run, ...], fault: WireFault) -> Trip:
        until = self.world.now + AT_ONCE
        calls: list[Run] = []
        while len(calls) < SEVERAL and self.world.now < until and not self.world.over:
            calls.append(self._call(fault))
        leaks = tuple(run for run in calls if self._reaches(run))
        elsewhere = None if leaks or self.world.now >= until else self._elsewhere(fault)
        return Trip(failing, True, leaks, len(calls), elsewhere)

    def _elsewhere(self, fault: WireFault) -> Run | None:
        """A call with other arguments, the mark's or made from the first, if it reaches the service."""
        sets = self.tool.facts.args or ()
        other = sets[1] if len(sets) > 1 else another(self.arguments, self.tool.schema, 0)
        if other == self.arguments or self.world.over:
            return None
        try:
            run = self._call(fault, arguments=other)
        except CannotConfirm:  # it was made for the first ones
            return None
        return run if self._reaches(run) else None

    def _until_closed(self, trip: Trip) -> Trip:
        self.world.fault(None)
        began, waited, closed = self.world.now, 0.0, None
        for moment in MOMENTS:
            if self.world.over:
                break
            self.world.pause(max(began + moment - self.world.now, 0.0))
            waited = self.world.now - began
            closed = self._reaches(self._call()) and not any(self._refuses(self._call()) for _ in range(AGAIN))
            if closed:
                break
        return replace(trip, waited=waited, closed=closed)

    def _later(self, fault: WireFault) -> Trip | None:
        """The last request of a call fails, and those before it go well; None where it has one alone, or can do without the last."""
        asked = [number for number, request in enumerate(self.usual.requests) if request.host in self.service]
        if len(asked) < 2 or asked[-1] != len(self.usual.requests) - 1 or self.others:
            return None
        self._call()
        failing: list[Run] = []
        while len(failing) < FAILURES and not self.world.over:
            run = self._call(fault, asked[-1])
            if run.fired and self._fails(run):
                failing.append(run)
            elif failing and self._fails(run):
                return Trip(tuple(failing), opened=True)
            else:
                return None
        return Trip(tuple(failing)) if len(failing) == FAILURES else None

    def _forgetful_call(self) -> Run:
        run = self._call()
        if _hosts(run) or self.world.over:
            return run
        self.world.pause(DAY)
        return self._call()

    def _call(self, fault: WireFault | None = None, spared: int = 0, arguments: Mapping[str, Any] | None = None) -> Run:
        """One call, under this fault, after the approval of it where the tool has a gate: nothing fails for that."""
        arguments = self.arguments if arguments is None else arguments
        self.world.begin_count()
        self.world.fault(None)
        given = confirmed(self.world, self.tool, arguments)
        if fault is not None:
            self.world.fault(fault, spared, self.others)
        return called_in(self.world, self.tool, arguments, given)

    def _reaches(self, run: Run) -> bool:
        return reaches(run, self.service)

    def _fails(self, run: Run) -> bool:
        return not run.returned or (run.answer is not None and run.answer.reads_as_failure(self.usual.answer, run.statuses))

    def _refuses(self, run: Run) -> bool:
        return not self._reaches(run) and self._fails(run)


def _hosts(run: Run) -> tuple[str, ...]:
    """Whom it turned to."""
    hosts = [attempt.host for attempt in run.attempts] + [request.host for request in run.requests]
    return tuple(dict.fromkeys(hosts))


def _service(tool: Tool, usual: Run) -> tuple[str, ...]:
    """The hosts that a breaker would be about: over HTTP, if it asks any so; else all but a Redis, if there are others."""
    own = {urlsplit(entry).hostname for entry in tool.facts.bookkeeping if "://" in entry}
    asked = [request for request in usual.requests if request.host not in own]
    over_http = [request.host for request in asked if request.is_http]
    beside_redis = [request.host for request in asked if not request.url.startswith("redis")]
    return tuple(dict.fromkeys(over_http or beside_redis or _hosts(usual)))
