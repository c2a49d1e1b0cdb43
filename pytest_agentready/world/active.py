"""Which world runs, and whether the calling thread takes part in it.

One world runs in a process at a time. What it replaces is replaced for all threads, but time is virtual only for its
members: the thread that entered it, and those that it sets to work. pytest, coverage and exporters stay in real time.
"""

from __future__ import annotations

import contextlib
from _thread import get_ident
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_agentready.world.world import World

world: World | None = None
_bypassing: set[int] = set()
leftovers: set[int] = set()  # threads of runs that are over, which have not ended yet: they belong nowhere


def mine() -> World | None:
    """The world of which the calling thread is a member, if there is one."""
    if world is None:
        return None
    ident = get_ident()
    return world if ident in world.time.members and ident not in _bypassing else None


def is_bypassed(ident: int) -> bool:
    """Does this thread work in real time for a moment?"""
    return ident in _bypassing


@contextlib.contextmanager
def bypassed() -> Iterator[None]:
    """The calling thread works in real time for a moment, and still counts as a running member."""
    ident = get_ident()
    outermost = ident not in _bypassing
    _bypassing.add(ident)
    try:
        yield
    finally:
        if outermost:
            _bypassing.discard(ident)
