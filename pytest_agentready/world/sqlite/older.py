"""A connection that was there before the run. One of a file is led to the run's copy, and back; a database in memory is put back.

The file of a user is never written to: not even for a while, for the process may end meanwhile. Where a connection cannot be led
without the loss of what was set on it, it may only read.
"""

from __future__ import annotations

import contextlib
import gc
import sqlite3
import sys
from collections.abc import Mapping
from typing import Any

from pytest_agentready.world import real
from pytest_agentready.world.ending import OutboundBlocked
from pytest_agentready.world.sqlite.asking import (
    ask,
    back_up,
    cursor_of,
    file_of,
    has_a_trace,
    is_closed,
    let,
    names_of,
    of_others,
    pragma,
    refers_to,
    size,
    version,
)
from pytest_agentready.world.sqlite.keeping import Keeper
from pytest_agentready.world.sqlite.leading import Settings, lead, settings_of, uri_of
from pytest_agentready.world.sqlite.watch import Watch
from pytest_agentready.world.sqlite.watched import TRANSACTION, Watched

LARGEST = 64 << 20  # bytes of a database that are put back, or copied for a run
TRIES = 3  # at putting it back
PAUSE = 0.1  # real seconds between them
referred_to: list[Any] = []  # connections that the subject at hand refers to


def is_older(one: object) -> bool:
    """Is this a connection that no run has made? By its type: what is made when it is first needed would be by a question for its class."""
    return issubclass(type(one), sqlite3.Connection) and not issubclass(type(one), Watched)


def count_older() -> float:
    """How many of them this process has; no end of them where objects are frozen, which the collector does not tell of."""
    return float("inf") if gc.get_freeze_count() else sum(map(is_older, gc.get_objects()))


def remember(connections: list[Any]) -> None:
    """The connections that the subject at hand refers to."""
    referred_to[:] = connections


