"""The functions of `os` that change files, for members of the running world: what they are given is changed in a copy.

Each of the system's has one of its own, or is made by what it has in common with others: `by_path`, `renaming`, `of_descriptors`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.files import Files
from pytest_agentready.world.files.running import mine


def by_path(name: str, change: Callable[..., Any], *, follow: bool = True) -> Callable[..., Any]:
    """One that changes a path: `change(files, place, *args)` does so where it is not to happen for real."""
    original = getattr(real, name)

    def do(path: Any, *args: Any, dir_fd: int | None = None, **kwargs: Any) -> Any:
        if dir_fd is not None:
            kwargs["dir_fd"] = dir_fd
        files = mine()
        follows = follow and bool(kwargs.get("follow_symlinks", True))
        if files is not None and isinstance(path, int):
            return _on_descriptor(files, original, path, *args, **kwargs)
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


def _on_descriptor(files: Files, original: Callable[..., Any], fd: int, *args: Any, **kwargs: Any) -> Any:
    """Of a file that was opened to be read, a copy is changed, which whoever opens it from here on finds."""
    place = files.opened(fd)
    if place is None:
        return original(fd, *args, **kwargs)
    with files.changing(place):
        if original is real.truncate:  # it is open to be written to, and so older than the run, or the system refuses it
            return original(fd, *args, **kwargs)
        files.overlay.bring_up(place)
        return original(files.overlay.at(place), *args, **kwargs)


def of_descriptors(name: str, counterpart: str) -> Callable[..., Any]:
    """fchmod, fchown and ftruncate, which take nothing but descriptors; `counterpart` takes a path."""
    original, other = getattr(real, name), getattr(real, counterpart)

    def change(fd: Any, *args: Any, **kwargs: Any) -> Any:
        files = mine()
        number = fd if isinstance(fd, int) or not hasattr(fd, "fileno") else fd.fileno()
        return original(fd, *args, **kwargs) if files is None else _on_descriptor(files, other, number, *args, **kwargs)

    change.__name__ = change.__qualname__ = name
    return change


def remove(files: Files, place: str) -> None:
    files.overlay.remove(place)


def mkdir(files: Files, place: str, mode: int = 0o777) -> None:
    files.mkdir(place, mode)


def rmdir(files: Files, place: str) -> None:
    files.overlay.rmdir(place)


def above(name: str) -> Callable[..., Any]:
    """The system's own function, on a copy."""
    original = getattr(real, name)

    def change(files: Files, place: str, *args: Any, **kwargs: Any) -> Any:
        files.overlay.bring_up(place)
        return original(files.overlay.at(place), *args, **kwargs)

    return change


def made(name: str) -> Callable[..., Any]:
    def change(files: Files, place: str, *args: Any) -> None:
        files.overlay.make(place, getattr(real, name), *args)

    return change


def renaming(name: str) -> Callable[..., None]:
    original = getattr(real, name)

    def rename(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        files = mine()
        source = None if files is None else files.place(src, src_dir_fd, follow=False)
        target = None if files is None else files.place(dst, dst_dir_fd, follow=False)
        if files is None or source is None or target is None:
            original(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        else:
            files.rename(source, target, (src, dst))

    rename.__name__ = rename.__qualname__ = name
    return rename


def symlink(src: Any, dst: Any, target_is_directory: bool = False, *, dir_fd: int | None = None) -> None:
    files = mine()
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
    files = mine()
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
