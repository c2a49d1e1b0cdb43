"""Several calls of a tool at the same time, in one world: two tasks of an async tool, two threads of a sync one.

Tasks take turns where they wait. Threads take turns anywhere, and here they do after each line of the user's own code, so that the same
turns are taken each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from pytest_agentready.domain import Ending, Run, Tool, read, structure_of
from pytest_agentready.experiments.calling import confirmed
from pytest_agentready.experiments.side_by_side import in_tasks, in_threads
from pytest_agentready.world import Backend, Limits, Stay, active, real, stack, stay
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.run import awaited, copied, finished, raised_by

LATENCY = 0.05  # virtual seconds until a peer answers: the other call comes in between
LINE = 0.01  # virtual seconds that a line of a sync tool takes
LINES = 60  # that take their time: a loop over thousands does not
LOOKS = 150  # at the other, some 5 ms apart, after which a call that holds a lock is let go on; on a busy machine they take longer
LIMITS = Limits(attempts=1_000, turns=20_000, horizon=86_400.0, real=10.0)


@dataclass(frozen=True)
class Side:
    """Who calls, with what."""

    arguments: Mapping[str, Any]
    user: Any = None
    marks: tuple[str, ...] = ()


def at_once(
    tool: Tool,
    sides: Sequence[Side],
    backend: Backend,
    *,
    is_async: bool,
    threaded: bool = False,
    approvals: int | None = None,
    by_line: bool = True,
) -> tuple[list[Run], Run]:
    """How each of the calls ended, and what they did together. Raises CannotConfirm and BackendFailed.

    `approvals`: how many of them a human agrees to, where that is not each; what that gives for the tool, all others get as well.
    `by_line`: threads take turns after each line, and not only where they wait.
    """
    calls = _Calls(tool, sides, by_line=by_line and len(sides) > 1)
    alone = len(sides) == 1 and not threaded
    together = calls.in_tasks if is_async else calls.by_itself if alone else calls.in_threads

    def visit(world: Stay) -> Run:
        calls.confirm(world, len(sides) if approvals is None else approvals)
        world.slow_down(LATENCY)
        return world.call(together, {})

    ran = stay(visit, backend=backend, limits=LIMITS)
    return [_of_its_own(tool, ran, outcome) for outcome in calls.outcomes], replace(ran, value=None)


class _Calls:
    """The calls of one world, each in a context of its own, and how they have ended."""

    def __init__(self, tool: Tool, sides: Sequence[Side], *, by_line: bool) -> None:
        self.outcomes = [Run(side.arguments, ending=Ending("stuck", "it did not come to its end")) for side in sides]
        self._tool = tool
        self._sides = sides
        self._given = [side.arguments for side in sides]  # with the token of an approval, where there is one
        self._contexts = [contextvars.copy_context() for _ in sides]
        self._user = tool.facts.user if isinstance(tool.facts.user, contextvars.ContextVar) else None
        self._by_line = by_line

    def confirm(self, world: Stay, approvals: int) -> None:
        """A human agrees to the first so many of them; the others are given what the first one got for it."""
        for number, (side, context) in enumerate(zip(self._sides, self._contexts, strict=True)):
            context.run(self._become, side)
            is_approved = number < approvals
            self._given[number] = context.run(confirmed, world, self._tool, side.arguments) if is_approved else self._given[0]

    def by_itself(self) -> None:
        self._contexts[0].run(self.in_turns, 0)

    def in_threads(self) -> None:
        in_threads(self.in_turns, self._contexts)

    def in_tasks(self) -> None:
        in_tasks(self._in_a_task, len(self._sides))

    def in_turns(self, number: int) -> None:
        with _turns() if self._by_line else contextlib.nullcontext(), _kept(self.outcomes, number) as keep:
            keep(finished(self._tool.call(**copied(self._given[number]))))

    async def _in_a_task(self, number: int) -> None:
        self._become(self._sides[number])
        with _kept(self.outcomes, number) as keep:
            keep(await awaited(self._tool.call(**copied(self._given[number]))))

    def _become(self, side: Side) -> None:
        if self._user is not None and side.user is not None:
            self._user.set(side.user)


def _of_its_own(tool: Tool, ran: Run, outcome: Run) -> Run:
    """The record of all, with how this call alone ended."""
    run = replace(ran, arguments=outcome.arguments, value=outcome.value, raised=outcome.raised, ending=ran.ending or outcome.ending)
    return replace(read(tool, run), value=structure_of(run.value) if run.returned else None)


@contextlib.contextmanager
def _kept(outcomes: list[Run], number: int) -> Iterator[Callable[[Any], None]]:
    """However the call ends, it is known."""

    def keep(value: Any) -> None:
        outcomes[number] = replace(outcomes[number], value=value, ending=None)

    try:
        yield keep
    except Signal:
        raise
    except BaseException as error:
        if type(error).__module__.startswith("_pytest.") or isinstance(error, asyncio.CancelledError):
            raise
        outcomes[number] = replace(outcomes[number], raised=raised_by(error), ending=None)


def _is_called_by_tool(frame: FrameType) -> bool:
    """The backend is the user's code, too, and is asked by the world: whoever waits there stops all the others."""
    caller = frame.f_back
    while caller is not None and not stack.is_ours(caller.f_code):
        caller = caller.f_back
    return caller is None or caller.f_code.co_name in (_Calls.in_turns.__name__, finished.__name__)


def _other_comes_in() -> bool:
    """A moment passes. False where it does not: the other waits, out of sight, for a lock or a database that this one holds."""
    world = active.mine()
    if world is None:
        return False
    me, looks = threading.get_ident(), 0

    def seen_enough() -> bool:
        nonlocal looks
        looks += threading.get_ident() == me  # others look at this wait, too
        return looks > LOOKS

    return not world.time.wait("sleep", LINE, seen_enough, real.sleep)


@contextlib.contextmanager
def _turns() -> Iterator[None]:
    """In this thread each line of the user's code takes a moment of virtual time, in which the other thread comes in."""
    left = LINES

    def called(frame: FrameType, _event: str, _arg: Any) -> Any:
        return stepped if left and stack.is_users(frame.f_code) and _is_called_by_tool(frame) else None

    def stepped(_frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal left
        if event == "line" and left:
            left -= 1
            if not _other_comes_in():
                left = 0
        return stepped

    before = sys.gettrace()
    sys.settrace(called)
    try:
        yield
    finally:
        sys.settrace(before)
