"""What has changed in the end: each path that is about to be changed is looked at before, and once more when the call is over.

What was made and removed again is no effect, nor is a file that was written anew with what stood in it; a file that takes another's
place (a temporary one is written, and renamed) is a change of that one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pytest_agentready.domain import Effect
from pytest_agentready.world.files import originals as real

SHOWN = 64 << 10  # bytes of a file's content that an effect carries; of longer ones it carries a digest
COMPARED = 16 << 20  # bytes of a file that are read to compare it


@dataclass(frozen=True, slots=True)
class State:
    """Of a path at one moment."""

    kind: str = ""  # "file", "folder", "link", "other"; "" for nothing
    content: bytes = b""
    mode: int = 0


@dataclass(slots=True)
class _Touch:
    before: State
    at: float
    where: str
    appends: bool = True  # it was only ever opened to append to it


class Journal:
    """The changes of the call at hand."""

    def __init__(self, at: Callable[[str], str]) -> None:
        """`at` gives where a path really lies."""
        self._at = at
        self._touched: dict[str, _Touch] = {}
        self._renamed: dict[str, str] = {}  # target -> source
        self._moves: list[tuple[str, str]] = []  # all of them, in their order
        self._came_from: dict[str, str] = {}  # what has come with a folder, and where it was

    def __bool__(self) -> bool:
        return bool(self._touched)

    def touch(self, path: str, now: float, where: str, *, appends: bool = False) -> None:
        """It is about to be changed."""
        touch = self._touched.get(path)
        if touch is None:
            touch = self._touched[path] = self._touch_that_came(path, now, where) or _Touch(state(self._at(path)), now, where)
        touch.at, touch.where = now, where
        touch.appends &= appends

    def rename(self, source: str, target: str) -> None:
        """It has happened. What was renamed twice comes from where it was first."""
        if source not in self._touched or target not in self._touched:  # one of the two does not count
            self._renamed.pop(source, None)
            return
        self._moves.append((source, target))
        for path in [path for path in self._touched if path.startswith(f"{source}/")]:
            touch = self._touched[path]
            there = target + path[len(source) :]
            self._came_from[there] = path
            self._touched.setdefault(there, _Touch(State(), touch.at, touch.where, touch.appends))
        self._renamed[target] = self._renamed.pop(source, source)

    def _touch_that_came(self, path: str, now: float, where: str) -> _Touch | None:
        """Of what has come with a folder: here there was nothing, where it comes from there was what is here still."""
        here = path
        for origin in self._origins(path):
            self._came_from[here] = origin
            is_known = origin in self._touched
            self._touched.setdefault(origin, _Touch(State(), now, where))
            here = origin
        if here == path:
            return None
        if not is_known:
            self._touched[here].before = state(self._at(path))
        return _Touch(State(), now, where)

    def _origins(self, path: str) -> Iterator[str]:
        """Where it was before each move of a folder that it is in, the last one first."""
        for source, target in reversed(self._moves):
            if path.startswith(f"{target}/"):
                path = source + path[len(target) :]
                yield path

    def settled(self) -> list[Effect]:
        """What has changed since it was asked last."""
        after = {path: state(self._at(path)) for path in self._touched}
        effects = list(self._effects(after))
        self._touched.clear()
        self._renamed.clear()
        self._moves.clear()
        self._came_from.clear()
        return sorted(effects, key=lambda effect: effect.at)

    def _effects(self, after: dict[str, State]) -> Iterator[Effect]:
        told: set[str] = set()
        for target, source in self._renamed.items():
            before, now = self._touched[source].before, after[target]
            if before.kind and not after[source].kind and (before.kind, before.content) == (now.kind, now.content):
                told |= {source, target}
                touch = self._touched[target]
                yield Effect("file", "rename", source, os.fsencode(target), touch.at, touch.where, places=(target,))
        for path, touch in self._touched.items():
            if path in told or self._is_told_by_another(path, after):
                continue
            before, now = self._before(path, told), after[path]
            if before == now:
                continue
            verb, content = _change(before, now, touch.appends)
            yield Effect("file", verb, path, content, touch.at, touch.where, idempotent=verb == "remove")

    def _before(self, path: str, told: set[str]) -> State:
        """What has come with a folder whose move is told is compared with what it was."""
        if any(path.startswith(f"{place}/") for place in told):
            while path in self._came_from:
                path = self._came_from[path]
        return self._touched[path].before

    def _is_told_by_another(self, path: str, after: dict[str, State]) -> bool:
        """A new folder by what is new in it; what was in a folder by the removal of that."""
        before, now = self._touched[path].before, after[path]
        if now.kind == "folder" and not before.kind:
            return any(other.startswith(f"{path}/") and after[other].kind for other in self._touched)
        if before.kind and not now.kind:
            folder = os.path.dirname(path)
            while folder != "/":
                if folder in self._touched and self._touched[folder].before.kind == "folder" and not after[folder].kind:
                    return True
                folder = os.path.dirname(folder)
        return False


def _change(before: State, now: State, appends: bool) -> tuple[str, bytes]:
    if not now.kind:
        return "remove", b""
    if appends and now.kind == "file" and before.kind in ("", "file") and now.content.startswith(before.content):
        return "append", now.content[len(before.content) :]
    return "change" if before.kind else "create", now.content


def state(at: str) -> State:
    """Of what lies there. Of a long file the content is a digest, of a very long one its size and the time of its last change."""
    try:
        found = real.lstat(at)
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISLNK(found.st_mode):
            return State("link", os.fsencode(real.readlink(at)))
        if stat.S_ISDIR(found.st_mode):
            return State("folder", mode=mode)
        if not stat.S_ISREG(found.st_mode):
            return State("other", mode=mode)
        if found.st_size > COMPARED:
            return State("file", f"{found.st_size} bytes, changed at {found.st_mtime_ns}".encode(), mode)
        with real.open_file(at, "rb") as file:
            content = file.read()
        return State("file", content if len(content) <= SHOWN else b"sha256:" + hashlib.sha256(content).hexdigest().encode(), mode)
    except PermissionError:
        return State("other")
    except OSError:
        return State()
