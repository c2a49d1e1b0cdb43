"""Strategies of hypothesis for values that follow a parameter's schema: what a tool may as well be called with.

Text is what a person would write: odd text that is valid proves nothing about violations. Numbers, members of an enumeration,
parts that may be left out and the lengths of lists are drawn.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from pytest_agentready.arguments.plausible import resolved, value_of
from pytest_agentready.domain import Parameter

DEPTH = 4  # of parts in parts
LONGER = 2  # items than a list must have


def valid_values(parameter: Parameter, usual: Any) -> st.SearchStrategy[Any]:
    """Nearly all of them are valid: a validator of the user's own may refuse some. Of few, `usual` is left out."""
    definitions = parameter.schema.get("$defs", {})
    schema = resolved(parameter.schema, definitions)
    members = [False, True] if schema.get("type") == "boolean" else schema.get("enum", [])
    if others := [member for member in members if member != usual]:
        return st.sampled_from(others)
    return _values(schema, parameter.name, definitions, 0)


def _values(schema: Mapping[str, Any], name: str, definitions: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    schema = resolved(schema, definitions)
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return st.one_of([_values(one, name, definitions, depth) for one in alternatives])
    match schema.get("type"):
        case "integer" | "number" as kind:
            return _numbers(schema, whole=kind == "integer")
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array" if isinstance(schema.get("items"), Mapping) and depth < DEPTH:
            least = schema.get("minItems", 0)
            items = _values(schema["items"], name, definitions, depth + 1)
            most = min(schema.get("maxItems", math.inf), least + LONGER)
            return st.lists(items, min_size=least, max_size=most, unique_by=json.dumps if schema.get("uniqueItems") else None)
        case "object" if schema.get("properties") and depth < DEPTH:
            parts = {key: _values(part, key, definitions, depth + 1) for key, part in schema["properties"].items()}
            needed = {key: part for key, part in parts.items() if key in schema.get("required", ())}
            return st.fixed_dictionaries(needed, optional={key: part for key, part in parts.items() if key not in needed})
        case _:
            return st.just(value_of({**schema, "$defs": definitions}, name))


def _numbers(schema: Mapping[str, Any], *, whole: bool) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum", schema.get("exclusiveMaximum"))
    if not whole and "multipleOf" not in schema:
        return st.floats(least, most, allow_nan=False, allow_infinity=False)
    step = schema.get("multipleOf", 1)
    low = None if least is None else math.ceil(least / step)
    high = None if most is None else math.floor(most / step)
    return st.integers(low, high).map(lambda number: number * step)
