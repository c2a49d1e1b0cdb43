"""What a run may do to this machine: the programs that it may start, the folder that is its own, and the project that is not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Grant:
    """As the configuration and pytest have it."""

    programs: tuple[str, ...] = ()  # which may be started for real, by their names or paths
    project: str = ""  # the root of the user's project
    own: tuple[str, ...] = ()  # folders in which files are written for real: that of pytest's `tmp_path`
    watched: tuple[str, ...] = ()  # folders in which they are not, and count

    def of_an_examination(self) -> Grant:
        """Its runs begin each with the same files: what one writes in `tmp_path`, no other finds there."""
        return replace(self, own=(), watched=(*self.watched, *self.own))

    def without_programs(self) -> Grant:
        """No program is started: what is handed to it would be real."""
        return replace(self, programs=())


NOTHING = Grant()
_in_force = NOTHING


@contextlib.contextmanager
def granted(grant: Grant) -> Iterator[None]:
    """It holds for the worlds that are made meanwhile."""
    global _in_force
    before, _in_force = _in_force, grant
    try:
        yield
    finally:
        _in_force = before


def in_force() -> Grant:
    return _in_force
