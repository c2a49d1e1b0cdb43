"""A connection whose rows come the other way round: SQLite does so itself, where a statement leaves the order to it.

Whether they really came in another order is asked before the connection is let go, of each statement that it was given: once in either
direction. Where the rows have been written to meanwhile, nobody can tell, and they count as turned.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from pytest_agentready.domain import sql as text
from pytest_agentready.world.order import Order
from pytest_agentready.world.rows import gives_one
from pytest_agentready.world.sqlite.asking import ask, cursor_of, is_closed
from pytest_agentready.world.statements import Statement

MOST = 30  # statements of one connection that are looked at
LOOK = 100  # rows of each
SCHEMA = re.compile(r"sqlite_\w+|pragma_\w+", re.IGNORECASE)
GIVING = ("SELECT", "WITH", "VALUES", "TABLE")
SORTER = "USE TEMP B-TREE"
BY_ROWID = re.compile(r"SEARCH .* USING INTEGER PRIMARY KEY \(rowid=\?\)")


class Turned:
    """What one connection is asked while its rows come the other way round."""

    def __init__(self, order: Order, connection: Any) -> None:
        """Raises sqlite3.Error, for a connection that is closed, or another thread's."""
        self._order = order
        self._asked: dict[str, int] = {}  # statements, and the changes of the database before them
        self.turn(connection)

    def turn(self, connection: Any) -> None:
        ask(connection, "PRAGMA reverse_unordered_selects = ON")

    def hears(self, connection: Any, statement: str) -> None:
        """A statement is about to run."""
        if text.verb(statement) in GIVING and not text.writes(statement) and len(self._asked) < MOST:
            self._asked.setdefault(statement, connection.total_changes)

    def let_go(self, connection: Any) -> None:
        """Say what was turned, and turn it no more."""
        asked, self._asked = self._asked, {}
        for statement, changes in asked.items():
            shown = f"the rows of {' '.join(statement.split())[:60]}"
            try:
                self._look(connection, statement, shown, is_as_it_was=connection.total_changes == changes)
            except sqlite3.Error:  # it is closed, or somebody holds the database
                self._order.moved.setdefault(shown)
        if not is_closed(connection):
            ask(connection, "PRAGMA reverse_unordered_selects = OFF")

    def _look(self, connection: Any, statement: str, shown: str, *, is_as_it_was: bool) -> None:
        if ("word", "FROM") not in text.words(statement) or SCHEMA.search(statement):
            return
        if not is_as_it_was:
            self._order.moved.setdefault(shown)
            return
        self.turn(connection)
        other = _rows(connection, statement)
        ask(connection, "PRAGMA reverse_unordered_selects = OFF")
        rows = _rows(connection, statement)
        if rows != other:
            self._order.moved.setdefault(shown)
        elif ("word", "ORDER") in text.words(statement):  # one row, or none, too: more would come in that order
            self._order.kept.setdefault(f"{shown} (ORDER BY)")
        elif len(rows) > 1:
            self._order.kept.setdefault(f"{shown} (SQLite has no other order for them)")
        elif not gives_one(Statement(statement)) and not _has_a_key(connection, statement):
            self._order.short.setdefault(f"{shown} (a PRIMARY KEY or UNIQUE would tell that there is one at most)")


def _rows(connection: Any, statement: str) -> list[Any]:
    cursor = cursor_of(connection)
    try:
        return [repr(row) for row in cursor.execute(statement).fetchmany(LOOK)]
    finally:
        cursor.close()


def _has_a_key(connection: Any, statement: str) -> bool:
    """Does SQLite know that it gives one row at most? Then it has nothing to sort, whatever the rows are to be sorted by."""
    steps = [str(step[3]) for step in ask(connection, f"EXPLAIN QUERY PLAN SELECT 1 FROM ({statement}\n) ORDER BY random()")]
    if not any(step.startswith(SORTER) for step in steps):
        return True
    return ("word", "IN") not in text.words(statement) and all(BY_ROWID.match(step) or step.startswith(SORTER) for step in steps)
