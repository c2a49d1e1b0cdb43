"""An async tool is cancelled while it waits: for a peer that is silent or cannot be reached, and in the pause before a retry.

A tool may clean up before it ends, and that may take it to the silent peer once more. So a second cancellation follows a second
later; what the tool does in between is recorded. One that turns to nobody anew, and still waits for what it had asked for before, is
given the time to come to its own end, which tells whether the cancellation has been lost or only put off.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_agentready.domain import Cancellation, CancelledCalls, Fault, FaultMatrix, NormalCall, Request, Run, Tool
from pytest_agentready.experiments.calling import called
from pytest_agentready.world import BackendFailed, Limits, WireFault, active, handlers, loops, stack
from pytest_agentready.world.run import awaited
from pytest_agentready.world.stdio import muted

SOON = 0.25  # virtual seconds that the tool has been waiting for when it is cancelled
MOMENT = 1.0  # virtual seconds to end in
SHORT = 0.05  # virtual seconds: a shorter wait is not worth to be cancelled
PATIENCE = 60.0  # virtual seconds, for what was asked for before to come to its end
MOST = 8  # cancellations of one tool
LIMITS = Limits(attempts=200, real=3.0)
SILENCE = ("response-hang", "connect-hang")


@dataclass(frozen=True, slots=True)
class Moment:
    """When, and in which world."""

    at: float  # virtual seconds from the beginning
    arguments: Mapping[str, Any]
    fault: Fault | None = None
    spared: int = 0


def run(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> CancelledCalls:
    if not normal_call.is_async:
        return CancelledCalls()
    with muted():
        return CancelledCalls(tuple(_cancellations(tool, _moments(normal_call, fault_matrix))))


def _cancellations(tool: Tool, moments: Iterator[Moment]) -> list[Cancellation]:
    found: list[Cancellation] = []
    for moment in itertools.islice(moments, MOST):
        try:
            found.append(_cancelled(tool, moment))
        except BackendFailed:  # which the normal call did not meet: this one shows nothing
            continue
        if found[-1].how == "unended":  # the next would only show the same, and cost as much
            break
    return found


def _moments(normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Moment]:
    """Where the tool is known to wait, by the runs that were made before."""
    for run in fault_matrix.runs:
        if run.fault is not None and run.fault.slug in SILENCE and run.fired:
            yield from _within(run, _began(run), run.virtual)
        elif run.fault is not None and run.fault.slug == "500":
            for one, next_one in zip(run.requests, run.requests[1:], strict=False):
                if next_one.at - one.at > SHORT:
                    yield from _within(run, one.at, next_one.at)
                    break
    for run in normal_call.runs:
        if run.finished:
            yield from _within(run, 0.0, run.virtual)


def _began(run: Run) -> float:
    """When it turned to the peer that is silent: the first request without an answer, else the last one with one."""
    unanswered = [request.at for request in run.requests if request.status is None]
    return unanswered[0] if unanswered else max((request.at for request in run.requests), default=0.0)


def _within(run: Run, begin: float, end: float) -> Iterator[Moment]:
    if end - begin > SHORT:
        yield Moment(begin + min(SOON, (end - begin) / 2), run.arguments, run.fault, run.spared)


def _cancelled(tool: Tool, moment: Moment) -> Cancellation:
    fault = moment.fault
    assert fault is None or isinstance(fault, WireFault)
    caller = _Caller(tool, moment.at)
    run = called(tool, moment.arguments, call=caller, fault=fault, spared=moment.spared, limits=LIMITS)
    found = replace(caller.found, run=run)
    if found.at is not None:
        found = replace(found, requests=found.requests + _asking(run, found.at))
    return found if found.obeyed else replace(found, kept=handlers.that_keeps(caller.places))


def _asking(run: Run, since: float) -> int:
    """Requests after the cancellation that are no clean-up: the same as one before, or one that only reads."""
    before = {_address(request) for request in run.requests if request.at <= since}
    after = [request for request in run.requests if since < request.at <= run.virtual]  # what goes on beside it is no word of its own
    return sum(not request.is_write or _address(request) in before for request in after)


def _address(request: Request) -> tuple[str, str]:
    return request.method, request.url.partition("?")[0]


class _Caller:
    """Calls the tool as an agent does, in a task of its own, and cancels that."""

    def __init__(self, tool: Tool, at: float) -> None:
        self.tool = tool
        self.at = at
        self.found = Cancellation(Run({}))
        self.places: list[handlers.Place] = []  # at which it waited when it was cancelled

    def __call__(self, **arguments: Any) -> None:
        value = self.tool.call(**arguments)
        if inspect.isawaitable(value) or inspect.isasyncgen(value):
            loops.drive(self._cancel(value))

    async def _cancel(self, value: Any) -> None:
        task = asyncio.ensure_future(awaited(value))
        await asyncio.wait({task}, timeout=self.at)
        if task.done():
            _end(task)  # its exception is looked at, so that asyncio does not complain of it
            return
        world = active.world
        assert world is not None
        if world.time.now <= self.at + SHORT:  # else the loop was blocked, and what the tool did before it could hear of it proves nothing
            self.found = replace(self.found, at=world.time.now, where=stack.awaiting_line(task))
        self.places = stack.places(task)
        connected = world.time.tries.get("connections", 0)
        turned = dict(world.time.tries)
        for _ in range(2):
            task.cancel()
            await asyncio.wait({task}, timeout=MOMENT)
            if not task.done() and not stack.pauses(task) and world.time.tries == turned:
                await asyncio.wait({task}, timeout=PATIENCE)
            if task.done():
                break
            self.found = replace(self.found, paused=self.found.paused or stack.pauses(task))
        if not world.network.requests:  # nobody could be asked yet: a further connection is a further attempt to ask
            self.found = replace(self.found, requests=world.time.tries.get("connections", 0) - connected)
        self.found = replace(self.found, **_end(task))


def _end(task: asyncio.Future[Any]) -> dict[str, Any]:
    if not task.done():
        return {}
    if task.cancelled():
        return {"how": "cancelled"}
    if (error := task.exception()) is not None:
        return {"how": "raised", "what": type(error).__qualname__}
    return {"how": "returned", "what": type(task.result()).__qualname__}
