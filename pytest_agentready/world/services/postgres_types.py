"""PostgreSQL's types: for each its number, and how a Python value is written as text and in binary, and read again."""

from __future__ import annotations

import datetime
import decimal
import json
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_EPOCH = datetime.datetime(2000, 1, 1)  # PostgreSQL counts days and microseconds from here
_MICROSECOND = datetime.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Type:
    names: tuple[str, ...]  # the first is its own; by the others it is cast to
    number: int  # its oid
    array: int  # the oid of its array; 0: the world has none
    size: int  # bytes in binary; -1: it varies
    text: Callable[[Any], str]
    binary: Callable[[Any], bytes]
    from_text: Callable[[str], Any]
    from_binary: Callable[[bytes], Any]
    of: type | None = None  # the Python type that is written so


def _fixed(form: str, convert: Callable[[Any], Any]) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    return lambda value: struct.pack(form, convert(value)), lambda data: struct.unpack(form, data)[0]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _boolean(text: str) -> bool:
    return text.lower() in ("t", "true", "1", "on", "yes", "y")


def _moment(value: Any) -> datetime.datetime:
    """In UTC, and without saying so."""
    found = datetime.datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    if not isinstance(found, datetime.datetime):
        found = datetime.datetime(found.year, found.month, found.day)
    return found.astimezone(datetime.timezone.utc).replace(tzinfo=None) if found.tzinfo else found


def _with_zone(value: Any) -> datetime.datetime:
    return _moment(value).replace(tzinfo=datetime.timezone.utc)


def _day(value: Any) -> datetime.date:
    return datetime.date.fromisoformat(value[:10]) if isinstance(value, str) else datetime.date(value.year, value.month, value.day)


def _time(value: Any) -> datetime.time:
    return datetime.time.fromisoformat(value) if isinstance(value, str) else value


def _microseconds(value: Any) -> int:
    time = _time(value)
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond


def _time_of(microseconds: int) -> datetime.time:
    return (_EPOCH + microseconds * _MICROSECOND).time()


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))


