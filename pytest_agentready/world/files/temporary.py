"""What a run makes in the system's temporary folder that is its own: nobody else can have known of it, so it may be really there.

It is gone with the run: what a backend has answered there must not be found by the next one, or by the user's own processes. A name
that `tempfile` has chosen may be kept in a module's memory; such a folder stays until the session ends, empty as it was made.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import stat

from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.system import remove_all

_kept: set[str] = set()  # folders and open files of runs that are over
_owner = os.getpid()


class Temporary:
    """Of one run."""

    def __init__(self, folder: str) -> None:
        """`folder` is the system's, without links."""
        self._folder = folder
        self._made: dict[str, bool] = {}  # and whether tempfile has chosen the name

    def is_own(self, path: str) -> bool:
        """Has a run made it, or a folder around it?"""
        if not self._made and not _kept:
            return False
        while len(path) > len(self._folder):
            if path in self._made or path in _kept:
                return True
            path = os.path.dirname(path)
        return False

    def add(self, path: str, *, chosen: bool) -> None:
        """It was made just now; nothing was there before."""
        self._made[path] = chosen

    def rename(self, source: str, target: str) -> None:
        """It has happened, on ground that is the run's own: in a folder that it has made, and that goes with all in it."""
        self._made.pop(source, None)

    def close(self) -> None:
        opened = _opened() if any(self._made.values()) else set()
        for path, chosen in self._made.items():
            with contextlib.suppress(OSError):  # the run itself has removed it
                is_folder = stat.S_ISDIR(real.lstat(path).st_mode)
                if chosen and (is_folder or path in opened):  # a file that is open is removed by its name when it is closed
                    _kept.add(path)
                elif is_folder:
                    remove_all(path)
                else:
                    real.unlink(path)
        self._made.clear()
        for path in _kept:
            with contextlib.suppress(OSError):
                if real.listdir(path):
                    remove_all(path, itself=False)


@atexit.register
def end() -> None:
    """Nobody needs the names any more. A fork leaves alone what is its parent's."""
    while _kept and _owner == os.getpid():
        path = _kept.pop()
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(real.lstat(path).st_mode):
                remove_all(path)
            else:
                real.unlink(path)


def _opened() -> set[str]:
    """The files that are open in this process."""
    found = set()
    with contextlib.suppress(OSError):
        for name in real.listdir("/dev/fd"):
            with contextlib.suppress(OSError):
                found.add(str(real.readlink(f"/dev/fd/{name}")))
    return found
