"""How a run is ended that will not end by itself.

`WorldEnded` derives from BaseException, so that the tool's `except Exception` cannot hide it, and it is latched:
every further wait or attempt raises it again, in every thread of the run. A tool that swallows even that
(`except BaseException: pass` in a loop) is left at its `except` clause by a trace function: a line inside
a handler is no longer guarded by its own `try`.
"""

from __future__ import annotations

import ctypes
import sys
from _thread import get_ident
from types import FrameType
from typing import Any

STUBBORN = 40  # swallowed signals after which the trace function is set


class Signal(BaseException):
    """A word of the world to its runs; no Exception, so that no tool mistakes it for one of its own."""


class WorldEnded(Signal):
    """The world of this run is over; the verdict is known, and the tool has to unwind."""


class WorldClosed(Signal):
    """A thread that is older than the run, or outlives it, waits on in real time."""


class OutboundBlocked(Signal):
    """Something tried to leave the world; refused, and recorded."""


class _BreakingOut(WorldEnded):
    """Raised in a thread that has swallowed the signal before: where it is made, the trace function is set."""

    def __init__(self) -> None:
        super().__init__()
        break_out(sys._getframe(1))


def interrupt(ident: int, *, again: bool = False) -> None:
    """Raise WorldEnded in another thread, at its next bytecode."""
    signal = _BreakingOut if again else WorldEnded
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(signal))


def break_out(frame: FrameType | None) -> None:
    """Make the next line of the user's code on this stack raise WorldEnded.

    A trace function that raises is taken out by the interpreter; what was traced before is put back when the run is over.
    """
    sys.settrace(_raise_at_lines)
    while frame is not None:
        frame.f_trace = _raise_at_lines
        frame.f_trace_lines = True
        frame = frame.f_back


def calm_down() -> None:
    """The user's code is left: what follows on this thread is ours, and is not to be broken out of."""
    if sys.gettrace() is _raise_at_lines:
        sys.settrace(None)


def _raise_at_lines(frame: FrameType, event: str, _argument: Any) -> Any:
    from pytest_agentready.world import active, stack

    if get_ident() not in active.leftovers and (active.world is None or not active.world.time.over):
        return None
    if event == "line" and not stack.is_librarys(frame.f_code):  # a library's line lies within the user's `try`
        raise WorldEnded
    return _raise_at_lines