def _numeric(value: Any) -> bytes:
    """Four decimal digits to a group, the weight of the first, the sign, and the digits behind the point."""
    number = decimal.Decimal(str(value))
    if number.is_nan():
        return struct.pack("!hhHh", 0, 0, 0xC000, 0)
    sign, digits, exponent = number.as_tuple()
    scale = max(0, -int(exponent))
    whole = "".join(map(str, digits)) + "0" * max(0, int(exponent))
    whole = whole.rjust(scale + 1, "0")
    left, right = whole[: len(whole) - scale], whole[len(whole) - scale :]
    left = left.rjust(-(-len(left) // 4) * 4, "0")
    right = right.ljust(-(-len(right) // 4) * 4, "0")
    groups = [int((left + right)[i : i + 4]) for i in range(0, len(left + right), 4)]
    return struct.pack(f"!hhHh{len(groups)}h", len(groups), len(left) // 4 - 1, 0x4000 if sign else 0, scale, *groups)


def _from_numeric(data: bytes) -> decimal.Decimal:
    count, weight, sign, scale = struct.unpack("!hhHh", data[:8])
    if sign == 0xC000:
        return decimal.Decimal("NaN")
    groups = struct.unpack(f"!{count}h", data[8 : 8 + 2 * count])
    with decimal.localcontext() as context:
        context.prec = 1000
        total = sum((decimal.Decimal(group).scaleb(4 * (weight - place)) for place, group in enumerate(groups)), decimal.Decimal(0))
        return (-total if sign else total).quantize(decimal.Decimal(1).scaleb(-scale))


_int2, _int4, _int8 = _fixed("!h", int), _fixed("!i", int), _fixed("!q", int)
_float4, _float8 = _fixed("!f", float), _fixed("!d", float)
_bool = _fixed("!?", bool)
_days = _fixed("!i", lambda value: (_day(value) - _EPOCH.date()).days)
_moments = _fixed("!q", lambda value: (_moment(value) - _EPOCH) // _MICROSECOND)
_times = _fixed("!q", _microseconds)

TYPES = (
    Type(("bool", "boolean"), 16, 1000, 1, lambda value: "t" if value else "f", _bool[0], _boolean, _bool[1], bool),
    Type(("int8", "bigint"), 20, 1016, 8, lambda value: str(int(value)), _int8[0], int, _int8[1], int),
    Type(("int4", "int", "integer", "serial"), 23, 1007, 4, lambda value: str(int(value)), _int4[0], int, _int4[1]),
    Type(("int2", "smallint"), 21, 1005, 2, lambda value: str(int(value)), _int2[0], int, _int2[1]),
    Type(("float8", "double"), 701, 1022, 8, lambda value: repr(float(value)), _float8[0], float, _float8[1], float),
    Type(("float4", "real"), 700, 1021, 4, lambda value: repr(float(value)), _float4[0], float, _float4[1]),
    Type(("numeric", "decimal"), 1700, 1231, -1, str, _numeric, decimal.Decimal, _from_numeric, decimal.Decimal),
    Type(("text", "citext"), 25, 1009, -1, _text, lambda value: _text(value).encode(), str, bytes.decode, str),
    Type(("varchar", "character"), 1043, 1015, -1, _text, lambda value: _text(value).encode(), str, bytes.decode),
    Type(("bytea",), 17, 1001, -1, lambda value: "\\x" + bytes(value).hex(), bytes, lambda text: bytes.fromhex(text[2:]), bytes, bytes),
    Type(
        ("timestamptz",), 1184, 1185, 8, lambda value: f"{_moment(value).isoformat(' ')}+00", _moments[0], _with_zone,
        lambda data: (_EPOCH + _moments[1](data) * _MICROSECOND).replace(tzinfo=datetime.timezone.utc),
    ),
    Type(
        ("timestamp",), 1114, 1115, 8, lambda value: _moment(value).isoformat(" "), _moments[0], _moment,
        lambda data: _EPOCH + _moments[1](data) * _MICROSECOND, datetime.datetime,
    ),
    Type(
        ("date",), 1082, 1182, 4, lambda value: _day(value).isoformat(), _days[0], _day,
        lambda data: _EPOCH.date() + datetime.timedelta(days=_days[1](data)), datetime.date,
    ),
    Type(
        ("time",), 1083, 1183, 8, lambda value: _time(value).isoformat(), _times[0], _time,
        lambda data: _time_of(_times[1](data)), datetime.time,
    ),
    Type(("uuid",), 2950, 2951, 16, str, lambda value: _uuid(value).bytes, _uuid, lambda data: uuid.UUID(bytes=data), uuid.UUID),
    Type(
        ("jsonb",), 3802, 3807, -1, _json, lambda value: b"\x01" + _json(value).encode(), json.loads,
        lambda data: json.loads(data[1:]), dict,
    ),
    Type(("json",), 114, 199, -1, _json, lambda value: _json(value).encode(), json.loads, json.loads),
)  # fmt: skip
_BY_NAME = {name: kind for kind in TYPES for name in kind.names}
_BY_PYTHON = {kind.of: kind for kind in TYPES if kind.of is not None}
TEXT = _BY_NAME["text"]


def _array_of(item: Type) -> Type:
    """The type of its lists."""

    def binary(values: Any) -> bytes:
        items = [struct.pack("!i", -1) if value is None else _sized(item.binary(value)) for value in values]
        head = struct.pack("!iii", 1 if items else 0, int(None in values), item.number)
        return head + (struct.pack("!ii", len(items), 1) if items else b"") + b"".join(items)

    def from_binary(data: bytes) -> list[Any]:
        if struct.unpack("!i", data[:4])[0] == 0:
            return []
        values, place = [], 20
        while place < len(data):
            (size,) = struct.unpack("!i", data[place : place + 4])
            values.append(None if size < 0 else item.from_binary(data[place + 4 : place + 4 + size]))
            place += 4 + max(0, size)
        return values

    def text(values: Any) -> str:
        return "{" + ",".join("NULL" if value is None else json.dumps(item.text(value), ensure_ascii=False) for value in values) + "}"

    def from_text(text: str) -> list[Any]:
        words = [word.strip().strip('"') for word in text.strip("{}").split(",")] if text != "{}" else []
        return [None if word == "NULL" else item.from_text(word) for word in words]

    return Type((f"{item.names[0]}[]",), item.array, 0, -1, text, binary, from_text, from_binary)


_ARRAYS = {kind.number: _array_of(kind) for kind in TYPES}
BY_NUMBER = {kind.number: kind for kind in (*TYPES, *_ARRAYS.values())}


def _sized(data: bytes) -> bytes:
    return struct.pack("!i", len(data)) + data


def named(name: str) -> Type | None:
    """By the name of a cast, `int` or `text[]`; None where the world does not know it."""
    kind = _BY_NAME.get(name.removesuffix("[]").lower())
    return _ARRAYS[kind.number] if kind is not None and name.endswith("[]") else kind


def of_values(values: list[Any]) -> Type | None:
    """The type of a column that holds these values; None where there is none to tell by."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    kinds = {type(value) for value in known}
    if kinds == {int, float}:
        return _BY_NAME["float8"]
    value = known[0]
    if isinstance(value, (list, tuple)):
        items = of_values([item for each in known for item in each])
        return _ARRAYS[items.number] if items is not None and items.names[0] != "jsonb" else _BY_NAME["jsonb"]
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return _BY_NAME["timestamptz"]
    if len(kinds) > 1 and not all(isinstance(each, type(value)) for each in known):
        return TEXT
    return next((_BY_PYTHON[kind] for kind in type(value).__mro__ if kind in _BY_PYTHON), TEXT)


def array_of(kind: Type) -> Type:
    return _ARRAYS.get(kind.number, kind)
