"""One plausible set of arguments for a tool whose marker gives none: what a person would write, and the same each time.

What is optional is left out. An example of the schema's or the description's own wins over everything that is made up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Set
from typing import Any

from pytest_agentready.arguments.names import flag_for, is_numeric, number_for, text_for, words_of
from pytest_agentready.arguments.patterns import matching
from pytest_agentready.domain import Parameter, Tool

UUID = "7d9f1c1e-3b0a-4c55-9a7e-2f6d1f0c8b11"
FORMATS = {
    **dict.fromkeys(("email", "idn-email"), "ada@example.com"),
    **dict.fromkeys(("uri", "url"), "https://example.com/"),
    **dict.fromkeys(("uuid", "uuid1", "uuid3", "uuid4", "uuid5"), UUID),
    **dict.fromkeys(("path", "file-path"), "notes.txt"),
    **dict.fromkeys(("ipv4", "ipvanyaddress"), "192.0.2.1"),
    **dict.fromkeys(("byte", "base64url"), "SGVsbG8="),
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:00:00Z",
    "time": "09:00:00Z",
    "duration": "PT1H",
    "hostname": "example.com",
    "ipv6": "2001:db8::1",
    "directory-path": ".",
    "json-string": "{}",
    "binary": "Hello",
    "regex": "hello",
}
EXAMPLE = re.compile(
    r"\b(?:e\.\s?g\.|eg\b|for example|for instance|examples?:|example input:|such as|like(?=\s+[\"'`]))[,:]?\s*", re.IGNORECASE
)
QUOTED = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|`([^`]+)`|\u201c([^\u201d]+)\u201d)")
BARE = re.compile(r"\s*([^,;()\[\]{}\n]+?)(?=\s*(?:[,;()\[\]{}\n]|\.(?:\s|$)|\s+(?:or|and|for|to)\s|$))")
DEPTH = 8  # of objects in objects: a schema may contain itself


class CannotMake(Exception):
    """No JSON gives this argument; the message names the parameter, its type, and what to write."""


def arguments_for(tool: Tool) -> dict[str, object]:
    """The required arguments, as the tool gets them: a `date` is a date. Raises CannotMake, with everything that is missing."""
    interface = tool.interface()
    around = {word for name in (tool.name.rpartition(".")[2], *(p.name for p in interface.parameters)) for word in words_of(name)}
    made: dict[str, object] = {}
    problems: list[str] = []
    for parameter in interface.parameters:
        if parameter.left_to_framework:
            made[parameter.name] = parameter.default
        if not parameter.required:
            continue
        if parameter.obstacle:
            problems.append(f"{_named(parameter)} {parameter.obstacle}")
            continue
        try:
            made[parameter.name] = parameter.read(value_for(parameter, around))
        except Exception as refusal:  # a validator of the user's own raises what it likes
            reason = " ".join(str(refusal).split())
            problems.append(f"{_named(parameter)} refuses what could be made up ({reason[:120]})")
    if problems:
        written = [
            f"{p.name!r}: {made[p.name]!r}" if p.name in made else f"{p.name!r}: ..."
            for p in interface.parameters
            if p.required or p.name in made
        ]
        raise CannotMake(f"{'; '.join(problems)}: write args={{{', '.join(written)}}}")
    return made


def value_for(parameter: Parameter, around: Set[str] = frozenset()) -> Any:
    """A plausible value, in JSON, whether the parameter is required or not."""
    return _Maker(parameter.schema.get("$defs", {}), around).value(parameter.schema, parameter.name, parameter.description, 0)


def value_of(schema: Mapping[str, Any], name: str) -> Any:
    """A plausible value for a part of a parameter; the schema has its own "$defs"."""
    return _Maker(schema.get("$defs", {}), frozenset()).value(schema, name, "", 0)


def _named(parameter: Parameter) -> str:
    return f"{parameter.name} ({parameter.type})" if parameter.type else parameter.name


class _Maker:
    def __init__(self, definitions: Mapping[str, Any], around: Set[str]) -> None:
        self.definitions = definitions
        self.around = around

    def value(self, schema: Mapping[str, Any], name: str, description: str, depth: int) -> Any:
        schema = resolved(schema, self.definitions)
        description = description or str(schema.get("description", ""))
        if (given := _given(schema)) is not None:
            return given
        if alternatives := schema.get("anyOf") or schema.get("oneOf"):
            return self.value(_first(alternatives), name, description, depth)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind is None and is_numeric(name):
            kind = "number"
        match kind:
            case "integer" | "number":
                return _number(schema, kind, name, description)
            case "boolean":
                return flag_for(name)
            case "null":
                return None
            case "array":
                return self._array(schema, name, description, depth)
            case "object":
                return self._object(schema, name, depth)
            case _:
                return _text(schema, name, description, self.around)

    def _array(self, schema: Mapping[str, Any], name: str, description: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.value(item, name, "", depth + 1) for item in schema["prefixItems"]]
        count = max(1, schema.get("minItems", 1)) if depth < DEPTH else schema.get("minItems", 0)
        made = [self.value(schema.get("items", {}), name, description, depth + 1) for _ in range(count)]
        if schema.get("uniqueItems") and count > 1:
            made = [_varied(item, number) for number, item in enumerate(made)]
        return made

    def _object(self, schema: Mapping[str, Any], name: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        if depth > DEPTH:
            return {}
        made = {key: self.value(properties.get(key, {}), key, "", depth + 1) for key in schema.get("required", ())}
        if not properties and isinstance(extra := schema.get("additionalProperties"), Mapping):
            made = {"key": self.value(extra, name, "", depth + 1)}
        return made


def _given(schema: Mapping[str, Any]) -> Any:
    """What the schema itself says to take."""
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    return schema.get("const", schema.get("example"))


def resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the reference that it is, or the one that it extends."""
    for _ in range(DEPTH):
        if "$ref" in schema:
            named = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
            schema = {**named, **{key: value for key, value in schema.items() if key != "$ref"}}
        elif "allOf" in schema:
            merged: dict[str, Any] = {}
            for part in schema["allOf"]:
                merged |= resolved(part, definitions)
            schema = merged | {key: value for key, value in schema.items() if key != "allOf"}
        else:
            break
    return schema


