"""A connection that was there before the run: its database is put back afterwards."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from pytest_agentready.world.sqlite.asking import back_up, file_of, has_a_trace, names_of, pragma, refers_to, size, version
from pytest_agentready.world.sqlite.watched import Watch

if TYPE_CHECKING:
    from pytest_agentready.world.sqlite.databases import Databases

_connect = sqlite3.connect
LARGEST = 64 << 20  # bytes of a database that are put back


class Older:
    """A connection that was there before, and the content of its database."""

    def __init__(self, databases: Databases, connection: Any) -> None:
        """Raises sqlite3.Error where it cannot be asked."""
        self._connection = connection
        self._copy: sqlite3.Connection | None = None
        self._image: bytes | None = None
        file = file_of(connection)
        self._watch = Watch(databases, f"sqlite://{file or '/:memory:'}", 0)
        if size(connection) > LARGEST or (connection.in_transaction and (file or not hasattr(connection, "serialize"))):
            pragma(connection, "query_only = ON")  # it cannot be copied
        elif connection.in_transaction:
            self._image = connection.serialize()
        else:
            self._copy = _connect(":memory:")
            back_up(connection, self._copy)
        databases._names[id(self._watch)] = names_of(connection)
        self._before = version(connection)
        self._is_traced = not has_a_trace(connection)
        self._hear = lambda sql: self._watch.hear(connection, sql)
        if self._is_traced:
            connection.set_trace_callback(self._hear)

    def settle(self) -> None:
        self._watch.settle(self._connection)

    def put_back(self) -> None:
        if self._is_traced and refers_to(self._connection, self._hear):
            self._connection.set_trace_callback(None)
        if self._copy is None and self._image is None:
            pragma(self._connection, "query_only = OFF")
            return
        if self._image is not None:
            if version(self._connection) != self._before:
                self._connection.rollback()
                self._connection.deserialize(self._image)
            return
        assert self._copy is not None
        if self._connection.in_transaction:
            self._connection.rollback()
        if version(self._connection) != self._before:
            back_up(self._copy, self._connection)
        self._copy.close()
