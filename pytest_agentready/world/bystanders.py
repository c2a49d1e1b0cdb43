"""Threads that act by themselves: exporters of telemetry, heartbeats, schedulers. What they send is not the tool's doing.

They are known by the wait in which the run finds them: one with a timeout, or a pause. Whoever waits without a timeout
waits for somebody, and may come to work for the tool; and so may these, once the tool wakes them.
"""

from __future__ import annotations

import linecache
import sys
import threading
from _thread import get_ident
from types import FrameType

from pytest_agentready.world import real


def by_themselves() -> set[int]:
    """The threads of the process that will wake up without anybody's help, as far as can be seen."""
    if len(threading._active) < 2:  # type: ignore[attr-defined]
        return set()
    me = get_ident()
    return {ident for ident, frame in sys._current_frames().items() if ident != me and _has_a_timer(frame)}


def _has_a_timer(frame: FrameType) -> bool:
    if frame.f_code is real.condition_wait.__code__:
        return frame.f_locals.get("timeout") is not None
    # A pause of C leaves no frame: the line that called it is all there is to see.
    return "sleep(" in linecache.getline(frame.f_code.co_filename, frame.f_lineno)
