"""The one answer that is lost: a peer carries a certain write out, and its client never hears of it. All other requests are answered.

Who sends the write again within the same call is told by the stack: the innermost frame that was there the first time already is whose
loop it is, a library's or the user's own.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from pytest_agentready.domain import masked
from pytest_agentready.world import stack
from pytest_agentready.world.faults import FAULTS
from pytest_agentready.world.wire import Answerable, WireFault

_RESET = next(fault for fault in FAULTS if fault.slug == "lost-response")


@dataclass
class Watch:
    """What happens to the write in the course of a run."""

    met: int = 0  # times that the write arrived
    repeaters: list[str] = field(
        default_factory=list
    )  # for each time after the first: the library that sent it again, "" for the user's code
    frames: list[FrameType] = field(default_factory=list)  # the stack of the first time, for as long as the run


@dataclass(frozen=True, slots=True)
class LostAnswer(WireFault):
    """The answer to one write is lost, once."""

    method: str = ""
    target: str = ""  # its address without the query; a new id may stand in it each time
    silent: bool = False  # the peer says nothing more; else it breaks the connection
    watch: Watch = field(default_factory=Watch, compare=False)

    def answer(self, exchange: Answerable) -> bool:
        request = exchange.record
        if request.method != self.method or not request.is_write or masked(request.url.partition("?")[0]) != masked(self.target):
            return False
        self.watch.met += 1
        frames = _frames()
        if self.watch.met > 1:
            self.watch.repeaters.append(_whose_loop(self.watch.frames, frames))
            return False
        self.watch.frames = frames
        exchange.commit()
        if not self.silent:
            exchange.reset()
        return True


def lost_answer(method: str, target: str, *, silent: bool) -> LostAnswer:
    title = "the peer acts on the request and never answers" if silent else _RESET.title
    slug = "lost-silently" if silent else _RESET.slug
    return LostAnswer(
        slug, title, "silence" if silent else "break", expected="transient", may_commit=True, method=method, target=target, silent=silent
    )


def _frames() -> list[FrameType]:
    """Of the code that waits for the answer, the innermost first: the stack, or for a loop the chain of its longest task."""
    frame: FrameType | None = sys._getframe(2)
    found: list[FrameType] = []
    while frame is not None:
        if not stack.is_ours(frame.f_code):
            found.append(frame)
        if frame.f_code.co_name == "run_forever":
            return [*_awaiting(frame), *found]
        frame = frame.f_back
    return found


def _awaiting(run_forever: FrameType) -> list[FrameType]:
    try:
        tasks = asyncio.all_tasks(run_forever.f_locals.get("self"))
    except RuntimeError:  # a task was born or died while we looked
        return []
    # Those are a set: of two that are as long, the one that was born first.
    chains = [list(stack.frames(task.get_coro())) for task in sorted(tasks, key=by_birth)]
    return max(chains, key=len, default=[])[::-1]


def by_birth(task: asyncio.Task[Any]) -> tuple[int, str]:
    """`Task-10` comes behind `Task-9`; names of the user's own by their letters."""
    name = task.get_name()
    number = name.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0, name)


def _whose_loop(before: list[FrameType], now: list[FrameType]) -> str:
    known = set(map(id, before))
    for frame in now:
        if id(frame) in known:
            return "" if stack.is_users(frame.f_code) else str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return ""
