"""Two charges at the same time, by a schedule that is the same each time.

One request of the first is held back at its peer; meanwhile the second runs, whole where nothing stops it. No luck is needed: who looks,
and acts on what it saw a moment later, is caught in between, however short that moment is in life.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import FrameType
from typing import Any

from pytest_agentready.domain import Charge, Raised, Request, Run, Schedule
from pytest_agentready.experiments.apart import Apart
from pytest_agentready.experiments.charging import Till
from pytest_agentready.experiments.conversing import QUESTION
from pytest_agentready.world import Stay, loops, stack
from pytest_agentready.world.ending import Signal, WorldEnded
from pytest_agentready.world.run import awaited, finished, raised_by

HELD = 0.5  # virtual seconds: shorter than any client's patience, and longer than a charge takes
NEARLY = HELD * 0.99  # moments are sums, whose last digits may differ
SHORTLY = 0.001  # virtual seconds after that, when the second one begins
LONG = 3_600.0  # virtual seconds, in which the first one comes to its end
OTHER_QUESTION = "Where is my order 43?"


@dataclass(frozen=True, slots=True)
class Payment:
    """A charge that is to be made. No dollars: a turn of a loop, as it usually costs."""

    user: str
    session: str
    dollars: Decimal | None


def raced(
    till: Till, first: Payment, second: Payment, place: int, *, in_tasks: bool, apart: Apart | None = None, pauses: bool = False
) -> Schedule:
    """Both, while the first one's step at this place, counted from 0, is held back. `apart`: as if the second were another process's.

    `pauses`: each moment at which the first one lets others come in is a step.
    """
    number = till.world.asked + place
    sides = _Side(till, first, QUESTION, pauses=pauses), _Side(till, second, OTHER_QUESTION, apart, in_tasks=in_tasks)
    race = _Race(till.world, *sides, number)
    till.world.hold(number, HELD)
    run = till.world.call(race.in_tasks if in_tasks else race.in_threads, {})
    return _schedule(till, sides, run, place)


class _Race:
    """The second one begins as soon as the first one's step of this number is held back, or there is none."""

    def __init__(self, world: Stay, first: _Side, second: _Side, number: int) -> None:
        self._number = number
        self._world = world
        self._first, self._second = first, second

    def in_threads(self) -> None:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(self._second_in_a_thread,), daemon=True)
        thread.start()
        self._first.go()
        thread.join()

    def in_tasks(self) -> None:
        loops.drive(self._together())

    async def _together(self) -> None:
        await asyncio.gather(self._first.come(), self._second_in_a_task())

    def _second_in_a_thread(self) -> None:
        self._world.wait_until(self._may_begin, LONG)
        self._world.wait_until(lambda: False, SHORTLY)
        self._world.later(HELD / 2, self._second.look_at_thread(threading.get_ident()))
        self._second.go()

    async def _second_in_a_task(self) -> None:
        while not self._may_begin():
            await asyncio.sleep(0.01)
        self._world.later(HELD / 2, self._second.look_at_task(asyncio.current_task()))
        await self._second.come()

    def _may_begin(self) -> bool:
        return self._world.asked > self._number or self._first.over


class _Side:
    """One of the two, in a thread or a task."""

    def __init__(
        self, till: Till, payment: Payment, text: str, apart: Apart | None = None, *, in_tasks: bool = False, pauses: bool = False
    ) -> None:
        self.payment, self.text = payment, text
        call = till.in_part(payment.user, payment.session, payment.dollars, text)
        self.call: Callable[[], Any] = (lambda: with_pauses(call(), till.world)) if pauses else call
        self.admitted = False
        self.raised: Raised | None = None
        self.over = False
        self.in_client = False  # halfway it waited within a client of its own, for a connection
        self._till = till
        self._apart: contextlib.AbstractContextManager[None] = contextlib.nullcontext() if apart is None else apart.lived()
        self._finished = finished if apart is None or in_tasks else _finished_by_itself

    def look_at_thread(self, ident: int) -> Callable[[], None]:
        def look() -> None:
            self.in_client = _is_in_client(_of_thread(ident))

        return look

    def look_at_task(self, task: asyncio.Task[Any] | None) -> Callable[[], None]:
        def look() -> None:
            self.in_client = task is not None and _is_in_client(_of_task(task))

        return look

    def go(self) -> None:
        try:
            with self._apart:
                self.admitted = self._till.admits(self._finished(self.call()))
                if self.admitted and self.payment.dollars is not None:
                    self._finished(self._till.settle(self.payment.user, self.payment.session, self.payment.dollars))
        except BaseException as error:
            self._end(error)
        self.over = True

    async def come(self) -> None:
        try:
            with self._apart:
                self.admitted = self._till.admits(await awaited(self.call()))
                if self.admitted and self.payment.dollars is not None:
                    await awaited(self._till.settle(self.payment.user, self.payment.session, self.payment.dollars))
        except BaseException as error:
            self._end(error)
        self.over = True

    def _end(self, error: BaseException) -> None:
        if isinstance(error, (Signal, WorldEnded, asyncio.CancelledError)) or type(error).__module__.startswith("_pytest."):
            raise error
        self.raised = raised_by(error)


