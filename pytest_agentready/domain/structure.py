"""What a result is made of, so that two can be compared part by part, and what makes two parts differ that mean the same.

A new id, a time stamp and a duration differ from call to call by their nature. Everything else that differs is another answer.
"""

from __future__ import annotations

import ast
import dataclasses
import datetime
import decimal
import enum
import json
import re
import uuid
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_agentready.domain.answer import ADDRESS

DEPTH = 12
MANY = 5_000  # parts of a list that are looked at
PRINTED = 200_000  # characters of a text that Python has printed: to read more takes too long
OPAQUE = frozenset({"pandas", "numpy", "polars", "torch"})  # their own text says more than their attributes
# What is new in each call, in the midst of a text.
FRESH = re.compile(
    r"""\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b   # a UUID
    |\b\d{4}-\d\d-\d\d(?:[T\s]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?Z|\s?UTC|[+-]\d\d:?\d\d)?)?   # a date and time
    |\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,?\s+\d{1,2}\s+\w{3,9}\s+\d{4}(?:\s+\d\d:\d\d:\d\d(?:\s?GMT)?)?
    |\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?\b                                  # a time of the day
    |\b1[5-9]\d{8}(?:\d{3}|\d{6})?(?:\.\d+)?\b                                                 # seconds since the epoch, or ms, or us
    |\b\d+(?:[.,]\d+)?\s?(?:ns|us|\u00b5s|ms|s|sec|secs|seconds?|milliseconds?)\b                 # a duration
    |\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b                             # hexadecimal digits
    |\b(?=[A-Z0-9]*\d)[0-9A-HJKMNP-TV-Z]{26}\b                                                  # a ULID
    |\btmp\w{6,10}\b                                                                            # a temporary file
    |\b(?=\w*\d\w*)(?=\w*[a-zA-Z])[A-Za-z0-9_]{16,}\b                                          # a random token
    """,
    re.VERBOSE,
)
WORDS = re.compile(r"#|\w+|[^\w#]+")
DIGITS = re.compile(r"\d{8,}")
# Fields that are new in each call, by the last word of their names.
FRESH_NAMES = re.compile(
    r"(?:^|_)(?:ids?|uuid|guid|token|nonce|trace|span|etag|signature|csrf|cursor|ticket|receipt|reference|ref|at|on|time|timestamp|date"
    r"|datetime|now|when|expires|expiry|created|updated|modified|generated|fetched|elapsed|duration|took|latency|ms|us|ns|secs?|seconds"
    r"|age|ttl|uptime|runtime|timing|port|pid|tmp|tempfile|temp_?file)$"
)
# Of a text: lines, items, words. Of a list within it, as Python prints it, the brackets and quotes belong to no item.
PARTS = (r"\n+", r"\s*[,;|]\s*|\s*\n\s*", r"[\s,;.|\[\](){}'\"]+")
TINY = 1e-9  # relative difference of two floats, of which computing in another order is enough of an explanation


@dataclass(frozen=True, slots=True)
class Difference:
    """Two results differ in this part."""

    path: str  # `data.items[2].price`; "" for the whole
    kind: Literal["order", "value"]
    one: Any
    other: Any

    @property
    def place(self) -> str:
        return f"`{self.path}`" if self.path else "the result"


def structure_of(value: object) -> Any:
    """The value as JSON would have it: its objects as their fields, JSON text as what it says. Never raises."""
    try:
        return _structure(value, 0)
    except Exception:  # a property or __iter__ of the user's own that raises
        return f"<{type(value).__name__}>"


def _structure(value: Any, depth: int) -> Any:
    if value is None or (isinstance(value, (bool, int, float)) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, enum.Enum):
        return _structure(value.value, depth)
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("utf-8", "replace")
    if isinstance(value, str):
        return _text(value, depth)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time, decimal.Decimal, uuid.UUID)):
        return str(value)
    if depth > DEPTH or type(value).__module__.partition(".")[0] in OPAQUE:
        return ADDRESS.sub("", repr(value))
    if isinstance(value, Mapping):
        return {str(key): _structure(part, depth + 1) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: _structure(part, depth + 1) for name, part in zip(value._fields, value, strict=True)}
    if isinstance(value, (list, tuple)):
        return [_structure(part, depth + 1) for part in value[:MANY]]
    if isinstance(value, (set, frozenset)):  # which has no order: whoever reads it makes one
        return sorted((_structure(part, depth + 1) for part in value), key=repr)
    return _object(value, depth)


def _text(value: str, depth: int) -> Any:
    if value[:1] in ("{", "[") and depth <= DEPTH and len(value) < 1_000_000:
        try:
            return _structure(json.loads(value), depth + 1)
        except ValueError:
            return _printed(value, depth)
    return value


def _printed(value: str, depth: int) -> Any:
    """What a text says that Python has made of a dict or a list: `str(response.json())`."""
    if value[-1:] not in ("}", "]") or len(value) > PRINTED:
        return value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of any other text that begins and ends like one, a backslash in it may be called invalid
            return _structure(ast.literal_eval(value), depth + 1)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return value


