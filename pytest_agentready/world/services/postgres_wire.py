"""PostgreSQL's messages, as bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from pytest_agentready.domain import sql as text
from pytest_agentready.world import backend_calls
from pytest_agentready.world.services import postgres_types as types
from pytest_agentready.world.services.sql import Result
from pytest_agentready.world.statements import DatabaseError, Statement

Columns = list[tuple[str, types.Type]]


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def failure(error: DatabaseError) -> bytes:
    fields = {"S": "ERROR", "V": "ERROR", "C": str(error.code), "M": error.message}
    return message(b"E", b"".join(f"{name}{value}\0".encode() for name, value in fields.items()) + b"\0")


def tag(statement: Statement, result: Result) -> bytes:
    """What a statement has done: `SELECT 2`, `INSERT 0 1`, `COMMIT`."""
    verb = statement.verb
    if result.columns and not text.writes(statement.sql):
        verb, count = "SELECT", f" {len(result.rows)}"
    elif verb == "INSERT":
        count = f" 0 {result.affected}"
    else:
        count = f" {result.affected}" if verb in ("UPDATE", "DELETE", "MERGE", "COPY") else ""
    return f"{ {'START': 'BEGIN', 'END': 'COMMIT', 'ABORT': 'ROLLBACK'}.get(verb, verb) }{count}\0".encode()


def described(result: Result) -> Columns:
    """The columns of a result, with the types of their values."""
    return [(name, types.of_values([row[place] for row in result.rows]) or types.TEXT) for place, name in enumerate(result.columns)]


def row_description(columns: Columns, formats: list[int]) -> bytes:
    """Each column's name, table, number in it, type, size, modifier, format."""
    return struct.pack("!h", len(columns)) + b"".join(
        name.encode() + b"\0" + struct.pack("!ihIhih", 0, 0, kind.number, kind.size, -1, format_of(formats, place))
        for place, (name, kind) in enumerate(columns)
    )


def data_rows(result: Result, columns: Columns, formats: list[int]) -> Iterator[bytes]:
    places = {name: place for place, name in reversed(list(enumerate(result.columns)))}
    for row in result.rows:
        cells = [
            cell(row[places[name]] if name in places else None, kind, format_of(formats, place))
            for place, (name, kind) in enumerate(columns)
        ]
        yield message(b"D", struct.pack("!h", len(cells)) + b"".join(cells))


def cell(value: Any, kind: types.Type, form: int) -> bytes:
    if value is None:
        return struct.pack("!i", -1)
    data: bytes = backend_calls.written(kind.binary if form else lambda value: kind.text(value).encode(), value)
    return struct.pack("!i", len(data)) + data


def value_of(data: bytes, kind: types.Type, form: int) -> Any:
    """A parameter. What cannot be read stays as it came."""
    try:
        return kind.from_binary(data) if form else kind.from_text(data.decode())
    except (ValueError, ArithmeticError, struct.error):
        return data if form else data.decode()


def shorts(data: bytes) -> tuple[list[int], bytes]:
    """A list of short numbers, and what comes behind it."""
    (count,) = struct.unpack("!h", data[:2])
    return list(struct.unpack(f"!{count}h", data[2 : 2 + 2 * count])), data[2 + 2 * count :]


def format_of(formats: list[int], place: int) -> int:
    """0 is text, 1 binary. One format stands for all columns, none for text."""
    return formats[place] if place < len(formats) and len(formats) > 1 else formats[0] if formats else 0
