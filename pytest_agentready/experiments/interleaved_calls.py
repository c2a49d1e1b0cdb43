"""Two calls about different things, for different users, at the same time; and each of them by itself.

An async tool is called in two tasks, which take turns where they wait. A sync one is called in two threads, as an agent's executor does;
threads take turns anywhere, and here they do after each line of the user's own code, so that the same turns are taken each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from pytest_agentready.arguments.other_calls import another, marks, replaced, varied
from pytest_agentready.domain import Ending, InterleavedCalls, Meeting, NormalCall, Party, RepeatedCall, Run, Tool, read, structure_of
from pytest_agentready.experiments.calling import CannotConfirm, confirmed, memory_kept
from pytest_agentready.experiments.normal_call import hindered
from pytest_agentready.world import Backend, BackendFailed, Limits, Stay, active, loops, real, stack, stay
from pytest_agentready.world.echo import Caller, Echo
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.run import copied, drained, finished, raised_by
from pytest_agentready.world.stdio import muted

LATENCY = 0.05  # virtual seconds until a peer answers: the other call comes in between
LATER = 0.005  # virtual seconds by which the second call begins later
LINE = 0.01  # virtual seconds that a line of a sync tool takes
LINES = 60  # that take their time: a loop over thousands does not
LOOKS = 150  # at the other, some 5 ms apart, after which a call that holds a lock is let go on; on a busy machine they take longer
ALIKE = "two calls with the same arguments cannot be told apart: give args=[{...}, {...}], or user="
LIMITS = Limits(attempts=1_000, turns=20_000, horizon=86_400.0, real=10.0)


@dataclass(frozen=True)
class Side:
    """Who calls, with what."""

    arguments: Mapping[str, Any]
    user: Any = None
    marks: tuple[str, ...] = ()


def run(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall) -> InterleavedCalls:
    if not repeated_call.repeats:
        return InterleavedCalls(obstacle=repeated_call.obstacle)
    if normal_call.in_real_time:
        return InterleavedCalls(obstacle="its client waits in real time, in which no two calls are made at once")
    why = ""
    with muted(), memory_kept(tool):
        for one, other, tells_apart in _pairs(tool):
            try:
                meeting, reason = _meeting(tool, normal_call, one, other, tells_apart=tells_apart)
            except CannotConfirm as refusal:
                return InterleavedCalls(obstacle=str(refusal))
            except BackendFailed as failure:
                reason, meeting = f"the backend raised {failure} for other arguments", None
            if meeting is not None:
                return InterleavedCalls((meeting,))
            why = why or reason
    return InterleavedCalls(obstacle=f"{why}. Give a second set of arguments: args=[{{...}}, {{...}}]" if why else ALIKE)


def _pairs(tool: Tool) -> Iterator[tuple[Side, Side, bool]]:
    """Two callers, the most different first; and whether their answers are told apart."""
    sets = tool.facts.args or ()
    if not sets:
        return
    users = _users(tool)
    given = dict(sets[0])
    if len(sets) > 1:
        pairs = [(dict(sets[0]), dict(sets[1]))]
    else:
        pairs = [(another(given, tool.schema, 0), another(given, tool.schema, 1)), (given, another(given, tool.schema, 1))]
    if isinstance(tool.facts.user, str) and tool.facts.user in given:
        name = tool.facts.user
        pairs.append((given, given | {name: varied(given[name], name, 1)}))
    elif users[0] != users[1]:
        pairs.append((given, given))
    for one, other in pairs:
        if one == other and users[0] == users[1]:
            continue
        named = tuple(str(user) for user in users if isinstance(user, str))
        first = Side(one, users[0], (*marks(one, other), *named[:1]))
        second = Side(other, users[1], (*marks(other, one), *named[1:]))
        yield first, second, True
        if first.marks or second.marks:
            yield first, second, False


def _users(tool: Tool) -> tuple[Any, Any]:
    """Two values for a context's user; (None, None) where the tool has none there."""
    if not isinstance(tool.facts.user, contextvars.ContextVar):
        return None, None
    try:
        current = tool.facts.user.get()
    except LookupError:  # nobody is set, and there is no default
        current = None
    if current is None or isinstance(current, str):
        return varied(current or "user", "user", 0), varied(current or "user", "user", 1)
    if type(current) is int or type(current) is dict:
        return varied(current, "user_id", 0), varied(current, "user_id", 1)
    return current, current


