"""The run that is under way, as far as the ground has to know of it, and the threads that stand beside it.

Whoever stands above the world asks `active` for it. What the world itself is made of asks here.
"""

from __future__ import annotations

import contextlib
from _thread import get_ident
from collections.abc import Iterator
from typing import Protocol


class Run(Protocol):
    """One run."""

    @property
    def over(self) -> bool:
        """Has it been ended? What it has set to work has to unwind."""

    @property
    def concerned(self) -> bool:
        """Is what the calling thread does the tool's doing?"""

    def ordered(self, ident: int) -> str:
        """The user's line that ordered what a thread of the run does; "" for one that nobody has hired."""


current: Run | None = None  # set by `active`
leftovers: set[int] = set()  # threads of runs that are over, which have not ended yet: they belong nowhere
bypassing: set[int] = set()  # threads that work in real time for a moment


def is_bypassed(ident: int) -> bool:
    """Does this thread work in real time for a moment?"""
    return ident in bypassing


@contextlib.contextmanager
def bypassed() -> Iterator[None]:
    """The calling thread works in real time for a moment, and still counts as a running member."""
    ident = get_ident()
    outermost = ident not in bypassing
    bypassing.add(ident)
    try:
        yield
    finally:
        if outermost:
            bypassing.discard(ident)
