"""MySQL's packets, as bytes."""

from __future__ import annotations

import datetime
import decimal
import json
import struct
from typing import Any

from pytest_agentready.world import backend_calls
from pytest_agentready.world.services.sql import Result
from pytest_agentready.world.statements import DatabaseError

VERSION = "8.0.36"
PLUGIN = b"caching_sha2_password"
SALT = b"agentreadyagentready"  # with which the client hides its password; any is right
CONNECT_WITH_DB, PROTOCOL_41, SSL, SECURE, PLUGIN_AUTH, LENENC_AUTH = 0x8, 0x200, 0x800, 0x8000, 0x80000, 0x200000
# Beside them: long password, found rows, long flag, local transactions, several statements and results, attributes.
OFFERED = 0x1 | 0x2 | 0x4 | 0x2000 | 0x10000 | 0x20000 | 0x100000 | CONNECT_WITH_DB | PROTOCOL_41 | SSL | SECURE | PLUGIN_AUTH | LENENC_AUTH
IN_TRANSACTION, AUTOCOMMIT, MORE_RESULTS = 0x1, 0x2, 0x8
UTF8, BINARY = 255, 63
STATES = {1062: "23000", 1064: "42000", 1045: "28000", 1146: "42S02", 1205: "HY000", 1213: "40001", 1451: "23000", 1452: "23000"}
UNKNOWN_ERROR = 1105
TYPES: tuple[tuple[type, int, int], ...] = (  # of a value -> number of the column's type, character set
    (bool, 1, BINARY),
    (int, 8, BINARY),
    (float, 5, BINARY),
    (decimal.Decimal, 246, BINARY),
    (bytes, 252, BINARY),
    (datetime.datetime, 12, BINARY),
    (datetime.date, 10, BINARY),
    (datetime.time, 11, BINARY),
    (datetime.timedelta, 11, BINARY),
    (dict, 245, UTF8),
    (list, 245, UTF8),
)
TEXT = 253


def packet(body: bytes, number: int) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number % 256]) + body


def integer(value: int) -> bytes:
    """Of as many bytes as it needs."""
    if value < 251:
        return bytes([value])
    if value < 1 << 16:
        return b"\xfc" + value.to_bytes(2, "little")
    return b"\xfd" + value.to_bytes(3, "little") if value < 1 << 24 else b"\xfe" + value.to_bytes(8, "little")


def sized(data: bytes) -> bytes:
    return integer(len(data)) + data


def greeting() -> bytes:
    return (
        b"\x0a" + VERSION.encode() + b"\0" + struct.pack("<i", 4711) + SALT[:8] + b"\0"
        + struct.pack("<HBHHB", OFFERED & 0xFFFF, UTF8, AUTOCOMMIT, OFFERED >> 16, len(SALT) + 1)
        + bytes(10) + SALT[8:] + b"\0" + PLUGIN + b"\0"
    )  # fmt: skip


def ok(status: int, affected: int = 0, identity: int = 0) -> bytes:
    return b"\0" + integer(affected) + integer(identity) + struct.pack("<HH", status, 0)


def failure(error: DatabaseError) -> bytes:
    number = error.code if isinstance(error.code, int) else UNKNOWN_ERROR
    state = error.code if isinstance(error.code, str) else STATES.get(number, "HY000")
    return b"\xff" + struct.pack("<H", number) + f"#{state[:5]:<5}{error.message}".encode()


def end(status: int) -> bytes:
    return b"\xfe" + struct.pack("<HH", 0, status)


def result_set(result: Result, status: int) -> list[bytes]:
    """The number of columns, the columns, the rows, each in a packet."""
    columns = [column(name, [row[place] for row in result.rows]) for place, name in enumerate(result.columns)]
    rows = [b"".join(b"\xfb" if value is None else sized(backend_calls.written(written, value)) for value in row) for row in result.rows]
    return [integer(len(columns)), *columns, end(status), *rows, end(status)]


def column(name: str, values: list[Any]) -> bytes:
    known = next((value for value in values if value is not None), "")
    kind, charset = next(((number, charset) for of, number, charset in TYPES if isinstance(known, of)), (TEXT, UTF8))
    if kind == 8 and any(isinstance(value, float) for value in values):
        kind = 5
    texts = [b"def", b"", b"", b"", name.encode(), name.encode()]
    return b"".join(map(sized, texts)) + b"\x0c" + struct.pack("<HIBHBH", charset, 1024, kind, 0, 0x1F if kind == 5 else 0, 0)


def written(value: Any) -> bytes:
    match value:
        case bytes():
            return value
        case bool():
            return b"%d" % value
        case datetime.datetime():
            return value.replace(tzinfo=None).isoformat(" ").encode()
        case dict() | list():
            return json.dumps(value, default=str).encode()
        case _:
            return str(value).encode()