def _meeting(tool: Tool, normal_call: NormalCall, one: Side, other: Side, *, tells_apart: bool) -> tuple[Meeting | None, str]:
    """None, and why, where one of the calls does not succeed by itself."""
    backend = tool.facts.backend if isinstance(tool.facts.backend, Backend) else Backend()
    if tells_apart:
        given = (tool.facts.args or ({},))[0]
        callers = [Caller(each.marks, replaced(given, each.arguments), shift) for shift, each in enumerate((one, other))]
        backend = Echo(backend, callers)
    solos: list[Run] = []
    for each in (one, other):
        (solo,), _ = _called(tool, normal_call, [each], backend)
        if why := hindered(tool, solo):
            named = f"a call with {dict(each.arguments)!r}"
            return None, why.replace("the normal call", named).replace("the confirmed call", named)
        solos.append(solo)
    (first, second), together = _called(tool, normal_call, [one, other], backend)
    for each, run in zip((one, other), (first, second), strict=True):
        if run.raised is not None and not normal_call.is_async:  # a connection to SQLite may belong to the thread that made it
            (solo,), _ = _called(tool, normal_call, [each], backend, threaded=True)
            if solo.raised is not None:
                return None, f"called in a thread of its own it raises {solo.raised.kind}: {solo.raised.message}"
    if together.ending is not None:
        return None, f"two calls at the same time do not come to an end ({together.ending.story})"
    return Meeting(
        Party(one.arguments, _shown(one.user), solos[0], first, one.marks),
        Party(other.arguments, _shown(other.user), solos[1], second, other.marks),
        together,
    ), ""


def _shown(user: Any) -> str:
    return "" if user is None else str(user)


def _called(
    tool: Tool, normal_call: NormalCall, sides: Sequence[Side], backend: Backend, *, threaded: bool = False
) -> tuple[list[Run], Run]:
    """How each of the calls ended, and what they did together."""
    outcomes = [Run(side.arguments, ending=Ending("stuck", "it did not come to its end")) for side in sides]
    contexts = [contextvars.copy_context() for _ in sides]
    given = [side.arguments for side in sides]  # with the token of an approval, where there is one
    variable = tool.facts.user if isinstance(tool.facts.user, contextvars.ContextVar) else None

    def visit(world: Stay) -> Run:
        for number, (side, context) in enumerate(zip(sides, contexts, strict=True)):
            if variable is not None and side.user is not None:
                context.run(variable.set, side.user)
            given[number] = context.run(confirmed, world, tool, side.arguments)
        world.slow_down(LATENCY)
        alone = len(sides) == 1 and not threaded
        return world.call(in_tasks if normal_call.is_async else by_itself if alone else in_threads, {})

    def by_itself() -> None:
        contexts[0].run(in_turns, 0)

    def in_threads() -> None:
        threads = [threading.Thread(target=context.run, args=(in_turns, number), daemon=True) for number, context in enumerate(contexts)]
        for thread in threads:
            thread.start()
            time.sleep(LATER)
        for thread in threads:
            thread.join()

    def in_turns(number: int) -> None:
        with _turns() if len(sides) > 1 else contextlib.nullcontext(), _kept(outcomes, number) as keep:
            keep(finished(tool.call(**copied(given[number]))))

    def in_tasks() -> None:
        loops.drive(together())

    async def together() -> None:
        await asyncio.gather(*map(awaited, range(len(sides))))

    async def awaited(number: int) -> None:
        await asyncio.sleep(LATER * number)
        if variable is not None and sides[number].user is not None:
            variable.set(sides[number].user)
        with _kept(outcomes, number) as keep:
            value = tool.call(**copied(given[number]))
            if inspect.isasyncgen(value):
                value = drained(value)
            keep(await value if inspect.isawaitable(value) else value)

    ran = stay(visit, backend=backend, limits=LIMITS)
    runs = []
    for outcome in outcomes:
        run = replace(ran, arguments=outcome.arguments, value=outcome.value, raised=outcome.raised, ending=ran.ending or outcome.ending)
        runs.append(replace(read(tool, run), value=structure_of(run.value) if run.returned else None))
    return runs, replace(ran, value=None)


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
    return caller is None or caller.f_code.co_name in ("in_turns", "finished")


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
