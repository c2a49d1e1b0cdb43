"""What takes the place of the functions of `os`, `io` and `builtins` that open files, look at them or change them.

Who has replaced one himself, as pyfakefs or a monkeypatch does, keeps what he has put there.
"""

from __future__ import annotations

import _io
import builtins
import errno
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.util import source_from_cache
from typing import Any

from pytest_agentready.world.files import changing, looking
from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.running import mine, stirred
from pytest_agentready.world.patching import Patch

POSIX = os.name == "posix"


def open_(  # noqa: PLR0913, PLR0917  (as the real one)
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    files = None if isinstance(file, int) else mine()
    if files is None or not isinstance(mode, str) or not (files.stirred or "+" in mode or not {"w", "a", "x"}.isdisjoint(mode)):
        return real.open_file(file, mode, buffering, encoding, errors, newline, closefd, opener)

    def lead(path: Any, flags: int) -> int:
        return files.open(path, flags, 0o666)

    # The audit event of this call tells of a path that is led elsewhere.
    with files.changing(given=(file,)):
        return real.open_file(file, mode, buffering, encoding, errors, newline, closefd, opener or lead)


open_.__name__ = open_.__qualname__ = "open"


def open_code(path: str) -> Any:
    """How runpy and importlib read a module: its source, which the run may have written itself, or what was compiled from it."""
    files = stirred()
    source = path if files is None else _source_of(path)
    if files is None or files.way(source) == source:
        return real.open_code(path)
    if source != path:  # compiled from what was there before
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    # importlib asks the system itself for the date of the source: it would keep the run's code as that of the user's file.
    sys.dont_write_bytecode = True
    return open_(path, "rb")


def _source_of(path: str) -> str:
    try:
        return source_from_cache(path)
    except ValueError:  # it is the source, or of no module
        return path


def os_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    files = mine()
    if files is None or isinstance(path, int):
        return real.open(path, flags, mode, dir_fd=dir_fd)
    return files.open(path, flags, mode, dir_fd)


os_open.__name__ = os_open.__qualname__ = "open"


def _replacements() -> Iterator[tuple[str, Callable[..., Any]]]:
    """By their names in `os`."""
    for name in ("stat", "lstat", "access", "readlink", "listxattr", "getxattr", "statvfs"):
        if getattr(real, name) is not None:
            yield name, looking.by_path(name)
    others: dict[str, Callable[..., Any]] = {
        "listdir": looking.listdir,
        "scandir": looking.scandir,
        "getcwd": looking.getcwd,
        "getcwdb": looking.getcwdb,
        "chdir": looking.chdir,
        "open": os_open,
        "remove": changing.by_path("remove", changing.remove, follow=False),
        "unlink": changing.by_path("unlink", changing.remove, follow=False),
        "mkdir": changing.by_path("mkdir", changing.mkdir, follow=False),
        "rmdir": changing.by_path("rmdir", changing.rmdir, follow=False),
        "rename": changing.renaming("rename"),
        "replace": changing.renaming("replace"),
        "symlink": changing.symlink,
        "link": changing.link,
    }
    yield from others.items()
    for name in ("truncate", "chmod", "chown", "utime", "setxattr", "removexattr"):
        if getattr(real, name) is not None:
            yield name, changing.by_path(name, changing.above(name))
    for name in ("lchmod", "lchown"):
        if getattr(real, name) is not None:
            yield name, changing.by_path(name, changing.above(name), follow=False)
    for name, by_path in (("fchmod", "chmod"), ("fchown", "chown"), ("ftruncate", "truncate")):
        if getattr(real, name) is not None:
            yield name, changing.of_descriptors(name, by_path)
    for name in ("mkfifo", "mknod"):
        if getattr(real, name) is not None:
            yield name, changing.by_path(name, changing.made(name), follow=False)


REPLACEMENTS: dict[str, Callable[..., Any]] = dict(_replacements()) if POSIX else {}
# The real function's id, that function and what takes its place: for the names that were bound early.
PAIRS: dict[int, tuple[Any, Any]] = {id(getattr(real, name)): (getattr(real, name), new) for name, new in REPLACEMENTS.items()}
if POSIX:
    PAIRS[id(real.open_file)] = (real.open_file, open_)


def patches() -> Iterator[Patch]:
    if not POSIX:
        return
    for owner in (builtins, io):
        yield Patch(owner, "open", open_, real.open_file)
    for owner in (io, _io):  # importlib knows the inner one alone
        yield Patch(owner, "open_code", open_code, real.open_code)
    for name, replacement in REPLACEMENTS.items():
        yield Patch(os, name, replacement, getattr(real, name))
    yield Patch(shutil, "_use_fd_functions", False, True)  # by paths rather than descriptors
    yield from _of_classes()


def _of_classes() -> Iterator[Patch]:
    """Classes of the standard library that have bound some of them: pathlib's accessor in Python 3.10, glob's from 3.13 on."""
    for module, name in (("pathlib", "_NormalAccessor"), ("glob", "_Globber"), ("glob", "_StringGlobber")):
        cls = getattr(sys.modules.get(module), name, None)
        for attribute, value in tuple(vars(cls).items()) if cls is not None else ():
            function = getattr(value, "__func__", value)
            if id(function) in PAIRS:
                yield Patch(cls, attribute, staticmethod(PAIRS[id(function)][1]), value)
