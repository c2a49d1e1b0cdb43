"""Event loops that go by the world's clock, whatever clock and selector other plugins have given them."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
from types import MethodType
from typing import Any

from pytest_agentready.world import real

APART = 1.0  # seconds between two clocks that cannot be one


class Hosted:
    """A loop that is older than the world: its timers follow the world's clock for now, and its own again afterwards.

    Plugins that compress time (looptime) turn a loop's class into one with a clock of its own, and hide its selector's `select`
    behind theirs. In a world both would be wrong: waits would end too early there, or go by in real time.
    """

    def __init__(self, loop: Any, now: float) -> None:
        """What the loop has planned before `now`, by the world's clock, is due as long from now as it was outside."""
        self.loop = loop
        before = loop.time() if _has_a_clock_of_its_own(loop) else now
        self._own_time = abs(before - now) > APART  # and does not only pass on the clock that the world has replaced
        self._disguise = straighten(loop)
        if self._own_time:
            _shift_timers(loop, before - now)
        else:
            _shift_timers(loop, real.monotonic() - now, before=now)  # what is later was planned in this world

    def let_go(self, now: float) -> None:
        """The world ends, at `now` by its clock."""
        self._disguise.close()
        _shift_timers(self.loop, now - (self.loop.time() if self._own_time else real.monotonic()))


def straighten(loop: Any) -> contextlib.ExitStack:
    """Give a loop asyncio's clock and its selector's own `select`, until the stack is closed."""
    undo = contextlib.ExitStack()
    if _has_a_clock_of_its_own(loop):
        undo.callback(_put_back, loop, "time", vars(loop).get("time"))
        loop.time = MethodType(asyncio.BaseEventLoop.time, loop)
    selector = getattr(loop, "_selector", None)
    if "select" in getattr(selector, "__dict__", {}):
        undo.callback(_put_back, selector, "select", vars(selector).pop("select"))
    return undo


def _has_a_clock_of_its_own(loop: Any) -> bool:
    return getattr(loop.time, "__func__", None) is not asyncio.BaseEventLoop.time


def _put_back(owner: Any, name: str, hidden: Any) -> None:
    vars(owner).pop(name, None)
    if hidden is not None:
        setattr(owner, name, hidden)


def _shift_timers(loop: Any, ahead: float, before: float = math.inf) -> None:
    """What the loop has planned for a moment `before` this one is due `ahead` seconds earlier by the clock that it has from here on."""
    planned: list[Any] = getattr(loop, "_scheduled", [])
    for handle in planned:
        if handle._when < before:
            handle._when -= ahead
    heapq.heapify(planned)
