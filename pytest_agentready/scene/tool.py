"""`agent_tool`: the marked tool, called by a hand-written test in the test's world, and judged by what its calls showed.

The calls of one test are put into the same observations that the experiments make: those that met no fault are normal
calls, those that met one are rows of a fault matrix. Every check that asks for nothing else can judge them.
"""

from __future__ import annotations

import _thread
import inspect
import os
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_agentready.domain import FaultMatrix, NormalCall, Outcome, Result, Run, Subject, Tool, read, shortened
from pytest_agentready.engine import Engine
from pytest_agentready.reports import failure
from pytest_agentready.scene.clock import ADVANCE
from pytest_agentready.scene.fitting import misfit
from pytest_agentready.scene.world import AgentWorld
from pytest_agentready.settings import Settings
from pytest_agentready.telemetry.recording import Reach
from pytest_agentready.world import real
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.run import raised_by

OBSERVED = frozenset({"tool", "normal_call", "fault_matrix"})  # what the calls of a test add up to
ASKER = "agent_tool calls the tool that an"  # mark names

NEVER_CALLED = (
    "the test ended without calling agent_tool: nothing was examined. Write agent_tool(order_id=...), or await it for an async tool."
)
OVERLAPPING = (
    "agent_tool was called while an earlier call of it was still under way: which of them waited and asked could not be told apart. "
    "Call it once at a time, and for calls beside each other the tool itself."
)
NEVER_AWAITED = "agent_tool was called, and never awaited: the tool is async, and has not run. Write `await agent_tool(...)`."


