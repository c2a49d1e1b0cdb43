"""Another set of arguments from a given one: the same call about something else, or for somebody else.

Texts and ids become others of the same kind, with words in them that stand nowhere else; what chooses (an enumeration, a flag, a small
number) stays as it is.
"""

from __future__ import annotations

import datetime
import re
import string
from collections.abc import Mapping
from typing import Any

from pytest_agentready.arguments.plausible import resolved

WORDS = ("callerone", "callertwo", "callerthree")  # which stand in no backend, and tell what they are where a message shows them
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d.*")
FILE = re.compile(r"(?P<stem>[\w-]+)(?P<suffix>\.[a-z]{2,5})")
IDENTIFYING = re.compile(r"(?:^|_)(?:id|ids|no|number|key|ref|pk)$|(?<=[a-z])Id$")
NUMBERS = (48_213, 73_951, 60_427)
ALPHABETS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
LONG = 4  # characters of a word that would not stand elsewhere by chance


def another(arguments: Mapping[str, Any], schema: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The `number`-th other set, counted from 0."""
    properties = schema.get("properties", {})
    definitions = schema.get("$defs", {})
    free: dict[str, Any] = {}
    patterns: dict[str, str] = {}
    for name, value in arguments.items():
        schema_of = resolved(properties.get(name, {}), definitions)
        pattern = _pattern(schema_of, definitions)
        if pattern is not None:
            patterns[name] = pattern
        elif not _chooses(schema_of):
            free[name] = value
    made = {name: varied(value, name, number) for name, value in free.items()}
    shaped = {name: _shaped(arguments[name], pattern, number, LONG) for name, pattern in patterns.items()}
    if made == free and all(arguments[name] == value for name, value in shaped.items()):  # a code of few letters chooses, where it can
        shaped = {name: _shaped(arguments[name], pattern, number, 1) for name, pattern in patterns.items()}
    if made == free:  # a small number is all that there is
        made = {name: value + number + 1 if type(value) is int else value for name, value in free.items()}
    return dict(arguments) | made | shaped


def _pattern(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str | None:
    """Of a text, or of the texts of a list."""
    if "enum" in schema or "const" in schema:
        return None
    parts = schema.get("items")
    found = schema.get("pattern") or (resolved(parts, definitions).get("pattern") if isinstance(parts, Mapping) else None)
    return found if isinstance(found, str) else None


def _shaped(value: Any, pattern: str, number: int, least: int) -> Any:
    """Other letters and digits in the places of these, where the pattern takes them; else the value itself."""
    if type(value) is list:
        return [_shaped(part, pattern, number, least) for part in value]
    if not isinstance(value, str) or len(value) < least or "://" in value:  # where it leads is not for us to say
        return value
    prefix = re.match(r"[a-zA-Z]+[^a-zA-Z0-9]*", value)  # `pm_A1b2` is a payment's by its beginning
    for made in (varied(value, "", number), *(_turned(value, number, kept) for kept in (prefix.end() if prefix else 0, 0))):
        try:
            if made != value and re.search(pattern, made):
                return made
        except re.error:  # of another dialect
            return value
    return value


def _turned(text: str, number: int, kept: int) -> str:
    """But for its first signs, each letter and digit another one of its kind."""

    def turned(sign: str, place: int) -> str:
        alphabet = next((signs for signs in ALPHABETS if sign in signs), "")
        return alphabet[(alphabet.index(sign) + 3 + 2 * number + place % 3) % len(alphabet)] if alphabet else sign

    return text[:kept] + "".join(turned(sign, place) for place, sign in enumerate(text[kept:]))


def varied(value: Any, name: str, number: int) -> Any:
    """Another value of the same kind."""
    if isinstance(value, str):
        return _text(value, number)
    if isinstance(value, int) and not isinstance(value, bool):
        return NUMBERS[number % len(NUMBERS)] if IDENTIFYING.search(name) else value
    if isinstance(value, float):
        return value * (1 - 0.1 * (number + 1))
    if type(value) is list:
        return [varied(part, name, number) for part in value]
    if type(value) is dict:
        return {key: varied(part, str(key), number) for key, part in value.items()}
    return value


def marks(arguments: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands in these arguments, and in the others' place is something else."""
    found = _leaves(dict(arguments))
    others = _leaves(dict(other))
    return tuple(
        dict.fromkeys(leaf for leaf in found if leaf not in others and len(leaf) >= LONG and not any(leaf in one for one in others))
    )


def replaced(arguments: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
    """Each text or number of the one set, and what stands in its place in the other."""
    one, other = _leaves(dict(arguments)), _leaves(dict(by))
    return {was: now for was, now in zip(one, other, strict=False) if was != now} if len(one) == len(other) else {}


def _chooses(schema: Mapping[str, Any]) -> bool:
    """Is it one of a few values, by its schema?"""
    kinds = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return any("enum" in kind or "const" in kind or "pattern" in kind for kind in kinds if isinstance(kind, Mapping))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in _leaves(part)]
    return [] if value is None or isinstance(value, (bool, float)) else [str(value)]


def _text(value: str, number: int) -> str:
    word = WORDS[number % len(WORDS)]
    if "@" in value and " " not in value:
        return f"{word}@{value.rpartition('@')[2]}"
    if "://" in value or value.startswith(("/", ".")):
        return value  # where it leads is not for us to say
    if UUID.fullmatch(value):
        return f"{NUMBERS[number % len(NUMBERS)]:08d}{value[8:]}"
    if DATE.fullmatch(value):
        return _later(value, number + 1)
    if any(character.isdigit() for character in value):
        return _digits(value, number)
    if found := FILE.fullmatch(value):
        return f"{_text(found['stem'], number)}{found['suffix']}"
    return f"{value} {word}" if " " in value else f"{value}{word if value.islower() or not value else word.capitalize()}"


def _later(value: str, days: int) -> str:
    try:
        return (datetime.date.fromisoformat(value[:10]) + datetime.timedelta(days)).isoformat() + value[10:]
    except (ValueError, OverflowError):
        return value


def _digits(value: str, number: int) -> str:
    """`ORD-17` with other digits, and more of them where they are few."""
    digits = str(NUMBERS[number % len(NUMBERS)])
    first = re.search(r"\d+", value)
    assert first is not None
    long = max(len(first.group()), LONG)
    return value[: first.start()] + (digits * (1 + long // len(digits)))[:long] + value[first.end() :]
