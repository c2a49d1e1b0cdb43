"""A connection is led to another database, and stays the object that the code holds: what the code has set on it stays, too."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pytest_agentready.world import real
from pytest_agentready.world.sqlite.asking import ask, pragma

# Those that a connection has for itself, and that can be asked for.
OF_A_CONNECTION = ("foreign_keys", "recursive_triggers", "synchronous", "cache_size", "temp_store", "read_uncommitted", "query_only")
_MARK = object()


def lead(connection: Any, name: str, is_uri: bool, options: Mapping[str, Any]) -> None:
    """Raises sqlite3.Error; then it is closed."""
    rows, texts = connection.row_factory, connection.text_factory
    level = connection.isolation_level
    attributes = dict(getattr(connection, "__dict__", {}))  # which are cleared
    with contextlib.suppress(sqlite3.Error):  # of another thread; from Python 3.11 on the next line closes it, too
        sqlite3.Connection.close(connection)
    sqlite3.Connection.__init__(connection, name, isolation_level=level, uri=is_uri, **options)
    if attributes:
        vars(connection).update(attributes)
    connection.row_factory, connection.text_factory = rows, texts


def uri_of(place: str, mode: str) -> str:
    return f"file:{quote(place)}?mode={mode}"


@dataclass(frozen=True)
class Settings:
    """What was asked for when an older connection was made, as far as SQLite and sqlite3 tell."""

    mode: str
    options: Mapping[str, Any]
    pragmas: Mapping[str, Any]
    functions: Callable[[Any], object] | None = None  # gives it those that it had


def settings_of(connection: Any, file: str, *, checks_thread: bool | None) -> Settings | None:
    """None where something would get lost on the way: functions, temporary tables, other databases, a file that is gone.

    Each connection of SQLAlchemy has a few functions by it; those it can be given again.
    """
    mode = _mode(file)
    functions = None
    if own := _of_its_own(connection) - _built_in():
        functions = _by_sqlalchemy()
        if functions is None or own != _added(functions):
            return None
    if not mode or _holds_more(connection):
        return None
    options = {
        "timeout": pragma(connection, "busy_timeout") / 1000,
        "detect_types": _detect_types(connection),
        "check_same_thread": _checks_thread(connection) if checks_thread is None else checks_thread,
    }
    if hasattr(connection, "autocommit"):  # from Python 3.12 on
        options["autocommit"] = connection.autocommit
    return Settings(mode, options, {name: pragma(connection, name) for name in OF_A_CONNECTION}, functions)


def _of_its_own(connection: Any) -> frozenset[tuple[Any, ...]]:
    """Functions and collations. A function of SQLite's own that the code has replaced is none of its own any more."""
    functions = ask(connection, "SELECT name, narg FROM pragma_function_list WHERE NOT builtin")
    return frozenset([*functions, *((row[1],) for row in ask(connection, "PRAGMA collation_list"))])


@functools.cache
def _built_in() -> frozenset[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.Connection(":memory:")) as fresh:
        return _of_its_own(fresh)


def _holds_more(connection: Any) -> bool:
    """Other databases, or temporary tables: who has looked for one has an empty database for them."""
    beside = {row[1] for row in ask(connection, "PRAGMA database_list")} - {"main"}
    return bool(beside - {"temp"}) or ("temp" in beside and bool(ask(connection, "SELECT 1 FROM sqlite_temp_master LIMIT 1")))


def _by_sqlalchemy() -> Callable[[Any], object] | None:
    """What SQLAlchemy does with each connection that it makes."""
    dialects = sys.modules.get("sqlalchemy.dialects.sqlite.pysqlite")
    return None if dialects is None else dialects.dialect(dbapi=sqlite3).on_connect()


def _added(functions: Callable[[Any], object]) -> frozenset[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.Connection(":memory:")) as fresh:
        functions(fresh)
        return _of_its_own(fresh) - _built_in()


def _mode(file: str) -> str:
    """How this process has opened the file: "" where it has not, for another one lies there now."""
    try:
        wanted = os.stat(file)
        found = list(_opened(wanted))
    except OSError:
        return ""
    if not found:
        return ""
    return "rw" if any(flags & os.O_ACCMODE for flags in found) else "ro"


def _opened(wanted: os.stat_result) -> Iterator[int]:
    import fcntl  # POSIX alone has it

    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself
            found = os.fstat(int(name))
            if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                yield fcntl.fcntl(int(name), fcntl.F_GETFL)


def _checks_thread(connection: Any) -> bool:
    """Another thread tries."""
    refused: list[bool] = []

    def look() -> None:
        try:
            connection.cursor()
            refused.append(False)
        except sqlite3.ProgrammingError:
            refused.append(True)

    thread = threading.Thread(target=look)
    real.thread_start(thread)
    real.thread_join(thread)
    return refused[0]


def _detect_types(connection: Any) -> int:
    """A converter of our own is called, or is not."""
    converters: dict[str, Any] = sqlite3.converters
    before = dict(converters)
    try:
        converters["AGENTREADY"] = converters["TEXT"] = lambda _: _MARK
        by_name = _has_mark(connection, "SELECT 1 AS 'x [agentready]'")
        by_type = _has_mark(connection, "SELECT type FROM sqlite_master LIMIT 1")
    finally:
        converters.clear()
        converters.update(before)
    return (sqlite3.PARSE_COLNAMES if by_name else 0) | (sqlite3.PARSE_DECLTYPES if by_type else 0)


def _has_mark(connection: Any, question: str) -> bool:
    return any(row[0] is _MARK for row in ask(connection, question))
