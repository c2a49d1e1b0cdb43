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
from typing import Any, NoReturn

from pytest_agentready.world import runs, stack

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


def block(what: str, refused: list[str] | None) -> NoReturn:
    """Let this not leave the world, and remember in `refused` that it would have; None: it is no doing of a tool.

    Raises OutboundBlocked.
    """
    if get_ident() in runs.leftovers:  # of a run that is over: it may no more reach the system than while it ran
        break_out(sys._getframe(1))
    elif refused is not None:
        refused.append(what)
    raise OutboundBlocked(f"{what} was refused: nothing leaves the virtual world")


def calm_down(handled: BaseException | None = None) -> None:
    """The user's code is left: what follows on this thread is ours, and is not to be broken out of.

    `handled` is the exception that was being handled when the user's code was entered. One that is broken out of a `with` statement
    is taken by the interpreter for one that is handled for ever, and would be the context of each that is raised from here on.
    """
    if sys.gettrace() is _raise_at_lines:
        sys.settrace(None)
    if sys.exc_info()[1] is not handled:
        _handle(handled)


def _handle(exception: BaseException | None) -> None:
    """Make this the exception that is being handled."""
    if sys.version_info >= (3, 11):
        ctypes.pythonapi.PyErr_SetHandledException(ctypes.py_object(exception))
    elif exception is None:
        ctypes.pythonapi.PyErr_SetExcInfo(None, None, None)


def _raise_at_lines(frame: FrameType, event: str, _argument: Any) -> Any:
    if get_ident() not in runs.leftovers and (runs.current is None or not runs.current.over):
        return None
    if event == "line" and not stack.is_librarys(frame.f_code):  # a library's line lies within the user's `try`
        raise WorldEnded
    return _raise_at_lines
