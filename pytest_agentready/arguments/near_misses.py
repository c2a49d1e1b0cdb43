"""Calls that a careless key takes for the one that was approved: what they differ in is what such a key drops.

Capitals, white space, cents, the first letters, the end of a long text, the last of a long list, where one argument ends and the next
begins, and which of two is which. What is cut off at some length has to be long before it is: there another call is approved, with a
longer text or list.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from pytest_agentready.arguments.another import DATE, EMAIL, PARTS, WORDS, fields_of, is_valid, with_field
from pytest_agentready.arguments.names import words_of
from pytest_agentready.arguments.plausible import resolved
from pytest_agentready.domain import Parameter

PROSE = re.compile(
    r"body|text|message|contents?|notes?|description|reason|comment|subject|title|prompt|query|sql|command|code|html|summary|details"
    r"|instructions|caption|markdown|memo|purpose"
)  # words of a name
LENGTHS = (1_200, 90)  # characters: what is longer than any key, and what a field of a form still takes
SIZES = (12, 5)  # members of a list
DEPTH = 3  # of parts in parts
PAIRS = 5  # neighbours among the arguments
SEPARATORS = (":", "|", "-", "_", ",", "/", " ")  # that keys are joined by
CENT = Decimal("0.01")
LINE = "and so it goes on, line by line, "


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Another call than the approved one, and what it differs in."""

    place: str  # "body", "items", "to and body"
    approved: Mapping[str, Any]  # all arguments
    given: Mapping[str, Any]
    how: str  # "in another case"


