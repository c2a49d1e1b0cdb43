"""The functions of `os` that look at files, for members of the running world.

Where a run has changed nothing yet, they are the system's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pytest_agentready.world.files import originals as real
from pytest_agentready.world.files.entries import Entry, Listing
from pytest_agentready.world.files.files import Files, named
from pytest_agentready.world.files.running import stirred


def by_path(name: str) -> Callable[..., Any]:
    """One that takes a path, and perhaps `dir_fd` and `follow_symlinks`."""
    original = getattr(real, name)
    follows = name not in ("lstat", "readlink")

    def look(path: Any, *args: Any, **kwargs: Any) -> Any:
        files = stirred()
        if files is None:
            return original(path, *args, **kwargs)
        with named(path):
            way = files.way(path, kwargs.get("dir_fd"), follow=follows and bool(kwargs.get("follow_symlinks", True)))
            return original(way, *args, **kwargs)

    look.__name__ = look.__qualname__ = name
    return look


def listdir(path: Any = None) -> list[Any]:
    files = stirred()
    place = None if files is None else _listed(files, path)
    if files is None or place is None:
        return real.listdir(path)
    with named(path):
        names = files.overlay.names(place)
    return [os.fsencode(name) for name in names] if isinstance(path, bytes) else names


def scandir(path: Any = None) -> Any:
    files = stirred()
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
    files = stirred()
    return real.getcwd() if files is None or not files.overlay.cwd else files.overlay.cwd


def getcwdb() -> bytes:
    files = stirred()
    return real.getcwdb() if files is None or not files.overlay.cwd else os.fsencode(files.overlay.cwd)


def chdir(path: Any) -> None:
    files = stirred()
    place = None if files is None else files.folder(path) if isinstance(path, int) else files.place(path)
    if files is None or place is None:
        return real.chdir(path)
    with named(path):
        real.chdir(files.overlay.at(place))
    files.overlay.cwd = place if files.overlay.changes(place) else ""
    return None
