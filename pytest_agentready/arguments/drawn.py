"""Strategies of hypothesis for calls that break a tool's own schema in ways that nobody lists beforehand.

At least one parameter is wrong: it, or a part deep inside it, is odd text, an extreme number, another kind of JSON, or lacks
something. Others are wrong as well now and then, or valid but unlike the normal call, which may lead a tool elsewhere. The plain
comes first everywhere, for that is what hypothesis shrinks to. What it would take seconds for, and write files, is avoided: the
tables of Unicode behind `text()` and `characters()`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pytest_agentready.arguments.hostile import CALLS, is_readable, is_violation, violations_of
from pytest_agentready.arguments.plausible import value_for
from pytest_agentready.arguments.valid import valid_values
from pytest_agentready.domain import Interface, Parameter

Draw = Callable[[st.SearchStrategy[Any]], Any]

DEPTH = 4  # of parts in parts that are broken, or made up
SIGNS = ("a", "0", " ", "\n", "\x00", "/", "%", "'", "\u0663", "\U0001f4a5", "\ud800")
TEXTS = ("", "a", "0", "-1", "NaN", "1e400", "../..", "null", "9" * 40, "a" * 300)
NUMBERS = (0, 1, -1, 0.5, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, 1e308, 5e-324)
LEAVES: tuple[Any, ...] = (None, False, True, 0, 1, -1, 0.5, "", "a", "0")
# Nothing is odd inside: odd text does harm wherever it stands, and is not what violates a schema that asks for a number.
PLAIN: tuple[Any, ...] = (*LEAVES, [], {}, *([leaf] for leaf in LEAVES), *({"a": leaf} for leaf in LEAVES), [[]], [{}])
FATES = ("stays", "stays", "alike", "wrong", "varies", "varies")  # of the other parameters


@dataclass(frozen=True, slots=True)
class Attempt:
    """The arguments that differ from the normal call's."""

    wrong: Mapping[str, Any]  # they violate the schema
    varied: Mapping[str, Any]  # they are valid


def attempts(interface: Interface, arguments: Mapping[str, Any]) -> st.SearchStrategy[Attempt] | None:
    """None where there is nothing to draw. `arguments` are the normal call's."""
    known = {parameter.name: list(itertools.islice(violations_of(parameter, arguments), CALLS)) for parameter in interface.offered}
    parameters = {parameter.name: parameter for parameter in interface.offered if known[parameter.name]}
    if not parameters:
        return None
    names = list(parameters)
    wrong = {name: _wrong(parameter, arguments, known[name], len(names) == 1) for name, parameter in parameters.items()}
    valid = {name: valid_values(parameter, arguments.get(name, parameter.default)) for name, parameter in parameters.items()}

    @st.composite
    def attempt(draw: Draw) -> Attempt:
        first = draw(st.sampled_from(names))
        value = draw(wrong[first])
        found: dict[str, Any] = {first: value}
        varied: dict[str, Any] = {}
        for name in names:
            fate = draw(st.sampled_from(FATES)) if name != first else "stays"
            if fate == "alike" and is_violation(parameters[name], value):
                found[name] = value
            elif fate in ("wrong", "alike"):
                found[name] = draw(wrong[name])
            elif fate == "varies" and is_readable(parameters[name], made := draw(valid[name])):
                varied[name] = made
        return Attempt(found, varied)

    return attempt()


def _wrong(parameter: Parameter, arguments: Mapping[str, Any], known: list[Any], alone: bool) -> st.SearchStrategy[Any]:
    """Nothing is rejected: where what is bent is valid after all, something plain is taken. `alone`, the known ones have been tried."""
    others = [value for value in PLAIN if not _is_among(value, known) and is_violation(parameter, value)]
    plain = st.sampled_from(others if alone and others else [*known, *others])
    bent = _bent(arguments[parameter.name] if parameter.name in arguments else value_for(parameter))

    @st.composite
    def wrong(draw: Draw) -> Any:
        value = draw(plain | bent)
        return value if is_violation(parameter, value) else draw(plain)

    return wrong()


def _is_among(value: Any, known: list[Any]) -> bool:
    """By their JSON: to Python, true is 1."""
    return json.dumps(value) in map(json.dumps, known)


def _bent(value: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """What is nearly right gets past a guard that looks at the beginning, or at the outermost type."""
    match value:
        case str():
            return _bent_text(value)
        case int() | float() if not isinstance(value, bool):
            return st.sampled_from(NUMBERS) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        case list() if value and depth < DEPTH:
            return _bent_list(value, depth)
        case dict() if value and depth < DEPTH:
            return _bent_object(value, depth)
        case _:
            return st.sampled_from(PLAIN)


def _bent_text(text: str) -> st.SearchStrategy[str]:
    places = st.sampled_from([len(text), 0, len(text) // 2])
    inserted = st.tuples(places, st.sampled_from(SIGNS)).map(lambda at: text[: at[0]] + at[1] + text[at[0] :])
    return st.sampled_from(TEXTS) | inserted


def _bent_list(them: list[Any], depth: int) -> st.SearchStrategy[Any]:
    whole = st.sampled_from([[], them[:-1], [*them, None], [*them, *them]])
    first = st.sampled_from(PLAIN) | _bent(them[0], depth + 1)
    return whole | first.map(lambda part: [part, *them[1:]])


def _bent_object(it: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    keys = list(it)

    @st.composite
    def bent(draw: Draw) -> Any:
        if draw(st.booleans()):
            key = draw(st.sampled_from(keys))
            return {**it, key: draw(st.sampled_from(PLAIN) | _bent(it[key], depth + 1))}
        kept = draw(st.lists(st.sampled_from(keys), max_size=len(keys) - 1, unique=True))
        return {key: part for key, part in it.items() if key in kept}

    return bent()