class AgentTool:
    """Call it as the tool itself, with arguments by name: it returns what the tool returns, and raises what it raises.

    An async tool is awaited, as ever. `runs` has the record of each call, `run` that of the last one.
    """

    def __init__(self, tool: Tool, world: AgentWorld) -> None:
        self.runs: list[Run] = []
        self._unawaited: list[tuple[Any, Any]] = []  # what the tool returned, and what the test was given for it
        self._calls = _thread.allocate_lock()  # held while the tool works
        self._overlapped = False
        self._refused = False  # a call whose arguments do not fit, before a line of the tool has run
        self._tool = tool
        self._world = world
        if tool.facts.backend is not None:
            world.backend(tool.facts.backend)

    @property
    def run(self) -> Run:
        """The record of the last call: its waits, pauses and requests, and the virtual seconds it took."""
        __tracebackhide__ = True
        if not self.runs:
            raise LookupError("agent_tool has not been called yet: there is no run")
        return self.runs[-1]

    def __call__(self, /, *unnamed: object, **arguments: Any) -> Any:
        __tracebackhide__ = True
        if unnamed:
            raise TypeError(f"agent_tool takes the arguments of the tool by name: {_by_name(self._tool, unnamed)}")
        start = self._begin()
        try:
            value = self._tool.call(**arguments)
        except BaseException as error:
            if isinstance(error, TypeError) and (told := misfit(self._tool.call, arguments, error)):
                self._calls.release()
                self._refused = True
                raise TypeError(f"agent_tool({', '.join(f'{name}=...' for name in arguments)}): {told}") from None
            self._end(start, arguments, error=error)
            raise
        if inspect.isawaitable(value):
            self._calls.release()  # it works once it is awaited
            awaitable = self._awaited(value, arguments)
            self._unawaited.append((value, awaitable))
            return awaitable
        self._end(start, arguments, value)
        return value

    async def _awaited(self, awaitable: Awaitable[Any], arguments: Mapping[str, Any]) -> Any:
        __tracebackhide__ = True
        self._unawaited = [pair for pair in self._unawaited if pair[0] is not awaitable]
        try:
            start = self._begin()
        except RuntimeError:
            _close(awaitable)
            raise
        try:
            value = await awaitable
        except BaseException as error:
            self._end(start, arguments, error=error)
            raise
        self._end(start, arguments, value)
        return value

    # -- the record

    def _begin(self) -> _Mark:
        __tracebackhide__ = True
        if not self._calls.acquire(blocking=False):
            self._overlapped = True
            raise RuntimeError(OVERLAPPING)
        try:
            return self._mark()
        except BaseException:
            self._calls.release()
            raise

    def _mark(self) -> _Mark:
        __tracebackhide__ = True
        world = self._world.running
        network, time = world.network, world.time
        peers = frozenset(network.peers)
        counts = (
            len(time.waits),
            len(time.sleeps),
            len(network.attempts),
            len(network.requests),
            len(network.model_calls),
            len(network.refused),
            len(world.ledger.effects),
        )
        return _Mark(time.now, real.perf_counter(), network.fired, *counts, peers, world.telemetry.reach())

    def _end(self, start: _Mark, arguments: Mapping[str, Any], value: object = None, error: BaseException | None = None) -> None:
        __tracebackhide__ = True
        try:
            run = self._record(start, arguments, value, error)
            self.runs.append(read(self._tool, run) if not _is_stream(value) else replace(run, value=None))
        finally:
            self._calls.release()

    def _record(self, start: _Mark, arguments: Mapping[str, Any], value: object, error: BaseException | None) -> Run:
        world = self._world.last
        assert world is not None
        network, time = world.network, world.time
        waits = tuple(wait.freeze() for wait in time.waits[start.waits :] if wait.primitive != ADVANCE)
        fired = network.fired - start.fired
        faults = self._world.outages.faults
        return Run(
            dict(arguments),
            fault=faults[0] if fired and len(faults) == 1 else None,
            fired=fired,
            value=value,
            raised=raised_by(error) if error is not None and time.ending is None and not isinstance(error, Signal) else None,
            ending=time.ending,
            waits=waits,
            sleeps=tuple(time.sleeps[start.sleeps :]),
            attempts=tuple(network.attempts[start.attempts :]),
            requests=tuple(network.requests[start.requests :]),
            model_calls=tuple(network.model_calls[start.model_calls :]),
            peers=tuple(dict.fromkeys([*(peer for peer in network.peers if peer not in start.peers), *_peers(waits)])),
            allowed=tuple(network.allowed.reached),
            tls=network.tls,
            unspoken=tuple(network.unspoken),
            refused=tuple(network.refused[start.refused :]),
            local_effects=tuple(world.ledger.effects[start.effects :]),
            unseen=tuple(time.crowd.unseen.found),
            in_real_time=world.in_real_time,
            telemetry=world.telemetry.frozen(start.telemetry, 0.0),
            virtual=time.now - start.virtual,
            real=real.perf_counter() - start.real,
        )

    # -- the judgement

    def judgement(self, engine: Engine, settings: Settings, node: str) -> tuple[str, list[Result]]:
        """What the checks find in these calls, in the words of a failing item ("" where that is nothing), and all their results."""
        if problem := self._misuse():
            return problem, []
        observations = self._observations()
        if observations is None:
            return "", []
        subject = Subject(self._tool.name, engine.relative(self._tool.source), self._tool.kind, self._tool.framework)
        told, results = [], []
        for check in engine.registry.in_profile(settings.profile, self._tool):
            waiver = settings.waiver_of(check.id, subject.name)
            if not OBSERVED.issuperset(check.needs) or not (waiver or check.severity.at_least(settings.fail_on)):
                continue
            result = Result.expected(check, subject, node).judged(engine.judge(check, observations))
            if waiver is not None and result.outcome is Outcome.FAILED:  # few calls that find nothing do not make it superfluous
                result = result.waived(waiver, settings.today, unproven_fails=False)
            results.append(result)
            if result.outcome is Outcome.FAILED:
                told.append(failure.render(result, check))
        return "\n\n".join(told), results

    def _misuse(self) -> str:
        """Why the test says nothing about the tool; "" where it may."""
        if self._unawaited:
            for value, awaitable in self._unawaited:
                _close(awaitable)
                _close(value)
            return NEVER_AWAITED
        if self._overlapped:
            return OVERLAPPING
        return NEVER_CALLED if not self.runs and not self._refused else ""

    def _observations(self) -> dict[str, object] | None:
        """What the calls have shown; None where that is nothing."""
        healthy = tuple(run for run in self.runs if not run.fired)
        failing = tuple(run for run in self.runs if run.fault is not None)
        if not healthy and not failing:
            return None
        obstacle = "" if healthy else "the test makes no call that meets no fault"
        return {
            "tool": self._tool,
            "normal_call": NormalCall(healthy, obstacle),
            "fault_matrix": FaultMatrix(failing, environment=dict(os.environ)),
        }


def _by_name(tool: Tool, values: Sequence[object]) -> str:
    """How this call is written."""
    names = [parameter.name for parameter in tool.interface().parameters]
    given = ", ".join(f"{name}={shortened(repr(value), 40)}" for name, value in zip(names, values, strict=False))
    return f"agent_tool({given or '...'})"


class _Mark(NamedTuple):
    """Where the world's records stood when a call began."""

    virtual: float
    real: float
    fired: int
    waits: int
    sleeps: int
    attempts: int
    requests: int
    model_calls: int
    refused: int
    effects: int
    peers: frozenset[str]
    telemetry: Reach


def _peers(waits: tuple[Any, ...]) -> list[str]:
    """Whom a call waited for, which an earlier call may have met before."""
    return [wait.peer for wait in waits if wait.peer]


def _close(awaitable: object) -> None:
    """It will never be awaited, and Python would warn of it."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()


def _is_stream(value: object) -> bool:
    """What is still to come cannot be read, and is the test's to iterate over."""
    return inspect.isgenerator(value) or inspect.isasyncgen(value)
