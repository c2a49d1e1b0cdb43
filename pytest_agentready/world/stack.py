"""Where the user's code stands: the nearest line that is neither a library's nor ours."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import sys
import sysconfig
from _thread import get_ident
from collections.abc import Iterator
from types import AsyncGeneratorType, CodeType, FrameType, TracebackType
from typing import Any

from pytest_agentready.world import runs

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_HARNESS = tuple(
    os.path.join(_OURS, room)
    for room in ("world", "telemetry", "scene", "script", "experiments", "engine.py", "fixtures.py", "plugin.py", "own_tests.py")
)
_LIBRARIES = tuple({sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")})
CYTHON = (".pyx", ".pxd", ".pxi")  # a compiled library's, named by a path of the machine that built it
_INSTALLED = re.compile(r".*(?:site|dist)-packages[/\\][^/\\]+")
_known: dict[str, bool] = {}
edges: set[CodeType] = set()  # of functions of ours in which the user's code is called
_own = ""  # the package of a subject that is itself installed


def regard(source: str) -> None:
    """A tool may be a library's own (`.../site-packages/shop/tools.py:12`): its package is then what the user wants to be told of."""
    global _own
    found = _INSTALLED.match(source.rpartition(":")[0])
    own = found.group() if found else ""
    own += os.sep if own and not own.endswith(".py") else ""
    if own != _own:
        _own = own
        _known.clear()


def is_users(code: CodeType) -> bool:
    """Did the user write this code?"""
    return is_users_file(code.co_filename)


def is_users_file(name: str) -> bool:
    """Asked for every frame of every wait, so the answer is remembered."""
    known = _known.get(name)
    if known is None:
        library = name.startswith(("<", *_LIBRARIES, *_HARNESS)) or _INSTALLED.match(name) is not None or name.endswith(CYTHON)
        known = _known[name] = not library or (_own != "" and name.startswith(_own))
    return known


def is_librarys(code: CodeType) -> bool:
    """Is it a library's or ours? What was compiled from a string is neither."""
    return not is_users(code) and not (code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen"))


def is_ours(code: CodeType) -> bool:
    """Is it a line of the world itself?"""
    return code.co_filename.startswith(_HARNESS)


def where(frame: FrameType | None) -> str:
    """The innermost user's line on this stack, as `path:line`; for a loop that waits, the line its task awaits at."""
    looped = None
    while frame is not None:
        code = frame.f_code
        if code in edges:
            frame = None  # below stands the test that has asked for the run
            break
        users = _known.get(code.co_filename)  # some twenty frames are asked at each wait, and nearly all are known
        if users or (users is None and is_users(code)):
            break
        if looped is None and code.co_name == "run_forever":
            looped = frame
        frame = frame.f_back
    if looped is not None:
        awaiting = _awaiting_line(looped)
        if awaiting:
            return awaiting
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


def here(depth: int = 1) -> str:
    """The user's line that the calling thread stands at; where it carries out a library's function for it, the one that ordered that."""
    line = where(sys._getframe(depth + 1))
    return line or ("" if runs.current is None else runs.current.ordered(get_ident()))


def of_traceback(traceback: TracebackType | None) -> str:
    """The user's line that the exception passed last."""
    line = ""
    while traceback is not None:
        if is_users(traceback.tb_frame.f_code):
            line = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line


def _awaiting_line(run_forever: FrameType) -> str:
    """A waiting loop has left the user's code: the chain of awaits of its tasks still knows the line."""
    loop = run_forever.f_locals.get("self")
    try:
        tasks = asyncio.all_tasks(loop)
    except RuntimeError:  # a task was born or died while we looked
        return ""
    lines = [line for task in tasks if (line := _innermost(task.get_coro()))]
    # The longest chain is the one that does the work; a heartbeat beside it is a task of one link.
    return max(lines)[1] if lines else ""


def line_of(coroutine: Any) -> str:
    """The user's line that a suspended coroutine waits at; "" where it waits at none."""
    found = _innermost(coroutine)
    return found[1] if found else ""


def awaiting_line(task: Any) -> str:
    """The user's line that a task waits at; "" where it waits at none."""
    found = _innermost(task.get_coro())
    return found[1] if found else ""


def places(task: Any) -> list[tuple[CodeType, int]]:
    """The user's lines that a task stands at, from the innermost on."""
    return [(frame.f_code, frame.f_lineno) for frame in frames(task.get_coro()) if is_users(frame.f_code)][::-1]


def pauses(task: Any) -> bool:
    """Does the task wait for nothing but the time to pass?"""
    return any(frame.f_code is asyncio.sleep.__code__ for frame in frames(task.get_coro()))


def _innermost(awaitable: Any) -> tuple[int, str] | None:
    depth, line = 0, ""
    for frame in frames(awaitable):
        depth += 1
        if is_users(frame.f_code):
            line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return (depth, line) if line else None


def frames(awaitable: Any) -> Iterator[FrameType]:
    """The frames of a suspended coroutine, from the outermost to the one that waits."""
    for _ in range(200):  # a chain, not a ring; the bound is for the unforeseen
        frame = getattr(awaitable, "cr_frame", None) or getattr(awaitable, "gi_frame", None) or getattr(awaitable, "ag_frame", None)
        if frame is not None:
            yield frame
        awaitable = getattr(awaitable, "cr_await", None) or getattr(awaitable, "gi_yieldfrom", None) or getattr(awaitable, "ag_await", None)
        if type(awaitable).__name__ == "async_generator_asend":  # which does not tell whose next part it is
            awaitable = next((one for one in gc.get_referents(awaitable) if isinstance(one, AsyncGeneratorType)), None)
        if awaitable is None:
            return
