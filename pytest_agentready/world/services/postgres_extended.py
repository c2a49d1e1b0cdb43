"""PostgreSQL's extended queries: statements are prepared, given their values, described and executed, each by a message.

A statement is a request when it is executed; what prepares it is a handshake. The type of a parameter is what the client
says, the cast (`$1::int`, `CAST($1 AS date)`), a number behind LIMIT and OFFSET, or what the backend's rows have in the column
that it is compared with or stored in; else it is text. The type of a column is that of its values. A callable of the backend
is asked for the columns before the parameters are known: where it cannot say, they are those that the statement names.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_agentready.domain import sql as text
from pytest_agentready.world.services import postgres_types as types
from pytest_agentready.world.services.postgres_wire import (
    data_rows,
    described,
    failure,
    format_of,
    message,
    row_description,
    shorts,
    tag,
    value_of,
)
from pytest_agentready.world.services.sql import Result, Session, SQLExchange
from pytest_agentready.world.statements import DatabaseError, Statement


@dataclass
class Prepared:
    """A statement with its parameters' types, and the columns that it was described with."""

    sql: str
    parameters: list[types.Type]
    columns: list[tuple[str, types.Type]] | None = None


@dataclass
class Portal:
    """A prepared statement with its values."""

    prepared: Prepared
    values: tuple[Any, ...]
    formats: list[int]
    rest: list[bytes] | None = None  # rows that have not been fetched yet
    tag: bytes = b""


class Connection(Protocol):
    """That on which they are asked."""

    session: Session
    skipping: bool  # after an error, until the next Sync

    def say(self, kind: bytes, body: bytes = b"") -> None: ...

    def fail(self, error: DatabaseError) -> None: ...

    def keep(self, said: bytes) -> None:
        """For the next Sync, Flush, or answer of the database."""

    def take_out(self) -> bytes:
        """What has been kept for the next answer."""

    def exchange(self, statements: list[Statement], encode: Callable[[SQLExchange], bytes]) -> None:
        """Ask the database; what comes meanwhile has to wait."""


