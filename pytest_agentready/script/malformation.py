"""Arguments of a tool as a model writes them on a bad day."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

Malformation = Literal["truncated", "unclosed", "array", "types", "missing", "text", "empty"]

GARBAGE = ("unexpected", "not of this type")  # by which a value of a wrong type is known again: an object's key, and a text


def malformed(how: Malformation, arguments: dict[str, Any], schema: Mapping[str, Any]) -> str:
    match how:
        case "truncated":
            arguments = arguments or {"query": "a value"}
            last = json.dumps([*arguments.values()][-1])
            return json.dumps(arguments)[: -1 - max(1, len(last) // 2)]  # in the middle of the last value, as an end of the tokens cuts it
        case "unclosed":
            return json.dumps(arguments)[:-1]  # as a parser mends it that takes what there is
        case "array":
            return json.dumps(list(arguments.values()))
        case "types":
            known = schema.get("properties", {})
            return json.dumps({name: _of_another_type(value, known.get(name, {})) for name, value in arguments.items()})
        case "missing":
            return "{}"
        case "empty":
            return ""
        case "text":
            return ", ".join(f"{name} is {value}" for name, value in arguments.items()) or "as before"


def _of_another_type(value: Any, schema: Mapping[str, Any]) -> Any:
    """No coercion makes a text of an object, or anything else of this text."""
    kinds = schema.get("type") or ("string" if isinstance(value, str) else "")
    return {GARBAGE[0]: [value]} if "string" in ([kinds] if isinstance(kinds, str) else kinds) else GARBAGE[1]