class Older:
    """A connection that was there before, and what becomes of it."""

    def __init__(self, keeper: Keeper, connection: Any, *, checks_thread: bool | None = None) -> None:
        """Raises sqlite3.Error where it cannot be asked. `checks_thread`: whether it belongs to its thread, where that is known."""
        self.connection = connection
        self._copy: sqlite3.Connection | None = None
        self._image: bytes | None = None
        self._home: tuple[str, Settings] | None = None
        self._reads_only = False
        self._is_traced = False
        self._read: Any = None  # while this is open no backup is written there
        self._before: Any = None
        self._synchronous: Any = None  # what was set there, of a database that is written to in place
        file = file_of(connection)
        try:
            refusal = self._prepare(keeper, file, checks_thread)
            self._before = version(connection), of_others(connection)
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.Error, OSError, OutboundBlocked) as problem:  # somebody holds it, it is none, or there is no room for a copy
            refusal = f"a change of the database {file or ':memory:'} by a connection that is older than the run ({problem})"
        if refusal and not pragma(connection, "query_only"):
            self._forbid_changes()
        self.watch = Watch(keeper, f"sqlite://{file or '/:memory:'}", 0, refusal)
        self.watch.tables = names_of(connection)
        self.watch.begin(connection)
        self.watch.holds = self._reads_only and connection.in_transaction
        self._hear = lambda sql: self.watch.hear(connection, sql)
        self._listen()

    def _forbid_changes(self) -> None:
        self._reads_only = True
        pragma(self.connection, "query_only = ON")
        self._read = cursor_of(self.connection)
        with contextlib.suppress(sqlite3.Error):  # it cannot be read
            # A backup does not ask whether changes are forbidden.
            self._read.execute("SELECT name FROM sqlite_master UNION ALL SELECT 1 UNION ALL SELECT 2")

    def _listen(self) -> None:
        """To its statements."""
        connection = self.connection
        if isinstance(connection, Watched):
            connection.watch = self.watch
            connection.be_heard()  # what SQLite has prepared, it asks about anew
        elif not has_a_trace(connection):
            self._is_traced = True
            connection.set_trace_callback(self._hear)
            if self.watch.holds:
                connection.set_authorizer(_hold)

    def _prepare(self, keeper: Keeper, file: str, checks_thread: bool | None) -> str:
        """Why it may only read; "" where what it does can be taken back."""
        connection = self.connection
        if file and not keeper.copies.is_real(file):
            return self._lead_away(keeper, file, checks_thread)
        if file:
            self._synchronous = pragma(connection, "synchronous")
            pragma(connection, "synchronous = OFF")
        if size(connection) > LARGEST or (connection.in_transaction and (file or not hasattr(connection, "serialize"))):
            return f"a change of the database {file or ':memory:'} (it {_why(connection)})"
        if connection.in_transaction:
            self._image = connection.serialize()
        else:
            self._copy = sqlite3.Connection(":memory:")
            back_up(connection, self._copy)
        return ""

    def _lead_away(self, keeper: Keeper, file: str, checks_thread: bool | None) -> str:
        """Why it may only read; "" where it was led to the run's copy."""
        connection = self.connection
        cannot = f"a change of the database {file} by a connection that is older than the run"
        if connection.in_transaction or size(connection) > LARGEST:
            return f"{cannot} (it {_why(connection)})"
        traced = not isinstance(connection, Watched) and has_a_trace(connection)
        settings = None if traced else settings_of(connection, file, checks_thread=checks_thread)
        if settings is None:
            return f"{cannot} (what was set on it cannot be carried to a copy: open it in the tool, or in a fixture with tmp_path)"
        try:
            self._lead(keeper.copies.copy_of(file), settings)
            pragma(connection, "synchronous = OFF")  # no power cut hits a copy; at home it is set again
        except BaseException:
            self._lead(file, settings)
            raise
        self._home = file, settings
        return ""

    def _lead(self, file: str, settings: Settings) -> None:
        lead(self.connection, uri_of(file, settings.mode), True, settings.options)
        for name, value in settings.pragmas.items():
            ask(self.connection, f"PRAGMA {name} = {value}")
        if settings.functions is not None:
            settings.functions(self.connection)
        if isinstance(self.connection, Watched):
            self.connection.be_heard()
            self.connection.set_again()

    @property
    def options(self) -> Mapping[str, Any]:
        """With which it was made, as far as that is known."""
        return {} if self._home is None else self._home[1].options

    def settle(self) -> None:
        self.watch.settle(self.connection)

    def put_back(self) -> None:
        """Raises sqlite3.Error."""
        try:
            if not is_closed(self.connection):
                self._put_back(self.connection)
        finally:
            if self._copy is not None:
                self._copy.close()

    def _put_back(self, connection: Any) -> None:
        self.watch.forget()
        if self._read is not None:
            self._read.close()
        if isinstance(connection, Watched):
            connection.watch = None
            connection.be_heard()
        elif self._is_traced:
            if self.watch.holds:
                connection.set_authorizer(None if sys.version_info >= (3, 11) else let)
            if refers_to(connection, self._hear):
                connection.set_trace_callback(None)
        if self._synchronous is not None and not connection.in_transaction:
            pragma(connection, f"synchronous = {self._synchronous}")
        if self._reads_only:
            pragma(connection, "query_only = OFF")
        elif self._home is not None:
            if connection.in_transaction:
                connection.rollback()
            self._lead(*self._home)
        elif self._image is not None:
            if version(connection) != self._before[0]:
                connection.rollback()
                connection.deserialize(self._image)
        elif self._copy is not None:
            self._restore(self._copy)

    def _restore(self, copy: sqlite3.Connection) -> None:
        """Somebody may hold it for a moment. Where others have written to it (it is in the run's own folder), it is left as it is."""
        connection = self.connection
        if connection.in_transaction:
            connection.rollback()
        for left in reversed(range(TRIES)):
            try:
                if version(connection) != self._before[0] and of_others(connection) == self._before[1]:
                    back_up(copy, connection)
                break
            except sqlite3.OperationalError:
                if not left:
                    raise
                real.sleep(PAUSE)


def _hold(action: int, *_: object) -> int:
    return sqlite3.SQLITE_IGNORE if action == TRANSACTION else sqlite3.SQLITE_OK


def _why(connection: Any) -> str:
    return "stands in a transaction" if connection.in_transaction else f"is larger than {LARGEST >> 20} MB"
