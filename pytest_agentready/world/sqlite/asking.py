"""What can be asked of a connection without a trace, and whatever kind of rows its code wants."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
from typing import Any

BUSY = (5, 6)  # SQLITE_BUSY and SQLITE_LOCKED, which have no names before Python 3.11


def pragma(connection: Any, what: str) -> Any:
    """One value, whatever kind of rows the code wants."""
    rows, connection.row_factory = connection.row_factory, None
    try:
        found = sqlite3.Cursor(connection).execute(f"PRAGMA {what}").fetchone()
        return found[0] if found else None
    finally:
        connection.row_factory = rows


def file_of(connection: Any) -> str:
    rows, connection.row_factory = connection.row_factory, None
    try:
        return str(sqlite3.Cursor(connection).execute("PRAGMA database_list").fetchone()[2] or "")
    finally:
        connection.row_factory = rows


def size(connection: Any) -> int:
    return int(pragma(connection, "page_count")) * int(pragma(connection, "page_size"))


def version(connection: Any) -> tuple[Any, ...]:
    return connection.total_changes, pragma(connection, "schema_version")


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
    return any(one is not connection.row_factory and one is not connection.text_factory for one in found)


def refers_to(connection: Any, callback: Any) -> bool:
    return any(found is callback for found in gc.get_referents(connection))


def names_of(connection: Any) -> set[str]:
    """Its tables, indexes and views."""
    with contextlib.suppress(sqlite3.Error):
        rows, connection.row_factory = connection.row_factory, None
        try:
            return {str(row[0]).lower() for row in sqlite3.Cursor(connection).execute("SELECT name FROM sqlite_master")}
        finally:
            connection.row_factory = rows
    return set()
