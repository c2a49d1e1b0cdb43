"""Calls of connections whose class is sqlite3's own: of one that is older than the run, say, or whose cursors a factory makes.

No method of ours hears of them before they begin, and where SQLite tells of a statement it holds the connection already, so that nobody
else would come in between. The interpreter tells of each call of a function in C, in each thread that works for the run.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from pytest_agentready.world import stack
from pytest_agentready.world.sqlite.cursors import Stepping
from pytest_agentready.world.sqlite.watched import Watched

BEGINNING = frozenset({"execute", "executemany", "executescript", "commit"})
Hook = Callable[[FrameType, str, Any], None]


def hook(step: Callable[[Any, bool], object]) -> Hook:
    """For `sys.setprofile`: `step(connection, is_commit)` is called before a statement of theirs begins."""

    def heard(frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call" or function.__name__ not in BEGINNING or stack.is_ours(frame.f_code):
            return
        owner = getattr(function, "__self__", None)
        if isinstance(owner, sqlite3.Cursor) and not isinstance(owner, Stepping):
            step(owner.connection, False)
        elif isinstance(owner, sqlite3.Connection) and (not isinstance(owner, Watched) or owner.has_ways_of_its_own):
            is_commit = function.__name__ == "commit"
            if not is_commit or owner.in_transaction:
                step(owner, is_commit)

    return heard


def listen(heard: Hook | None) -> Any:
    """In the calling thread, from here on; what listened there before."""
    before = sys.getprofile()
    if heard is not None or before is not None:
        sys.setprofile(heard)
    return before
