"""Threads that the first call starts and every later one uses: a worker with its queue, a loop in a thread of its own.

In production they stay, and so they do here: one that sits idle as its run ends goes on in real time, as an older thread
does, and is adopted by the next run that hands it work. One that every call starts anew, and leaves behind, is ended with its run: it is
known by its origin, the lines that led to its start, from the second run on.
"""

from __future__ import annotations

import asyncio
import sys
from threading import Thread
from types import CodeType

from pytest_agentready.world.waiting import Blocked

Origin = tuple[tuple[CodeType, int], ...]  # the lines on the stack, from the innermost

_kept: dict[Origin, list[Thread]] = {}
_left_behind: set[Origin] = set()
END_OF_TOOL = "carried_out"  # the function of ours that calls the tool


def origin(depth: int = 1) -> Origin:
    """How the caller came here, as far as the tool goes."""
    found: list[tuple[CodeType, int]] = []
    frame = sys._getframe(depth + 1)
    while frame is not None and frame.f_code.co_name != END_OF_TOOL:
        found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(found)


def stays(thread: Thread, begun_at: Origin, waits: Blocked | None, newcomers: set[Thread]) -> bool:
    """Does this thread, which its run has started, outlive it? `newcomers` are those that this run kept already."""
    if not thread.daemon or begun_at in _left_behind or waits is None or not _is_idle(waits):
        return False
    former = [other for other in _kept.get(begun_at, ()) if other.is_alive()]
    if any(other not in newcomers for other in former):  # the one of an earlier run is still there, and this call did not use it
        _left_behind.add(begun_at)
        return False
    _kept[begun_at] = [*former, thread]
    newcomers.add(thread)
    return True


def _is_idle(waits: Blocked) -> bool:
    """Will nothing but new work wake it? One with a timer would act in real time, between the runs, and for real."""
    if waits.primitive == "wait":
        return waits.bound is None
    if isinstance(waits.target, asyncio.AbstractEventLoop):
        return waits.bound is None or not asyncio.all_tasks(waits.target)
    return False
