"""Whose folder a path lies in: that decides whether a change happens for real, and whether it is an effect."""

from __future__ import annotations

import functools
import os
from typing import NamedTuple

from pytest_agentready.world.files.system import is_there
from pytest_agentready.world.files.temporary import Temporary
from pytest_agentready.world.granted import Grant


class Ground(NamedTuple):
    """How a run may write there."""

    real: bool  # the change happens; else only the run sees it
    counts: bool  # it is an effect


OUTSIDE = Ground(real=False, counts=True)
OWN = Ground(real=True, counts=True)  # the folder of pytest's `tmp_path`, in a hand-written test
TEMPORARY = Ground(real=True, counts=False)  # what this run has made for itself in the system's temporary folder
CACHE = Ground(real=False, counts=False)  # of libraries, in the user's home
HARNESS = Ground(real=True, counts=False)  # what the interpreter, pytest and its plugins write for themselves; devices

DEVICES = ("/dev", "/proc", "/sys")
KEPT_BY_TOOLS = frozenset({"__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"})
COVERAGE = (".coverage", "coverage.xml")


class Grounds:
    """Of one run, which begins in the directory `here`."""

    def __init__(self, grant: Grant, here: str, temporary: str) -> None:
        own = [_real(folder) for folder in grant.own]
        shared = _real(temporary)
        self.temporary = Temporary(shared)
        self._roots: dict[str, Ground | None] = {
            shared: None,  # it depends
            **dict.fromkeys(_caches(), CACHE),
            **dict.fromkeys(DEVICES, HARNESS),
            # A project may itself lie in the system's temporary folder, and a test may work in its `tmp_path`.
            **({} if any(_within(here, folder) for folder in own) or here == "/" else {here: OUTSIDE}),
            **({_real(grant.project): OUTSIDE} if grant.project else {}),
            **{_real(folder): OUTSIDE for folder in grant.watched},
            **dict.fromkeys(own, OWN),
        }
        self._known: dict[str, Ground | None] = {}

    def of(self, path: str) -> Ground:
        """By the innermost folder that is known. The path is absolute, without links."""
        if path not in self._known:
            self._known[path] = self._of(path)
        found = self._known[path]
        if found is not None:
            return found
        if self.temporary.is_own(path):
            return TEMPORARY
        return OUTSIDE if is_there(path) else CACHE  # somebody had left it there, or the run has chosen the name

    def may_make(self, path: str) -> bool:
        """Is it in the system's temporary folder, where nothing is yet?"""
        return self.of(path) is CACHE and self._known[path] is None

    def _of(self, path: str) -> Ground | None:
        parts = path.split("/")
        if not KEPT_BY_TOOLS.isdisjoint(parts) or parts[-1].startswith(COVERAGE):
            return HARNESS
        for length in range(len(parts), 0, -1):
            folder = "/".join(parts[:length])
            if folder in self._roots:
                return self._roots[folder]
        return OUTSIDE


@functools.lru_cache(maxsize=64)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _caches() -> list[str]:
    home = os.path.expanduser("~")
    return [_real(os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")), _real(os.path.join(home, "Library", "Caches"))]