def near_misses(arguments: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> Iterator[NearMiss]:
    """For each of these arguments, what a key may drop of it; last, what it may drop between two. `parameters` are those to be varied."""
    for name, parameter in parameters.items():
        if name not in arguments:
            continue
        for part, old, made in _within(arguments[name], DEPTH):
            schema = {} if part else _schema(parameter)
            for other, how in _near(old, schema):
                if other != old and is_valid(parameter, new := made(other)):
                    yield NearMiss(f"{name}{part}", arguments, {**arguments, name: new}, how)
            for longer, other, how in _grown(re.split(r"\W+", f"{name}{part}".rstrip("']"))[-1], old, schema):
                approved, new = made(longer), made(other)
                if is_valid(parameter, approved) and is_valid(parameter, new):
                    yield NearMiss(f"{name}{part}", {**arguments, name: approved}, {**arguments, name: new}, how)
    yield from _boundaries(arguments, parameters)


def _within(value: Any, depth: int) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """The value, and what lies within it: where, what, and the whole with something else in that place."""
    yield "", value, lambda other: other
    if not depth:
        return
    parts: list[tuple[str, Any, Callable[[Any], Any]]]
    if isinstance(value, dict):
        parts = [(f"[{key!r}]", held, partial(_with_key, value, key)) for key, held in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [("[0]", value[0], partial(_with_first, value))] if value and not isinstance(value[0], str) else []
    else:
        names = [name for name in fields_of(value) if not name.startswith("_")]
        parts = [(f".{name}", getattr(value, name, None), partial(with_field, value, name)) for name in names]
    for place, held, made in parts[:PARTS]:
        for part, leaf, inner in _within(held, depth - 1):
            yield f"{place}{part}", leaf, partial(_both, made, inner)


def _with_key(value: dict[Any, Any], key: Any, other: Any) -> dict[Any, Any]:
    return {**value, key: other}


def _with_first(value: Any, other: Any) -> Any:
    return type(value)([other, *value[1:]])


def _both(outer: Callable[[Any], Any], inner: Callable[[Any], Any], other: Any) -> Any:
    return outer(inner(other))


def _schema(parameter: Parameter) -> Mapping[str, Any]:
    return resolved(parameter.schema, parameter.schema.get("$defs", {}))


def _near(value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    match value:
        case bool():
            return
        case int() | float() | Decimal():
            yield from _numbers(value, schema)
        case str() if "enum" not in schema and not any(value in words for words in WORDS):
            yield from _texts(value)
        case dict() if not schema.get("properties"):
            yield {**value, "other": 1}, "with one key more"
        case datetime.datetime():
            yield value + datetime.timedelta(hours=1), "at another time of the day"
        case list() | tuple() if value and isinstance(value[0], str):
            yield from ((type(value)([*value[:-1], near]), how) for near, how in itertools.islice(_texts(value[-1]), 1))


def _numbers(value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    kinds = (schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ())))
    if isinstance(value, int) and "number" not in kinds:
        return
    for step in (CENT, -CENT):  # rounding keeps the one, cutting off the other
        made = value + step if isinstance(value, Decimal) else round(value + float(step), 10)
        yield made, "a cent away"


def _texts(text: str) -> Iterator[tuple[str, str]]:
    if found := EMAIL.fullmatch(text):
        local = text.partition("@")[0]
        yield f"{local.swapcase()}@{found[1]}", "in another case"
        yield f"{local}@example.net", "at another domain"
        return
    if text.startswith(("http://", "https://")):
        yield f"{text}{'&' if '?' in text else '?'}other=1", "with another query"
        return
    if DATE.fullmatch(text):
        if found := re.search(r"(?<=T)\d\d", text):
            yield f"{text[: found.start()]}{(int(found[0]) + 1) % 24:02d}{text[found.end() :]}", "at another time of the day"
        return
    if any(char.isalpha() for char in text):
        yield text.swapcase(), "in another case"
    if text.strip():
        yield f"{text} ", "with other white space"
    if " " in text.strip():
        yield text.replace(" ", "\n", 1), "with other white space"
        yield text.replace(" ", "", 1), "with other white space"
        yield f"{text}!", "with other punctuation"
    if (found := re.search(r"[A-Za-z0-9]", text)) and len(text) > 1:
        yield f"{text[: found.start()]}{_turned(found[0])}{text[found.end() :]}", "with another beginning"
    if "/" in text and " " not in text:
        yield f"{'/' if text.startswith('/') else ''}other/{text.lstrip('/')}", "in another folder"


def _turned(char: str) -> str:
    if char.isdigit():
        return str(int(char) % 9 + 1)
    return chr(ord(char) - 1) if char in "zZ" else chr(ord(char) + 1)


# -- what is cut off


def _grown(name: str, value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """A longer value, and one that differs from it at its end."""
    if isinstance(value, str) and "enum" not in schema and not _is_of_a_form(value):
        for length in LENGTHS:
            if length > len(value):
                filled = _filled(value, length, is_prose=" " in value or any(map(PROSE.fullmatch, words_of(name))))
                yield f"{filled}1", f"{filled}2", f"of {length:,} characters with another end"
    elif isinstance(value, (list, tuple)) and value:
        for size in SIZES:
            if size > len(value) and len(items := list(_continued(list(value), size + 1))) > size:
                other = type(value)([*items[: size - 1], items[size]])
                yield type(value)(items[:size]), other, f"with another end of {size} members"


def _is_of_a_form(text: str) -> bool:
    return (
        any(text in words for words in WORDS)
        or any(pattern.fullmatch(text) for pattern in (EMAIL, DATE, re.compile(r"[\d.,+\- ]*|[0-9a-fA-F-]{32,}")))
        or "://" in text
    )


def _filled(text: str, length: int, *, is_prose: bool) -> str:
    if not is_prose:
        return (text * (length // len(text)))[: length - 1] if text else "x" * (length - 1)
    return f"{text}\n{LINE * (length // len(LINE) + 1)}"[: length - 1].rstrip()


def _continued(items: list[Any], size: int) -> Iterator[Any]:
    """These, and more that are like the last."""
    yield from items
    for number in range(2, size - len(items) + 2):
        made = _numbered(items[-1], number)
        if made is None:
            return
        yield made


def _numbered(item: Any, number: int) -> Any:
    """Another one for each number; None where it is of no known kind."""
    if isinstance(item, str):
        if EMAIL.fullmatch(item):
            return item.replace("@", f"{number}@", 1)
        digits = re.search(r"\d+(?=\D*$)", item)
        return f"{item[: digits.start()]}{int(digits[0]) + number}{item[digits.end() :]}" if digits else f"{item}{number}"
    if isinstance(item, (int, float, Decimal)) and not isinstance(item, bool):
        return item + number
    if isinstance(item, dict):
        for key, part in item.items():
            if (made := _numbered(part, number)) is not None:
                return {**item, key: made}
    return None


# -- what stands between two


def _boundaries(arguments: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> Iterator[NearMiss]:
    """`ab` and `c` for `a` and `bc`: one text, where nothing stands between them."""
    names = [name for name in parameters if isinstance(arguments.get(name), (str, int)) and not isinstance(arguments[name], bool)]
    pairs = list(itertools.pairwise(names))[:PAIRS]
    for first, second in (*pairs, *((second, first) for first, second in pairs)):
        for one, other in _moved(arguments[first], arguments[second]):
            if is_valid(parameters[first], one) and is_valid(parameters[second], other):
                given = {**arguments, first: one, second: other}
                yield NearMiss(f"{first} and {second}", arguments, given, "with the same letters, parted elsewhere")
                break
    for first, second in pairs:
        yield from _exchanged(arguments, parameters, first, second)
        for one, other in ((first, second), (second, first)):
            yield from _joined(arguments, parameters, one, other)


def _exchanged(arguments: Mapping[str, Any], parameters: Mapping[str, Parameter], first: str, second: str) -> Iterator[NearMiss]:
    """From the savings to the giro for from the giro to the savings."""
    one, other = arguments[first], arguments[second]
    if type(one) is type(other) and one != other and is_valid(parameters[first], other) and is_valid(parameters[second], one):
        yield NearMiss(f"{first} and {second}", arguments, {**arguments, first: other, second: one}, "exchanged")


def _joined(arguments: Mapping[str, Any], parameters: Mapping[str, Parameter], first: str, second: str) -> Iterator[NearMiss]:
    """`a:b` and `c` for `a` and `b:c`: one text, where a colon stands between them that may stand in them, too.

    Not in an address, a date or a number: nobody would have approved such a one.
    """
    one, other = arguments[first], arguments[second]
    if not (isinstance(one, str) and isinstance(other, str) and one and other) or _is_of_a_form(one) or _is_of_a_form(other):
        return
    for separator in SEPARATORS:
        longer = f"{one}{separator}{other}", f"{other}{separator}{other}"
        if is_valid(parameters[first], longer[0]) and is_valid(parameters[second], longer[1]):
            approved, given = {**arguments, first: longer[0]}, {**arguments, second: longer[1]}
            yield NearMiss(f"{first} and {second}", approved, given, f"parted at another {separator!r}")


def _moved(one: str | int, other: str | int) -> Iterator[tuple[str | int, str | int]]:
    left, right = str(one), str(other)
    for first, second in ((left[:-1], left[-1:] + right), (left + right[:1], right[1:])):
        made = _as(one, first), _as(other, second)
        if first and second and None not in made and (str(made[0]), str(made[1])) == (first, second) and first != left:
            yield made[0], made[1]  # type: ignore[misc]


def _as(like: str | int, text: str) -> str | int | None:
    if isinstance(like, str):
        return text
    try:
        return int(text)
    except ValueError:
        return None