def _is_in_client(frames: Iterable[FrameType]) -> bool:
    """From the innermost one on: is it a package's before it is the user's?"""
    for frame in frames:
        if stack.is_users(frame.f_code):
            return False
        if "-packages" in frame.f_code.co_filename and not stack.is_ours(frame.f_code):
            return True
    return False


def _of_thread(ident: int) -> Iterator[FrameType]:
    frame = sys._current_frames().get(ident)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _of_task(task: asyncio.Task[Any]) -> list[FrameType]:
    found: list[FrameType] = []
    coroutine: Any = task.get_coro()
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        found.insert(0, frame)
        coroutine = coroutine.cr_await
    return found


def with_pauses(value: Any, world: Stay) -> Any:
    """What a call gives; of a coroutine each moment at which it lets others come in is a step of this world."""
    return Pausing(value, world) if inspect.iscoroutine(value) else value


class Pausing:
    """A coroutine that is held, where it is to be, after what it has waited for has come."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], world: Stay) -> None:
        self._coroutine = coroutine
        self._world = world

    def __await__(self) -> Generator[Any, Any, Any]:
        result: Any = None
        problem: BaseException | None = None
        while True:
            try:
                awaited = self._coroutine.send(result) if problem is None else self._coroutine.throw(problem)
            except StopIteration as end:
                return end.value
            held = self._world.pause_of(stack.line_of(self._coroutine))
            result = problem = None
            try:
                result = yield awaited
                if held:
                    yield from asyncio.sleep(held).__await__()
            except BaseException as error:  # the code's own to handle
                problem = error


def _finished_by_itself(value: Any) -> Any:
    """As `finished`, in a loop of its own: ours is taken by the first one."""
    return asyncio.run(awaited(value)) if inspect.isawaitable(value) or inspect.isasyncgen(value) else finished(value)


def _schedule(till: Till, sides: tuple[_Side, _Side], run: Run, place: int) -> Schedule:
    steps, first, second = run.steps, _charge(till, sides[0], run), _charge(till, sides[1], run)
    if place >= len(steps):  # this time it asked less
        return Schedule("", "", first, second, "", waited=False)
    held, later = steps[place], steps[place + 1 :]
    after = named(steps[place - 1]) if place else ""
    acted = (step for step in (held, *later) if step.is_write and (step is held or step.at >= held.at + NEARLY))
    meanwhile = any(held.at < step.at < held.at + NEARLY for step in later)
    waited = bool(later) and not meanwhile
    return Schedule(named(next(acted, held)), after, first, second, held.where, waited, waited and sides[1].in_client)


def _charge(till: Till, side: _Side, run: Run) -> Charge:
    """What one side spent: by what its breaker said, or by the calls of the model in which its own words stand."""
    payment = side.payment
    calls = tuple(call for call in run.model_calls if any(side.text in message.text for message in call.messages))
    spent = till.cost(calls) if payment.dollars is None else payment.dollars if side.admitted else Decimal(0)
    own = Run({}, raised=side.raised, ending=run.ending, model_calls=calls)
    return Charge(payment.user, payment.session, payment.dollars or spent, spent, own)


def named(request: Request) -> str:
    """`INCRBYFLOAT cost:session:1`, to be found again in the code."""
    if request.to_model:
        return "the call of the model"
    if request.method == "PAUSE":
        return f"the pause at line {request.where.rpartition(':')[2]}"
    words = request.body.decode(errors="replace").split()
    if not request.url.startswith("redis"):
        return f"{request.method} {request.url}" if request.is_http else " ".join(words[:6])
    if request.method == "EXEC":
        first = " ".join(words[:2])
        return f"EXEC of {first}" if first else "EXEC"
    return " ".join(words[:1]) if request.method.startswith(("EVAL", "FCALL")) else " ".join(words[:2])
