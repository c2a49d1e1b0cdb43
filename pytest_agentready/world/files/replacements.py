"""The functions of `os`, `io` and `builtins` that look at files or change them, for members of the running world.

Where a run has changed nothing yet, what only looks is the system's own function. Who has replaced one himself, as pyfakefs or
a monkeypatch does, keeps what he has put there. (A long page, for it has a function for each of the system's.)
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.world import active
from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.entries import Entry, Listing
from pytest_agentready.world.files.files import Files, named
from pytest_agentready.world.patching import Patch

POSIX = os.name == "posix"


def _stirred() -> Files | None:
    """The files of the calling thread's run, once it has changed some."""
    world = active.world
    if world is None or not world.files.stirred or active.mine() is None:
        return None
    return world.files


def _mine() -> Files | None:
    world = active.mine()
    return None if world is None else world.files


# -- what looks


def _looking(name: str) -> Callable[..., Any]:
    """One that takes a path, and perhaps `dir_fd` and `follow_symlinks`."""
    original = getattr(real, name)
    follows = name not in ("lstat", "readlink")

    def look(path: Any, *args: Any, **kwargs: Any) -> Any:
        files = _stirred()
        if files is None:
            return original(path, *args, **kwargs)
        with named(path):
            way = files.way(path, kwargs.get("dir_fd"), follow=follows and bool(kwargs.get("follow_symlinks", True)))
            return original(way, *args, **kwargs)

    look.__name__ = look.__qualname__ = name
    return look


def listdir(path: Any = None) -> list[Any]:
    files = _stirred()
    place = None if files is None else _listed(files, path)
    if files is None or place is None:
        return real.listdir(path)
    with named(path):
        names = files.overlay.names(place)
    return [os.fsencode(name) for name in names] if isinstance(path, bytes) else names


def scandir(path: Any = None) -> Any:
    files = _stirred()
    place = None if files is None else _listed(files, path)
    if files is None or place is None:
        return real.scandir(path)
    with named(path):
        names = files.overlay.names(place)
    return Listing([_entry(files, place, name, path) for name in names])


def _listed(files: Files, path: Any) -> str | None:
    """The folder, where it is not as the system lists it."""
    place = files.folder(path) if isinstance(path, int) else files.place("." if path is None else path)
    return place if place is not None and (files.overlay.differs_in(place) or files.overlay.has_ways_of_its_own) else None


def _entry(files: Files, folder: str, name: str, path: Any) -> Entry:
    place = f"{folder.rstrip('/')}/{name}"
    shown: Any = name if isinstance(path, int) else os.path.join("." if path is None else os.fspath(path), _like(name, path))
    return Entry(_like(name, path), shown, files.overlay.at(place), lambda: files.overlay.at(files.overlay.canonical(place)))


def _like(name: str, path: Any) -> Any:
    return os.fsencode(name) if isinstance(path, bytes) else name


def getcwd() -> str:
    files = _stirred()
    return real.getcwd() if files is None or not files.overlay.cwd else files.overlay.cwd


def getcwdb() -> bytes:
    files = _stirred()
    return real.getcwdb() if files is None or not files.overlay.cwd else os.fsencode(files.overlay.cwd)


def chdir(path: Any) -> None:
    files = _stirred()
    place = None if files is None else files.folder(path) if isinstance(path, int) else files.place(path)
    if files is None or place is None:
        return real.chdir(path)
    with named(path):
        real.chdir(files.overlay.at(place))
    files.overlay.cwd = place if files.overlay.changes(place) else ""
    return None


# -- what opens


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
    files = None if isinstance(file, int) else _mine()
    if files is None or not isinstance(mode, str) or not (files.stirred or "+" in mode or not {"w", "a", "x"}.isdisjoint(mode)):
        return real.open_file(file, mode, buffering, encoding, errors, newline, closefd, opener)

    def lead(path: Any, flags: int) -> int:
        return files.open(path, flags, 0o666)

    # The audit event of this call tells of a path that is led elsewhere.
    with files.changing(given=(file,)):
        return real.open_file(file, mode, buffering, encoding, errors, newline, closefd, opener or lead)


open_.__name__ = open_.__qualname__ = "open"


def os_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    files = _mine()
    if files is None or isinstance(path, int):
        return real.open(path, flags, mode, dir_fd=dir_fd)
    return files.open(path, flags, mode, dir_fd)


os_open.__name__ = os_open.__qualname__ = "open"


# -- what changes


def _changing(name: str, change: Callable[..., Any], *, follow: bool = True) -> Callable[..., Any]:
    """One that changes a path: `change(files, place, *args)` does so where it is not to happen for real."""
    original = getattr(real, name)

    def do(path: Any, *args: Any, dir_fd: int | None = None, **kwargs: Any) -> Any:
        if dir_fd is not None:
            kwargs["dir_fd"] = dir_fd
        files = _mine()
        follows = follow and bool(kwargs.get("follow_symlinks", True))
        if files is not None and isinstance(path, int):
            return _by_descriptor(files, original, path, *args, **kwargs)
        place = None if files is None else files.place(path, dir_fd, follow=follows)
        if files is None or place is None:
            return original(path, *args, **kwargs)
        with files.changing(place, given=(path,)):
            if files.ground(place).real:
                return original(files.way(path, dir_fd, follow=follows), *args, **kwargs)
            kwargs.pop("dir_fd", None)
            return change(files, place, *args, **kwargs)

    do.__name__ = do.__qualname__ = name
    return do


