"""Files that were open for writing before the run: what is written to them is real, and is seen by what they have become.

Nothing in Python passes when such a file is written to; its size and the time of its last change tell. A logger's file counts for nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pytest_agentready import startup
from pytest_agentready.domain import Effect
from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.journal import SHOWN

DESCRIPTORS = "/dev/fd"


class _Found(NamedTuple):
    fd: int
    inode: int
    size: int
    changed: int


class OlderFiles:
    """Of one run, as they were when it began, or when they were looked at last."""

    def __init__(self, counts: Callable[[str], bool]) -> None:
        """`counts`: is a change of this path an effect?"""
        self._counts = counts
        self._files = list(_writable())

    def settled(self, now: float) -> Iterator[Effect]:
        for place, before in enumerate(self._files):
            try:
                after = os.fstat(before.fd)
                if after.st_ino != before.inode or (after.st_size, after.st_mtime_ns) == (before.size, before.changed):
                    continue
                path = str(real.readlink(f"{DESCRIPTORS}/{before.fd}"))
            except OSError:  # it was closed
                continue
            self._files[place] = before._replace(size=after.st_size, changed=after.st_mtime_ns)
            if not self._counts(path) or before.fd in _of_loggers() or _is_of_sqlite(path):
                continue
            verb = "append" if after.st_size > before.size else "change"
            yield Effect("file", verb, path, _content(path, before.size if verb == "append" else 0), now, real=True)


def _writable() -> Iterator[_Found]:
    for name in real.listdir(DESCRIPTORS) if os.path.isdir(DESCRIPTORS) else ():
        fd = int(name)
        try:
            found = os.fstat(fd)
            if (found.st_dev, found.st_ino) in startup.GIVEN:
                continue
            if fd > 2 and stat.S_ISREG(found.st_mode) and found.st_nlink and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE:
                yield _Found(fd, found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:  # that of the listing itself
            continue


def _of_loggers() -> set[int]:
    found = set()
    for reference in tuple(logging._handlerList):  # type: ignore[attr-defined]
        stream = getattr(reference(), "stream", None)
        try:
            found.add(stream.fileno())  # type: ignore[union-attr]
        except (AttributeError, OSError, ValueError):  # none of a file
            continue
    return found


def _is_of_sqlite(path: str) -> bool:
    """Its statements have told already."""
    return path.endswith(("-wal", "-shm", "-journal")) or _content(path, 0).startswith(b"SQLite format 3\0")


def _content(path: str, start: int) -> bytes:
    try:
        with real.open_file(path, "rb") as file:
            file.seek(start)
            return bytes(file.read(SHOWN))
    except OSError:
        return b""
