"""Puts replacements in place, and takes them back.

Methods are replaced on their classes, so that names bound early, subclasses, existing objects and running event loops are
all caught. A replacement asks `active` first whether a world runs and concerns it; where none does, it is the original.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_INHERITED = object()


class Patch(NamedTuple):
    owner: Any
    name: str
    replacement: Any
    original: Any = _INHERITED  # where it is given, only this is replaced, and not what somebody else has put there


class Patches:
    """A set of replacements that is put in place for each run."""

    def __init__(self, patches: Iterable[Patch]) -> None:
        self._patches = tuple(patches)
        self._originals: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        for owner, name, replacement, original in self._patches:
            if original is not _INHERITED and vars(owner).get(name) is not original:
                continue
            self._originals.append((owner, name, vars(owner).get(name, _INHERITED)))
            setattr(owner, name, replacement)

    def restore(self) -> None:
        while self._originals:
            owner, name, original = self._originals.pop()
            if original is _INHERITED:
                with contextlib.suppress(AttributeError):
                    delattr(owner, name)
            else:
                setattr(owner, name, original)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Installed for as long as the context is open."""
        try:
            self.install()
            yield
        finally:
            self.restore()