def _by_descriptor(files: Files, original: Callable[..., Any], fd: int, *args: Any, **kwargs: Any) -> Any:
    """Of a file that was opened to be read, a copy is changed, which whoever opens it from here on finds."""
    place = files.opened(fd)
    if place is None:
        return original(fd, *args, **kwargs)
    with files.changing(place):
        if original is real.truncate:  # it is open to be written to, and so older than the run, or the system refuses it
            return original(fd, *args, **kwargs)
        files.overlay.bring_up(place)
        return original(files.overlay.at(place), *args, **kwargs)


def _of_descriptors(name: str, by_path: str) -> Callable[..., Any]:
    """fchmod, fchown and ftruncate, which take nothing but descriptors."""
    original, other = getattr(real, name), getattr(real, by_path)

    def change(fd: Any, *args: Any, **kwargs: Any) -> Any:
        files = _mine()
        number = fd if isinstance(fd, int) or not hasattr(fd, "fileno") else fd.fileno()
        return original(fd, *args, **kwargs) if files is None else _by_descriptor(files, other, number, *args, **kwargs)

    change.__name__ = change.__qualname__ = name
    return change


def _remove(files: Files, place: str) -> None:
    files.overlay.remove(place)


def _mkdir(files: Files, place: str, mode: int = 0o777) -> None:
    files.mkdir(place, mode)


def _rmdir(files: Files, place: str) -> None:
    files.overlay.rmdir(place)


def _above(name: str) -> Callable[..., Any]:
    """The system's own function, on a copy."""
    original = getattr(real, name)

    def change(files: Files, place: str, *args: Any, **kwargs: Any) -> Any:
        files.overlay.bring_up(place)
        return original(files.overlay.at(place), *args, **kwargs)

    return change


def _made(name: str) -> Callable[..., Any]:
    def change(files: Files, place: str, *args: Any) -> None:
        files.overlay.make(place, getattr(real, name), *args)

    return change


def _renaming(name: str) -> Callable[..., None]:
    original = getattr(real, name)

    def rename(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        files = _mine()
        source = None if files is None else files.place(src, src_dir_fd, follow=False)
        target = None if files is None else files.place(dst, dst_dir_fd, follow=False)
        if files is None or source is None or target is None:
            original(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        else:
            files.rename(source, target, (src, dst))

    rename.__name__ = rename.__qualname__ = name
    return rename


def symlink(src: Any, dst: Any, target_is_directory: bool = False, *, dir_fd: int | None = None) -> None:
    files = _mine()
    place = None if files is None else files.place(dst, dir_fd, follow=False)
    if files is None or place is None:
        real.symlink(src, dst, target_is_directory, dir_fd=dir_fd)
        return
    with files.changing(place, given=(src, dst)):
        if files.ground(place).real:
            real.symlink(src, dst, target_is_directory, dir_fd=dir_fd)
        else:
            files.overlay.symlink(os.fsdecode(src), place)


def link(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
    files = _mine()
    source = None if files is None else files.place(src, src_dir_fd, follow=follow_symlinks)
    target = None if files is None else files.place(dst, dst_dir_fd, follow=False)
    if files is None or source is None or target is None:
        real.link(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=follow_symlinks)
        return
    with files.changing(target, given=(src, dst)):
        try:
            files.link(source, target)
        except OSError as failure:
            if failure.errno == errno.EEXIST:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(src), None, os.fspath(dst)) from None
            raise


def _replacements() -> Iterator[tuple[str, Callable[..., Any]]]:
    """By their names in `os`."""
    for name in ("stat", "lstat", "access", "readlink", "listxattr", "getxattr", "statvfs"):
        if getattr(real, name) is not None:
            yield name, _looking(name)
    others: dict[str, Callable[..., Any]] = {
        "listdir": listdir, "scandir": scandir, "getcwd": getcwd, "getcwdb": getcwdb, "chdir": chdir, "open": os_open,
        "remove": _changing("remove", _remove, follow=False), "unlink": _changing("unlink", _remove, follow=False),
        "mkdir": _changing("mkdir", _mkdir, follow=False), "rmdir": _changing("rmdir", _rmdir, follow=False),
        "rename": _renaming("rename"), "replace": _renaming("replace"), "symlink": symlink, "link": link,
    }  # fmt: skip
    yield from others.items()
    for name in ("truncate", "chmod", "chown", "utime", "setxattr", "removexattr"):
        if getattr(real, name) is not None:
            yield name, _changing(name, _above(name))
    for name in ("lchmod", "lchown"):
        if getattr(real, name) is not None:
            yield name, _changing(name, _above(name), follow=False)
    for name, by_path in (("fchmod", "chmod"), ("fchown", "chown"), ("ftruncate", "truncate")):
        if getattr(real, name) is not None:
            yield name, _of_descriptors(name, by_path)
    for name in ("mkfifo", "mknod"):
        if getattr(real, name) is not None:
            yield name, _changing(name, _made(name), follow=False)


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