def _object(value: Any, depth: int) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _structure(getattr(value, field.name, None), depth + 1) for field in dataclasses.fields(value)}
    if isinstance(value, type) or callable(value):
        return ADDRESS.sub("", repr(value))
    slots = [name for name in _slots(type(value)) if not name.startswith("_") and hasattr(value, name)]
    fields = getattr(value, "__dict__", None)
    if isinstance(fields, dict):
        fields = {name: part for name, part in fields.items() if not name.startswith("_")}
    if slots or isinstance(fields, dict):
        named = {**{name: getattr(value, name) for name in slots}, **(fields or {})}
        return {name: _structure(part, depth + 1) for name, part in named.items()}
    return ADDRESS.sub("", repr(value))


def _slots(cls: type) -> Iterator[str]:
    """The attributes that its classes name in `__slots__`, as those of attrs do."""
    for base in reversed(cls.__mro__):
        names = base.__dict__.get("__slots__", ())
        yield from (names,) if isinstance(names, str) else names


def texts_in(structure: Any) -> Iterator[str]:
    """The texts of a structure, its keys left out."""
    if isinstance(structure, str):
        yield structure
    for part in structure.values() if isinstance(structure, dict) else structure if isinstance(structure, list) else ():
        yield from texts_in(part)


def differences(one: Any, other: Any, path: str = "") -> Iterator[Difference]:
    """The parts in which they differ, and that nothing explains."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() == other.keys():
            for name in one:
                yield from differences(one[name], other[name], f"{path}.{name}" if path else name)
        elif _with_masked_names(one) != _with_masked_names(other):  # a name may be a new id, too
            yield Difference(path, "value", one, other)
    elif isinstance(one, list) and isinstance(other, list):
        yield from _of_lists(one, other, path)
    elif isinstance(one, str) and isinstance(other, str):
        yield from _of_texts(one, other, path)
    elif not _are_alike(one, other, path):
        yield Difference(path, "value", one, other)


def _with_masked_names(value: dict[str, Any]) -> dict[str, Any]:
    return {masked(name): part for name, part in masked(value).items()}


def _of_lists(one: list[Any], other: list[Any], path: str) -> Iterator[Difference]:
    if one == other:
        return
    was, now = [repr(masked(part)) for part in one], [repr(masked(part)) for part in other]
    if sorted(map(repr, one)) == sorted(map(repr, other)) or (was != now and sorted(was) == sorted(now)):
        yield Difference(path, "order", one, other)
    elif len(one) == len(other):
        for number, (part, its_other) in enumerate(zip(one, other, strict=True)):
            yield from differences(part, its_other, f"{path}[{number}]")
    elif was != now:
        yield Difference(path, "value", one, other)


def _of_texts(one: str, other: str, path: str) -> Iterator[Difference]:
    was, now = _masked_alike(one, other)
    if one == other or is_fresh(path):
        return
    if any(_is_permuted(one, other, pattern) or (was != now and _is_permuted(was, now, pattern)) for pattern in PARTS):
        yield Difference(path, "order", one, other)
    elif was != now:
        yield Difference(path, "value", one, other)


def _masked_alike(one: str, other: str) -> tuple[str, str]:
    """Both masked. Some hexadecimal numbers have no letter in them: such a one is known by what the other text has in its place."""
    was, now = WORDS.findall(masked(one)), WORDS.findall(masked(other))
    if len(was) == len(now):
        for number, pair in enumerate(zip(was, now, strict=True)):
            if "#" in pair and any(map(DIGITS.fullmatch, pair)):
                was[number] = now[number] = "#"
    return "".join(was), "".join(now)


def _is_permuted(one: str, other: str, pattern: str) -> bool:
    return sorted(re.split(pattern, one)) == sorted(re.split(pattern, other))


def _are_alike(one: Any, other: Any, path: str) -> bool:
    if one == other or repr(one) == repr(other) or (is_fresh(path) and type(one) is type(other)):
        return True
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TINY * max(abs(one), abs(other))
    return isinstance(one, (int, float)) and isinstance(other, (int, float)) and masked(str(one)) == masked(str(other))


def is_fresh(path: str) -> bool:
    """Is it a field that is new in each call, by its name: an id, a time, a duration?"""
    name = re.sub(r"\[\d+\]$", "", path).rpartition(".")[2]
    return FRESH_NAMES.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()) is not None


def masked(value: Any) -> Any:
    """With what is new in each call blotted out."""
    if isinstance(value, str):
        return FRESH.sub("#", value)
    if isinstance(value, dict):
        return {
            name: "#" if is_fresh(name) and not isinstance(part, (dict, list)) else masked(part) for name, part in sorted(value.items())
        }
    if isinstance(value, list):
        return [masked(part) for part in value]
    return value
