"""The cursors of a connection that was made in a run: each statement is told of before it begins, and waits for locks in virtual time."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
OF_THE_RUN = ("busy_timeout", "synchronous")  # settings that are the run's own as long as it lasts
ASKED = re.compile(rf"\bPRAGMA\s+(?:\w+\.)?({'|'.join(OF_THE_RUN)})\b", re.IGNORECASE)


class Stepping(sqlite3.Cursor):
    """Its connection is a `Watched`."""

    def execute(self, sql: str, *args: Any) -> Any:
        return self._carry_out(sql, lambda: super(Stepping, self).execute(sql, *args))

    def executemany(self, sql: str, *args: Any) -> Any:
        given = [rows if isinstance(rows, (list, tuple)) else list(rows) for rows in args]  # it may be tried again
        return self._carry_out(sql, lambda: super(Stepping, self).executemany(sql, *given), writes=True)

    def executescript(self, script: str, *args: Any) -> Any:
        return self._carry_out(script, lambda: super(Stepping, self).executescript(script, *args), writes=True, is_script=True)

    def _carry_out(self, sql: str, work: Callable[[], T], *, writes: bool = False, is_script: bool = False) -> T:
        connection: Any = self.connection
        connection.begins("" if writes else sql)
        if connection.watch is None or not isinstance(sql, str):  # the run is over; or sqlite3 has a word about it
            return work()
        asked = [name.lower() for name in ASKED.findall(sql)]
        with connection.as_asked(*asked) if asked else contextlib.nullcontext():
            found: T = connection.carried_out(sql, work, several=is_script and not _is_one(sql))
        return found


def _is_one(script: str) -> bool:
    """Is it a single statement?"""
    return not script.strip().rstrip(";").count(";")


_classes: dict[type, type[sqlite3.Cursor]] = {}


def stepping(factory: Any) -> Any:
    """A class of cursors with the user's own behind it. What makes cursors, and is no class of them, stays what it is."""
    if factory is sqlite3.Cursor:
        return Stepping
    if not (isinstance(factory, type) and issubclass(factory, sqlite3.Cursor)) or issubclass(factory, Stepping):
        return factory
    if factory not in _classes:
        _classes[factory] = type(factory.__name__, (Stepping, factory), {})
    return _classes[factory]
