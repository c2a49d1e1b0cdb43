"""The texts among a tool's arguments, each with a way to put another in its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.arguments.names import words_of
from pytest_agentready.arguments.plausible import value_for
from pytest_agentready.domain import Parameter, Tool

Keys = tuple[Any, ...]
DEPTH = 3  # of parts in parts
MODEL = "model_dump"  # what pydantic's models have


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text that a tool is given: an argument, or a part of one."""

    parameter: Parameter
    keys: Keys  # where it stands in the argument; none: it is the argument
    value: str
    whole: Any  # the argument, as JSON has it
    given: Mapping[str, Any]  # all arguments of the normal call
    as_json: bool  # the tool takes what JSON has; else it has to be made of it

    @property
    def name(self) -> str:
        """`url`, or the part of an argument that is called so."""
        named = [key for key in self.keys if isinstance(key, str)]
        return named[-1] if named else self.parameter.name

    @property
    def words(self) -> list[str]:
        return words_of(self.name)

    def arguments(self, value: str) -> dict[str, Any] | None:
        """Those of a call with this text; None where the argument's type refuses it."""
        whole = _replaced(self.whole, self.keys, value)
        if not self.as_json:
            try:
                whole = self.parameter.read(whole)
            except Exception:  # a validator of the user's own raises what it likes
                return None
        return {**self.given, self.parameter.name: whole}


def texts_of(tool: Tool) -> tuple[Text, ...]:
    """Of the first set of arguments, and of the parameters that it leaves out."""
    given = (tool.facts.args or ({},))[0]
    named = {parameter.name for parameter in tool.interface().parameters}
    by_keywords = [Parameter(name) for name in given if name not in named]  # `**kwargs` takes them
    return tuple(text for parameter in (*tool.interface().offered, *by_keywords) for text in _of(parameter, given))


def _of(parameter: Parameter, given: Mapping[str, Any]) -> Iterator[Text]:
    value = given[parameter.name] if parameter.name in given else _usual(parameter)
    plain = _plain(value)
    as_json = plain is value or (parameter.name not in given and _takes_json(parameter, plain))
    for keys, text in _leaves(plain, ()):
        yield Text(parameter, keys, text, plain, given, as_json)


def _usual(parameter: Parameter) -> Any:
    """What a parameter would be given that the call leaves out."""
    if parameter.default is not None:
        return parameter.default
    try:
        return value_for(parameter) if parameter.schema else None
    except Exception:  # a schema of the user's own making
        return None


def _takes_json(parameter: Parameter, value: Any) -> bool:
    try:
        return bool(parameter.read(value) == value)
    except Exception:  # likewise
        return True


def _plain(value: Any) -> Any:
    """As JSON has it. A path, a URL or an address is its text, a model its parts."""
    if isinstance(value, (str, int, float, type(None))):
        return value
    if type(value) in (list, dict):
        return value
    if callable(dump := getattr(type(value), MODEL, None)):
        try:
            return dump(value, mode="json")
        except Exception:  # of the user's own serializers
            return None
    return str(value) if type(value).__module__.partition(".")[0] in ("pathlib", "pydantic", "pydantic_core", "yarl", "httpx") else None


def _leaves(value: Any, keys: Keys) -> Iterator[tuple[Keys, str]]:
    if isinstance(value, str):
        yield keys, str(value)
    elif len(keys) < DEPTH and isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, (*keys, key))
    elif len(keys) < DEPTH and isinstance(value, list) and value:
        yield from _leaves(value[0], (*keys, 0))


def _replaced(whole: Any, keys: Keys, value: str) -> Any:
    if not keys:
        return value
    changed = copy.deepcopy(whole)
    part = changed
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    return changed