class Extended:
    """The prepared statements and portals of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._prepared: dict[str, Prepared] = {}
        self._portals: dict[str, Portal] = {}

    def hear(self, kind: str, body: bytes) -> None:
        answers = {"P": self._parse, "B": self._bind, "D": self._describe, "E": self._execute, "C": self._close}
        if kind in answers:
            answers[kind](body)

    def _parse(self, body: bytes) -> None:
        name, sql, rest = body.split(b"\0", 2)
        if not self._connection.session.knows(statement := Statement(sql.decode())):  # as a database says it that has no such table
            self._connection.exchange(
                [statement],
                lambda exchange: self._connection.take_out() + self._fetch(exchange, statement, Portal(Prepared("", []), (), []), 0),
            )
            return
        (count,) = struct.unpack("!h", rest[:2])
        given = struct.unpack(f"!{count}I", rest[2 : 2 + 4 * count])
        self._prepared[name.decode()] = Prepared(sql.decode(), list(self._parameters(sql.decode(), given)))
        self._connection.say(b"1")

    def _parameters(self, sql: str, given: tuple[int, ...]) -> Iterator[types.Type]:
        known = text.parameters(sql)
        for number in range(1, max([len(given), *known]) + 1):
            said = types.BY_NUMBER.get(given[number - 1]) if number <= len(given) else None
            cast, column = known.get(number, ("", ""))
            yield said or types.named(cast) or self._type_of(column) or types.TEXT

    def _type_of(self, column: str) -> types.Type | None:
        database = self._connection.session.database
        kind = types.of_values(database.samples(column.removesuffix("[]"))) if database is not None and column else None
        return types.array_of(kind) if kind is not None and column.endswith("[]") else kind

    def _bind(self, body: bytes) -> None:
        portal, name, rest = body.split(b"\0", 2)
        prepared = self._prepared.get(name.decode())
        if prepared is None:
            self._connection.fail(DatabaseError(f'prepared statement "{name.decode()}" does not exist', "26000"))
            return
        formats, rest = shorts(rest)
        (count,), rest = struct.unpack("!h", rest[:2]), rest[2:]
        values: list[Any] = []
        for number in range(count):
            (size,), rest = struct.unpack("!i", rest[:4]), rest[4:]
            if size < 0:
                values.append(None)
                continue
            values.append(value_of(rest[:size], prepared.parameters[number], format_of(formats, number)))
            rest = rest[size:]
        self._portals[portal.decode()] = Portal(prepared, tuple(values), shorts(rest)[0])
        self._connection.say(b"2")

    def _describe(self, body: bytes) -> None:
        name = body[1:].rstrip(b"\0").decode()
        portal = self._portals.get(name) if body[:1] == b"P" else None
        prepared = portal.prepared if portal is not None else self._prepared.get(name)
        if prepared is None:
            self._connection.fail(DatabaseError(f'"{name}" does not exist', "26000"))
            return
        if portal is None:
            numbers = [kind.number for kind in prepared.parameters]
            self._connection.say(b"t", struct.pack(f"!h{len(numbers)}I", len(numbers), *numbers))
        if prepared.columns is None:
            unknown = (None,) * len(prepared.parameters)
            statement = Statement(prepared.sql, unknown if portal is None else portal.values)
            prepared.columns = self._shape(statement, is_bound=portal is not None)
        if prepared.columns:
            self._connection.say(b"T", row_description(prepared.columns, portal.formats if portal is not None else [0]))
        else:
            self._connection.say(b"n")

    def _shape(self, statement: Statement, *, is_bound: bool) -> list[tuple[str, types.Type]]:
        """The columns that a statement will have, before it is executed."""
        try:
            found = self._connection.session.foresee(statement, is_bound=is_bound)
        except Exception:  # a callable of the user's that needs the parameters
            found = None
        if isinstance(found, Result) and (found.rows or not found.columns):
            return described(found)
        named = text.selected(statement.sql) if isinstance(found, Result) or text.gives_rows(statement.sql) else None
        names = named or [(name, "") for name in (found.columns if isinstance(found, Result) else ())]
        return [(name, self._type_of(name) or self._type_of(source) or types.TEXT) for name, source in names]

    def _execute(self, body: bytes) -> None:
        name, rest = body.split(b"\0", 1)
        (limit,) = struct.unpack("!i", rest[:4])
        portal = self._portals.get(name.decode())
        if portal is None:
            self._connection.fail(DatabaseError(f'portal "{name.decode()}" does not exist', "34000"))
            return
        statement = Statement(portal.prepared.sql, portal.values)
        if not text.words(statement.sql):
            self._connection.say(b"I")
        elif self._connection.session.is_drivers(statement.sql):
            self._connection.keep(self._fetch(None, statement, portal, limit))
        else:
            self._connection.exchange(
                [statement], lambda exchange: self._connection.take_out() + self._fetch(exchange, statement, portal, limit)
            )

    def _fetch(self, exchange: SQLExchange | None, statement: Statement, portal: Portal, limit: int) -> bytes:
        if portal.rest is None:
            found = self._connection.session.carry_out(exchange, statement)
            if isinstance(found, DatabaseError):
                self._connection.skipping = True
                return failure(found)
            columns = portal.prepared.columns if portal.prepared.columns is not None else described(found)
            portal.rest, portal.tag = list(data_rows(found, columns, portal.formats)), tag(statement, found)
        rows = portal.rest[: limit or None]
        portal.rest = portal.rest[len(rows) :]
        return b"".join(rows) + (message(b"s") if portal.rest else message(b"C", portal.tag))

    def _close(self, body: bytes) -> None:
        name = body[1:].rstrip(b"\0").decode()
        if body[:1] == b"S":
            self._prepared.pop(name, None)
        else:
            self._portals.pop(name, None)
        self._connection.say(b"3")
