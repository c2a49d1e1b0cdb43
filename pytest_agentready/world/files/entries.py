"""What `os.scandir` gives of a folder in which the run has changed something."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

from pytest_agentready.world.files import originals as real


class Entry:
    """One that the run has made or changed; the others are the system's own."""

    __slots__ = ("_at", "_resolve", "name", "path")

    def __init__(self, name: Any, path: Any, at: str, resolve: Any) -> None:
        self.name = name
        self.path = path
        self._at = at  # where it really lies
        self._resolve = resolve  # where what a link points to lies

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def inode(self) -> int:
        return int(real.lstat(self._at).st_ino)

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISDIR(self._mode(follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return stat.S_ISREG(self._mode(follow_symlinks))

    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self._mode(follow=False))

    def is_junction(self) -> bool:
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        found: os.stat_result = real.stat(self._resolve()) if follow_symlinks else real.lstat(self._at)
        return found

    def _mode(self, follow: bool) -> int:
        try:
            return self.stat(follow_symlinks=follow).st_mode
        except FileNotFoundError:  # a link into nowhere, or gone by now
            return 0


class Listing:
    """The iterator, which is also a context."""

    def __init__(self, entries: Iterable[Any]) -> None:
        self._entries: Iterator[Any] = iter(entries)

    def __iter__(self) -> Listing:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())