def _first(alternatives: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first that is not null: who gives the argument gives it a value."""
    return next((one for one in alternatives if one.get("type") != "null"), alternatives[0])


def _number(schema: Mapping[str, Any], kind: str, name: str, description: str) -> float:
    whole = kind == "integer"
    example = told(description)
    value: float
    try:
        value = float(example) if example else number_for(name, description)
    except ValueError:
        value = number_for(name, description)
    step = schema.get("multipleOf", 1 if whole else 0)
    least = schema.get("minimum", schema["exclusiveMinimum"] + (step or 0.01) if "exclusiveMinimum" in schema else -math.inf)
    most = schema.get("maximum", schema["exclusiveMaximum"] - (step or 0.01) if "exclusiveMaximum" in schema else math.inf)
    value = min(max(value, least), most)
    if step:
        value = (round(value / step) or (1 if value else 0)) * step
        value = value + step if value < least else value - step if value > most else value
    return int(value) if whole else value


def _text(schema: Mapping[str, Any], name: str, description: str, around: Set[str]) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    pattern = schema.get("pattern")
    usual = FORMATS.get(schema.get("format", ""))
    candidates = [told(description), text_for(name, description, around)]
    if usual is not None:
        # A name may know better than the format: an image's URL, a birthday.
        candidates = [candidate for candidate in candidates if _alike(candidate, usual)] + [usual]
    if pattern and (made := matching(pattern)) is not None:
        candidates = [candidate for candidate in candidates if re.search(pattern, candidate)] + [made]
    for candidate in candidates:
        if candidate and least <= len(candidate) <= most:
            return candidate
    return _stretched(next(filter(None, candidates)), least, most)


def _alike(candidate: str, usual: str) -> bool:
    """Is it another one of the same kind: an address, a link, or digits in the same places?"""
    for sign in ("@", "://"):
        if sign in usual:
            return sign in candidate
    return usual[:1].isdigit() and re.sub(r"\d", "0", candidate) == re.sub(r"\d", "0", usual)


def _stretched(text: str, least: int, most: float) -> str:
    while len(text) < least:
        text = f"{text} {text}"
    if len(text) > most:
        text = text[: int(most)].strip() or text[: int(most)]
    return text.ljust(least, "x")


def told(description: str) -> str:
    """What the description gives as an example: `Oslo` of "The city, e.g. Oslo or Bergen"."""
    if match := EXAMPLE.search(description):
        rest = description[match.end() :]
        if quoted := QUOTED.match(rest):
            return str(next(filter(None, quoted.groups())))
        if (bare := BARE.match(rest)) and len(bare[1].split()) <= 4:
            return bare[1].strip().strip("\"'`")
    return ""


def _varied(item: Any, number: int) -> Any:
    if isinstance(item, str):
        return item if not number else f"{item}{number + 1}"
    return item + number if isinstance(item, (int, float)) and not isinstance(item, bool) else item
