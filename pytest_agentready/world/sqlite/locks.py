"""Who meets a lock of a database waits in virtual time: as SQLite itself does, whose own pauses would cost real seconds.

SQLite is told not to wait, and the statement is tried again after each of the pauses that it would have made. They are counted as waits
of the run, so that whoever holds the lock goes on meanwhile, and the one that waits is told "database is locked" when its patience ends.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
PAUSES = (0.001, 0.002, 0.005, 0.010, 0.015, 0.020, 0.025, 0.025, 0.025, 0.050, 0.050, 0.100)  # seconds; the last one again and again
BUSY, BUSY_SNAPSHOT = 5, 517  # SQLITE_BUSY and one of its kinds, after which SQLite does not wait
COMMIT = re.compile(r"\s*(COMMIT|END)\b", re.IGNORECASE)
BEGIN = re.compile(r"\s*(BEGIN|SAVEPOINT)\b", re.IGNORECASE)


class Patience:
    """Of one connection: how long it waits for a lock, and whether SQLite would wait at all."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._reads = False  # it stands in a transaction that has read: SQLite does not let it wait, for two would wait for each other

    def carry_out(self, connection: Any, sql: str, work: Callable[[], T], wait: Callable[[float], None], *, several: bool = False) -> T:
        """What `work` gives, which is about this statement. `wait` lets time pass. `several`: there are others before it, done already."""
        waits = COMMIT.match(sql) is not None or not self._reads
        for pause in self._pauses() if waits and not several else ():
            try:
                return self._done(connection, sql, work())
            except sqlite3.OperationalError as problem:
                if not _is_busy(problem):
                    raise
            wait(pause)
        return self._done(connection, sql, work())

    def _done(self, connection: Any, sql: str, found: T) -> T:
        self._reads = connection.in_transaction and (self._reads or BEGIN.match(sql) is None)
        return found

    def _pauses(self) -> Iterator[float]:
        left = self.seconds
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            if left <= 0:
                return
            yield min(pause, left)
            left -= pause


def _is_busy(problem: sqlite3.OperationalError) -> bool:
    code = getattr(problem, "sqlite_errorcode", None)  # from Python 3.11 on
    return str(problem) == "database is locked" if code is None else code & 0xFF == BUSY and code != BUSY_SNAPSHOT
