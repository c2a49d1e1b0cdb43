"""Waits that cannot be seen from Python: locks, simple queues and semaphores of C, which no method can be replaced for.

They go by in real time, beside a run in virtual time: what such a run says about time is no proof, and it says so.
"""

from __future__ import annotations

import linecache
import sys
from typing import Any

from pytest_agentready.domain import shortened
from pytest_agentready.world import stack

LOOKS = 4  # looks of the watchdog, some 50 ms apart, at which a member in no wait of ours was asleep
SHOWN = 60  # characters of the line


class UnseenWaits:
    """Those of one run, as `acquire(timeout=5)` at /home/ada/shop/tools.py:12."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}  # an ordered set
        self._asleep: dict[int, tuple[Any, int]] = {}  # thread -> CPU time, and for how many looks it has been that

    def look(self, ident: int, state: tuple[bool, Any] | None) -> None:
        """At a member that is in no wait of ours."""
        if state is None or state[0]:
            self._asleep.pop(ident, None)
            return
        cpu, looks = self._asleep.get(ident, (None, 0))
        looks = looks + 1 if cpu == state[1] else 0
        self._asleep[ident] = state[1], looks
        if looks >= LOOKS:
            self.note(ident)

    def forget(self, ident: int) -> None:
        """It moves, or waits where it is seen."""
        self._asleep.pop(ident, None)

    def holds(self, ident: int) -> bool:
        """Has this thread been seen asleep for long enough?"""
        return self._asleep.get(ident, (None, 0))[1] >= LOOKS

    def note(self, ident: int) -> None:
        """This thread is in such a wait."""
        frame = sys._current_frames().get(ident)
        if frame is None or stack.is_ours(frame.f_code):  # in a lock of the world's own, on a busy machine
            return
        where = stack.where(frame)
        path, _, line = where.rpartition(":")
        code = linecache.getline(path, int(line)).strip() if line.isdigit() else ""
        self.found.setdefault(f"`{shortened(code, SHOWN)}` at {where}" if code else where or "in a library")
