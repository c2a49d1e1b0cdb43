"""Another valid value for an argument: what a confirmation of the first one must not let through.

It keeps the kind: another address for an address, the next number, the next day, a text that differs in one letter, so that what the
tool demands of the first it finds in the second.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import enum
import re
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from pytest_agentready.arguments.plausible import resolved
from pytest_agentready.domain import Parameter

WORDS = (  # of a closed set, where a letter changed makes none of it
    ("EUR", "USD", "NOK", "GBP"),
    ("NO", "DE", "US", "FR"),
    ("en", "de", "fr", "no"),
    ("low", "high", "medium", "normal", "urgent"),
    ("red", "blue", "green"),
    ("small", "large", "medium"),
    ("read", "write", "admin"),
    ("viewer", "editor", "admin", "owner"),
    ("open", "closed", "pending"),
    ("active", "inactive"),
    ("production", "staging", "development"),
    ("prod", "staging", "dev"),
    ("GET", "POST", "PUT", "DELETE"),
    ("monthly", "yearly", "weekly", "daily"),
    ("email", "sms", "phone"),
)
EMAIL = re.compile(r"[^@\s]+@([^@\s]+\.\w+)")
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(.*)", re.DOTALL)
DEPTH = 3
PARTS = 8  # of one list or object


def others(value: Any, parameter: Parameter | None = None) -> list[tuple[str, Any]]:
    """Other values, each with what was changed in it: "" for the whole, ".amount" for a part. The most telling come first."""
    schema: Mapping[str, Any] = {} if parameter is None else resolved(parameter.schema, parameter.schema.get("$defs", {}))
    found = [(part, other) for part, other in _others(value, schema, 0) if _is_other(value, other)]
    return [(part, other) for part, other in found if parameter is None or is_valid(parameter, other)]


def _is_other(value: Any, other: Any) -> bool:
    try:
        return type(value) is not type(other) or bool(value != other)
    except Exception:  # arrays and their like
        return True


def is_valid(parameter: Parameter, value: Any) -> bool:
    """As far as its schema can tell; what is no JSON was made from another of its type."""
    if not parameter.schema or not _is_json(value):
        return True
    try:
        parameter.read(value)
    except ValueError:
        return False
    except Exception:  # a validator of the user's own that raises what it likes
        return False
    return True


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or type(value) in (str, int, float, bool)


def _others(value: Any, schema: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:  # noqa: PLR0912  (a table of types)
    for member in _members(schema):
        yield "", member
    match value:
        case bool():
            yield "", not value
        case enum.Enum():
            yield from (("", member) for member in type(value))
        case int() | float() | Decimal():
            yield from (("", made) for made in (value + 1, value - 1, value * 2, value / 2 if isinstance(value, float) else value // 2))
        case str():
            yield from (("", made) for made in _texts(value))
        case bytes():
            yield "", value + b"x"
        case datetime.datetime() | datetime.date():
            yield "", value + datetime.timedelta(days=1)
        case datetime.timedelta():
            yield "", value * 2
        case uuid.UUID():
            yield "", uuid.UUID(int=value.int ^ 1)
        case PurePath():
            yield "", value.with_name(next(_texts(value.name), "other"))
        case Mapping() if depth < DEPTH:
            yield from _of_object(value, schema, depth)
        case list() | tuple() | set() | frozenset() if depth < DEPTH:
            yield from _of_list(value, depth)
        case None:
            yield "", _made_for_nothing(schema)
        case _:
            yield from _of_instance(value, depth)


def _members(schema: Mapping[str, Any]) -> list[Any]:
    found = list(schema.get("enum", ()))
    for alternative in schema.get("anyOf", ()):
        found += alternative.get("enum", ())
    return found


def _made_for_nothing(schema: Mapping[str, Any]) -> Any:
    kinds = [schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))]
    return {"integer": 1, "number": 1.5, "boolean": True, "array": ["other"], "object": {"other": 1}}.get(
        next((str(kind) for kind in kinds if kind not in (None, "null")), ""), "other"
    )


def _texts(text: str) -> Iterator[str]:
    for words in WORDS:
        if text in words:
            yield from (word for word in words if word != text)
    if found := EMAIL.fullmatch(text):
        yield from ("mallory@example.net", f"mallory@{found[1]}")
        return
    if text.startswith(("http://", "https://")):
        yield from (f"{text.rstrip('/')}/other", text.replace("://", "://other."))
        return
    if found := DATE.fullmatch(text):
        try:
            day = datetime.date(int(found[1]), int(found[2]), int(found[3])) + datetime.timedelta(days=1)
            yield f"{day.isoformat()}{found[4]}"
        except (ValueError, OverflowError):
            pass
    if number := re.search(r"\d(?=\D*$)", text):  # the last digit: ORD-1001 has a neighbour
        at = number.start()
        yield f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"
    if letter := re.search(r"[A-Za-z](?=[^A-Za-z]*$)", text):
        at = letter.start()
        turned = chr(ord(text[at]) + 1) if text[at] not in "zZ" else chr(ord(text[at]) - 1)
        yield f"{text[:at]}{turned}{text[at + 1 :]}"
    yield f"{text} and more" if " " in text else f"{text}x"


def _of_object(value: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    properties = schema.get("properties", {})
    for key in list(value)[:PARTS]:
        for part, other in _firsts(_of_part(value[key], properties.get(key, {}), depth)):
            yield f"[{key!r}]{part}", {**value, key: other}


def _of_list(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    items = list(value)
    if not items:
        yield "", type(value)(["other"])
        return
    found = [each for each in _firsts(_of_part(items[0], {}, depth)) if each[1] not in items]
    for part, other in found:
        yield f"[0]{part}", type(value)([other, *items[1:]])
    if found:
        yield f"[{len(items)}]", type(value)([*items, found[0][1]])
    if len(items) > 1:
        yield "[-1]", type(value)(items[:-1])
        if last := next((other for _, other in _of_part(items[-1], {}, depth) if other not in items), None):
            yield f"[{len(items) - 1}]", type(value)([*items[:-1], last])


def _firsts(found: Iterator[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """One other value for each part."""
    parts: dict[str, Any] = {}
    for part, other in found:
        parts.setdefault(part, other)
    return list(parts.items())[:PARTS]


def _of_part(value: Any, schema: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    return ((part, other) for part, other in _others(value, schema, depth + 1) if _is_other(value, other))


def _of_instance(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """A model or dataclass: with one field of it changed."""
    for name in fields_of(value)[: 2 * PARTS] if depth < DEPTH else ():
        for part, other in _firsts(_of_part(getattr(value, name), {}, depth)):
            if (changed := with_field(value, name, other)) is not None:
                yield f".{name}{part}", changed


def fields_of(value: Any) -> list[str]:
    """The names of what a model or dataclass holds; none of all else."""
    if isinstance(value, type):
        return []
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    return [name for name in getattr(value, "__dict__", {}) if not name.startswith("_")]


def with_field(value: Any, name: str, other: Any) -> Any:
    """The same with another value in this field; None where it lets nobody write there."""
    try:
        changed = copy.copy(value)
        object.__setattr__(changed, name, other)
    except Exception:  # slots, or a class that is written in C
        return None
    return changed
