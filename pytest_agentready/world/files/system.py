"""What the overlay asks of the system itself, past all replacements."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator

from pytest_agentready.world.files import originals as real

MOST = 256 << 20  # bytes of a file, or of a folder, that are copied in order to be changed
LEAST = 4 << 10  # that each entry of a folder counts for


class TooLarge(Exception):
    """A file is not copied for the sake of a change."""


def copy(source: str, target: str, *, content: bool = True) -> None:
    """Raises TooLarge."""
    if content and real.stat(source).st_size > MOST:
        raise TooLarge(source)
    with real.open_file(target, "wb") as new:
        if content:
            with real.open_file(source, "rb") as old:
                shutil.copyfileobj(old, new)


def copy_one(source: str, target: str) -> None:
    """A file or a link, or a folder without what is in it. Raises TooLarge."""
    found = real.lstat(source)
    if stat.S_ISLNK(found.st_mode):
        real.symlink(real.readlink(source), target)
        return
    if stat.S_ISDIR(found.st_mode):
        with contextlib.suppress(FileExistsError):  # made for the sake of something in it
            real.mkdir(target)
    else:
        copy(source, target)
    real.chmod(target, stat.S_IMODE(found.st_mode) | (0o700 if stat.S_ISDIR(found.st_mode) else 0))
    real.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def weight(at: str) -> int:
    """In bytes, of one entry."""
    return max(int(real.lstat(at).st_size), LEAST)


def files_below(at: str) -> list[str]:
    """All that is in a folder but folders; nothing of what is none."""
    if not stat.S_ISDIR(real.lstat(at).st_mode):
        return []
    found = []
    with real.scandir(at) as entries:
        for entry in entries:
            found += files_below(entry.path) if entry.is_dir(follow_symlinks=False) else [entry.path]
    return found


def remove_any(at: str) -> None:
    if stat.S_ISDIR(real.lstat(at).st_mode):
        remove_all(at)
    else:
        real.unlink(at)


def is_there(at: str) -> bool:
    try:
        real.lstat(at)
    except (OSError, ValueError):
        return False
    return True


def is_folder(at: str) -> bool:
    try:
        return stat.S_ISDIR(real.stat(at).st_mode)
    except (OSError, ValueError):
        return False


def may(at: str, how: int) -> None:
    if not real.access(at, how):
        raise error(errno.EACCES, at)


def error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def remove_all(at: str, *, itself: bool = True) -> None:
    """A folder, or what is in it."""
    for folder, folders, names in _walk(at):
        for name in names:
            real.unlink(f"{folder}/{name}")
        for name in folders:
            real.rmdir(f"{folder}/{name}")
    if itself:
        real.rmdir(at)


def _walk(at: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """From the innermost folder on."""
    real.chmod(at, 0o700)  # whatever the run has made of it
    folders: list[str] = []
    names: list[str] = []
    with real.scandir(at) as found:
        for entry in found:
            (folders if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
    for name in folders:
        yield from _walk(f"{at}/{name}")
    yield at, folders, names
