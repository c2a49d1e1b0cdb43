"""What can be asked of a connection without a trace, and whatever kind of rows its code wants."""

from __future__ import annotations

import contextlib
import gc
import re
import sqlite3
from typing import Any

BUSY = (5, 6)  # SQLITE_BUSY and SQLITE_LOCKED, which have no names before Python 3.11


def cursor_of(connection: Any) -> sqlite3.Cursor:
    """A cursor whose rows are tuples, and whose statements no method of the code's own hears.

    A connection keeps a weak reference to each of its cursors, and throws those away that are gone as its `cursor` makes another. One
    that `sqlite3.Cursor` makes is noted just so, and nothing thrown away: of thousands of questions thousands of references would stay.
    """
    cursor = sqlite3.Connection.cursor(connection)
    cursor.row_factory = None
    return cursor


def ask(connection: Any, question: str) -> list[Any]:
    """The rows as tuples, whatever kind of them and of texts the code wants."""
    texts = connection.text_factory
    connection.text_factory = str
    try:
        return cursor_of(connection).execute(question).fetchall()
    finally:
        connection.text_factory = texts


def pragma(connection: Any, what: str) -> Any:
    found = ask(connection, f"PRAGMA {what}")
    return found[0][0] if found else None


def file_of(connection: Any) -> str:
    return str(ask(connection, "PRAGMA database_list")[0][2] or "")


def size(connection: Any) -> int:
    return int(pragma(connection, "page_count")) * int(pragma(connection, "page_size"))


def version(connection: Any) -> tuple[Any, ...]:
    return connection.total_changes, pragma(connection, "schema_version")


def of_others(connection: Any) -> Any:
    """Another value once another connection has written there."""
    return pragma(connection, "data_version")


def shape(connection: Any) -> tuple[Any, Any]:
    """Another value once the schema has been changed, or replaced by a backup; and which connection it was, this or another."""
    return pragma(connection, "schema_version"), of_others(connection)


def is_closed(connection: Any) -> bool:
    try:
        return bool(connection.total_changes < 0)
    except sqlite3.ProgrammingError:
        return True


def owner_of(problem: sqlite3.ProgrammingError) -> int | None:
    """The thread whose connection it is, where that is the problem."""
    found = re.search(r"created in thread id (\d+)", str(problem))
    return int(found[1]) if found else None


def back_up(source: Any, target: Any) -> None:
    """Raises sqlite3.OperationalError where somebody holds the source: SQLite itself would wait for ever."""

    def go_on(status: int, _remaining: int, _total: int) -> None:
        if status in BUSY:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=go_on)


def has_a_trace(connection: Any) -> bool:
    """Has somebody set a callback? It cannot be asked for; but the connection refers to it."""
    own = ("_lru_cache_wrapper", "Cache")
    found = [one for one in gc.get_referents(connection) if callable(one) and not isinstance(one, type) and type(one).__name__ not in own]
    known = (connection.row_factory, connection.text_factory, let)
    return any(all(one is not other for other in known) for one in found)


def let(*_: object) -> int:
    """An authorizer in the place of one of ours: before Python 3.11 it cannot be taken away."""
    return sqlite3.SQLITE_OK


def refers_to(connection: Any, callback: Any) -> bool:
    return any(found is callback for found in gc.get_referents(connection))


def names_of(connection: Any) -> set[str]:
    """Its tables, indexes and views."""
    with contextlib.suppress(sqlite3.Error):
        return {str(row[0]).lower() for row in ask(connection, "SELECT name FROM sqlite_master")}
    return set()
