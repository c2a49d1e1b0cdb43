"""As if the second charge were made by another process: what a process has for itself, its locks and its connections, is another's there.

Nothing but what the two have in common keeps them apart then: the store. For a while the names under which the user's modules and
objects keep locks and connections to SQLite stand for new ones; who holds an old one goes on holding that.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from pytest_agentready.experiments.memory import Memory
from pytest_agentready.world import Stay

LOCKS: dict[type, Callable[[Any], Any]] = {
    type(threading.Lock()): lambda _: threading.Lock(),
    type(threading.RLock()): lambda _: threading.RLock(),
    threading.Semaphore: lambda old: threading.Semaphore(max(1, old._value)),
    threading.BoundedSemaphore: lambda old: threading.BoundedSemaphore(old._initial_value),
    asyncio.Lock: lambda _: asyncio.Lock(),
    asyncio.Semaphore: lambda old: asyncio.Semaphore(max(1, old._value)),
    asyncio.BoundedSemaphore: lambda old: asyncio.BoundedSemaphore(old._bound_value),
}
CONDITIONS = (threading.Condition, asyncio.Condition)


class Apart:
    """What the code of a subject keeps for its own process."""

    def __init__(self, memory: Memory, world: Stay) -> None:
        self._memory = memory
        self._world = world

    def _kept(self) -> list[tuple[MutableMapping[Any, Any] | type, Any, Any]]:
        """Each lock and each connection, with where its name stands and the name."""
        return [
            (space, name, value)
            for space in self._memory.spaces()
            for name, value in list((vars(space) if isinstance(space, type) else space).items())
            if type(value) in LOCKS or isinstance(value, (*CONDITIONS, sqlite3.Connection))
        ]

    @property
    def is_any(self) -> bool:
        """Is there anything that another process would have for itself?"""
        return bool(self._kept())

    @contextlib.contextmanager
    def lived(self) -> Iterator[None]:
        """In the thread of the second one. Raises sqlite3.Error where its connection cannot be made."""
        kept = self._kept()
        others: dict[int, Any] = {}  # by the old one, which may have several names
        with contextlib.ExitStack() as undo:
            for space, name, value in kept:
                _bind(space, name, self._another(value, others, undo))
                undo.callback(_bind, space, name, value)
            yield

    def _another(self, value: Any, others: dict[int, Any], undo: contextlib.ExitStack) -> Any:
        """In the place of this one, wherever it is met: by each of its names, and below a condition."""
        if id(value) not in others:
            others[id(value)] = self._made(value, others, undo)
        return others[id(value)]

    def _made(self, value: Any, others: dict[int, Any], undo: contextlib.ExitStack) -> Any:
        if isinstance(value, CONDITIONS):
            return type(value)(self._another(value._lock, others, undo))  # type: ignore[union-attr]
        if type(value) in LOCKS:
            return LOCKS[type(value)](value)
        if not isinstance(value, sqlite3.Connection):  # a lock of the user's own making, below a condition
            return value
        connection = self._world.another(value)
        if connection is not value:
            undo.callback(connection.close)
        return connection


def _bind(space: MutableMapping[Any, Any] | type, name: Any, value: Any) -> None:
    if isinstance(space, type):
        setattr(space, name, value)
    else:
        space[name] = value
