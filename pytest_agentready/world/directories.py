"""The names in a directory come in another order, for all that asks the system for them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import active
from pytest_agentready.world.order import Order
from pytest_agentready.world.patching import Patch, Patches


def _of_names(order: Order, directory: Any, names: list[Any]) -> list[Any]:
    path = os.fsdecode(directory) if isinstance(directory, (str, bytes, os.PathLike)) else "a directory"
    if len(names) > 1:
        order.moved.setdefault(f"the names in {path}")
    elif active.mine() is not None and not path.startswith((sys.prefix, sys.base_prefix)):  # a library may look for its own there
        order.short.setdefault(f"the names in {path}")
    return names[::-1]


def turned(order: Order) -> contextlib.AbstractContextManager[None]:
    """For `os.listdir`, `scandir` and all that is made of them."""
    listdir, scandir = os.listdir, os.scandir

    def listed(path: Any = ".") -> list[Any]:
        return _of_names(order, path, listdir(path))

    def scanned(path: Any = ".") -> _Entries:
        with scandir(path) as entries:
            return _Entries(_of_names(order, path, list(entries)))

    patches = [Patch(os, "listdir", listed), Patch(os, "scandir", scanned)]
    accessor = getattr(pathlib, "_NormalAccessor", None)  # Python 3.10
    if accessor is not None:
        patches += [Patch(accessor, "listdir", staticmethod(listed)), Patch(accessor, "scandir", staticmethod(scanned))]
    return Patches(patches).in_place()


class _Entries:
    """As `os.scandir` gives them: an iterator that can be closed."""

    def __init__(self, entries: list[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())
