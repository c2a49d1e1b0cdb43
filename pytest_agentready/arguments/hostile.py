"""Arguments that break the schema of one parameter, the simplest of each kind first: null, a wrong type, out of bounds, a part missing.

Nothing is drawn by lot. The same schema gives the same values, so that the first one that does harm is the simplest one
that does, and needs no shrinking. What pydantic would coerce ("7" for an integer) is no violation, nor is what Python's
own binding refuses before the tool is reached. A model sends JSON, so that everything here is JSON.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_agentready.arguments.plausible import resolved, value_for, value_of
from pytest_agentready.domain import Interface, Parameter

CALLS = 40  # of one tool
DEPTH = 3  # of parts in parts that are broken
WORD = "abc"
WRONG: Mapping[str, tuple[Any, ...]] = {
    "null": (),
    "string": (None, [], {}),
    "integer": (None, "", WORD, [], {}, 1.5),
    "number": (None, "", WORD, [], {}),
    "boolean": (None, WORD, [], 2),
    "array": (None, WORD, "", {}, 1),
    "object": (None, WORD, "", [], 1),
}
ANY_WRONG: tuple[Any, ...] = (None, WORD, "", [], {}, 1)


def violations(interface: Interface, arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Pairs of a parameter's name and a value that violates it, the parameters in turn. `arguments` are valid ones."""
    # Of a deeply nested model there are many thousands: no more are made than can be called for.
    each = [
        [(parameter.name, value) for value in itertools.islice(violations_of(parameter, arguments), CALLS)]
        for parameter in interface.offered
    ]
    rounds = itertools.chain.from_iterable(itertools.zip_longest(*each))
    return list(itertools.islice((pair for pair in rounds if pair is not None), CALLS))


def violations_of(parameter: Parameter, arguments: Mapping[str, Any]) -> Iterator[Any]:
    """None at all for what has no type, and for what has to be converted first: who converts it refuses it."""
    if not parameter.schema or not is_taken_as_json(parameter, arguments):
        return
    given = arguments.get(parameter.name)
    valid = given if parameter.name in arguments and _is_json(given) else value_for(parameter)
    seen: set[str] = set()
    for value in _Breaker(parameter.schema.get("$defs", {})).broken(parameter.schema, parameter.name, valid, 0):
        text = json.dumps(value, sort_keys=True)
        if text not in seen and _violates(parameter, value):
            yield value
        seen.add(text)


def is_taken_as_json(parameter: Parameter, arguments: Mapping[str, Any]) -> bool:
    """Does the tool take the argument as JSON has it? A date, a model or an enum's member has to be made of it first."""
    if parameter.name in arguments and _is_json(arguments[parameter.name]):
        return True
    try:
        return _is_json(parameter.read(value_for(parameter)))
    except Exception:  # a validator of the user's own that refuses every guess, and raises what it likes
        return False


def _is_json(value: object) -> bool:
    if type(value) is dict:
        return all(type(key) is str and _is_json(part) for key, part in value.items())
    if type(value) is list:
        return all(map(_is_json, value))
    return value is None or type(value) in (str, int, float, bool)


def _violates(parameter: Parameter, value: object) -> bool:
    if not parameter.required and type(value) is type(parameter.default) and value == parameter.default:
        return False  # `cc: str = None` allows what it defaults to
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _is_readable(parameter, str(value)):
        return False  # a number is as good as its text
    return not _is_readable(parameter, value)


def _is_readable(parameter: Parameter, value: object) -> bool:
    try:
        parameter.read(value)
    except ValueError:
        return False
    except Exception:  # a validator of the user's own that expects a valid value
        return True
    return True


class _Breaker:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions

    def broken(self, schema: Mapping[str, Any], name: str, valid: Any, depth: int) -> Iterator[Any]:
        """Candidates: what the schema allows after all is sorted out by who asks."""
        schema = resolved(schema, self.definitions)
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives:
            for alternative in alternatives:
                yield from self.broken(alternative, name, valid, depth)
            return
        kind = schema.get("type")
        yield from WRONG.get(kind, ANY_WRONG) if isinstance(kind, str) else ANY_WRONG if schema else ()
        yield from _out_of_bounds(schema, valid)
        if depth < DEPTH and kind == "array":
            yield from self._broken_items(schema, name, valid, depth)
        if depth < DEPTH and kind == "object":
            yield from self._broken_properties(schema, valid, depth)

    def _broken_items(self, schema: Mapping[str, Any], name: str, valid: Any, depth: int) -> Iterator[Any]:
        items = schema.get("items")
        if not items:
            return
        whole = valid if isinstance(valid, list) and valid else [value_of({**items, "$defs": self.definitions}, name)]
        for part in self.broken(items, name, whole[0], depth + 1):
            yield [part, *whole[1:]]

    def _broken_properties(self, schema: Mapping[str, Any], valid: Any, depth: int) -> Iterator[Any]:
        whole = valid if isinstance(valid, dict) and valid else value_of({**schema, "$defs": self.definitions}, "")
        for key in schema.get("required", ()):
            yield {other: part for other, part in whole.items() if other != key}
        for key, part in schema.get("properties", {}).items():
            for broken in self.broken(part, key, whole.get(key), depth + 1):
                yield {**whole, key: broken}
        if schema.get("additionalProperties") is False:
            yield {**whole, "unexpected": 1}
        elif isinstance(extra := schema.get("additionalProperties"), Mapping):
            for broken in self.broken(extra, "", None, depth + 1):
                yield {**whole, "key": broken}


def _out_of_bounds(schema: Mapping[str, Any], valid: Any) -> Iterator[Any]:
    if "enum" in schema or "const" in schema:
        yield from ("", WORD, -1)
        yield from _near_misses(valid)
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maximum" in schema:
        yield schema["maximum"] + 1
    for key in ("exclusiveMinimum", "exclusiveMaximum"):
        if key in schema:
            yield schema[key]
    if "multipleOf" in schema:
        yield schema["multipleOf"] + 1
    if "pattern" in schema or "format" in schema:
        yield from ("", WORD)
        yield from _near_misses(valid)
    if schema.get("minLength"):
        yield "x" * (schema["minLength"] - 1)
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if isinstance(valid, list) and valid:
        yield valid[: max(0, schema.get("minItems", 0) - 1)]
        if "maxItems" in schema:
            yield [valid[0]] * (schema["maxItems"] + 1)
        if schema.get("uniqueItems"):
            yield [valid[0]] * 2


def _near_misses(valid: Any) -> Iterator[Any]:
    """A guard may look at the beginning alone; and models write OPEN for open."""
    if isinstance(valid, str) and valid:
        yield from (f"{valid}x", valid[:-1], valid.swapcase())
