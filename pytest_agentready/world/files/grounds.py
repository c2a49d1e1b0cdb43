"""Whose folder a path lies in: that decides whether a change happens for real, and whether it is an effect."""

from __future__ import annotations

import functools
import os
from typing import NamedTuple

from pytest_agentready.world.granted import Grant


class Ground(NamedTuple):
    """How a run may write there."""

    real: bool  # the change happens; else only the run sees it
    counts: bool  # it is an effect


OUTSIDE = Ground(real=False, counts=True)
OWN = Ground(real=True, counts=True)  # the folder of pytest's `tmp_path`
TEMPORARY = Ground(real=True, counts=False)  # the system's, for what nobody keeps
CACHE = Ground(real=False, counts=False)  # of libraries, in the user's home
HARNESS = Ground(real=True, counts=False)  # what the interpreter, pytest and its plugins write for themselves; devices

DEVICES = ("/dev", "/proc", "/sys")
KEPT_BY_TOOLS = frozenset({"__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"})
COVERAGE = (".coverage", "coverage.xml")


class Grounds:
    """Of one run, which begins in the directory `here`."""

    def __init__(self, grant: Grant, here: str, temporary: str) -> None:
        own = [_real(folder) for folder in grant.own]
        self._roots = {
            _real(temporary): TEMPORARY,
            **dict.fromkeys(_caches(), CACHE),
            **dict.fromkeys(DEVICES, HARNESS),
            # A project may itself lie in the system's temporary folder, and a test may work in its `tmp_path`.
            **({} if any(_within(here, folder) for folder in own) or here == "/" else {here: OUTSIDE}),
            **({_real(grant.project): OUTSIDE} if grant.project else {}),
            **dict.fromkeys(own, OWN),
        }
        self._known: dict[str, Ground] = {}

    def add(self, folder: str, ground: Ground) -> None:
        self._roots[folder] = ground
        self._known.clear()

    def of(self, path: str) -> Ground:
        """By the innermost folder that is known. The path is absolute, without links."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._of(path)
        return found

    def _of(self, path: str) -> Ground:
        parts = path.split("/")
        if not KEPT_BY_TOOLS.isdisjoint(parts) or parts[-1].startswith(COVERAGE):
            return HARNESS
        for length in range(len(parts), 0, -1):
            ground = self._roots.get("/".join(parts[:length]))
            if ground is not None:
                return ground
        return OUTSIDE


@functools.lru_cache(maxsize=64)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _caches() -> list[str]:
    home = os.path.expanduser("~")
    return [_real(os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")), _real(os.path.join(home, "Library", "Caches"))]
