"""A model knows of a tool what its description says, and of a parameter what is said of it: it guesses the rest.

An undescribed tool is called when it should not be, or not at all. An undescribed `date` is sent as "tomorrow", an `amount`
in the wrong unit. Frameworks take both from the docstring, from `Annotated`, or from `Field(description=...)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pytest_agentready.domain import Check, Finding, Judgement, Parameter, Severity, Tool, listed

check = Check(
    id="AR108",
    title="The tool, or a parameter of it, has no description",
    severity=Severity.LOW,
    profile="standard",
    fix="Write a docstring: one sentence on what the tool does, and under `Args:` one line on each parameter, with its unit and format.",
    since="0.1",
    static=True,
)


@check
def judge(tool: Tool) -> Iterator[Judgement]:
    interface = tool.interface()
    bare = [parameter for parameter in interface.offered if not _is_described(parameter)]
    names = listed([parameter.name for parameter in bare])
    lacks = "" if interface.description else "it has no description"
    if bare and lacks:
        lacks = f"{lacks}, and neither {'has its parameter' if len(bare) == 1 else 'have its parameters'} {names}"
    elif bare:
        lacks = f"its parameter{'s' * (len(bare) > 1)} {names} {'has' if len(bare) == 1 else 'have'} no description"
    if lacks:
        evidence = {"description": interface.description, "undescribed": [parameter.name for parameter in bare]}
        yield Finding(lacks, where=tool.source, evidence=evidence, fix=_remedy(interface.description, bare))


def _is_described(parameter: Parameter) -> bool:
    """By itself, or by what is said of all that it is made of."""
    return bool(parameter.description) or _says_all(parameter.schema, parameter.schema.get("$defs", {}))


def _says_all(schema: Any, definitions: Any, depth: int = 4) -> bool:
    """Has the schema a description of its own, or has each of its properties one?"""
    if "$ref" in schema:
        schema = definitions.get(schema["$ref"].rpartition("/")[2], {}) | {k: v for k, v in schema.items() if k != "$ref"}
    if schema.get("description"):
        return True
    parts = [*schema.get("properties", {}).values(), *(one for one in schema.get("anyOf", ()) if one.get("type") != "null")]
    if isinstance(schema.get("items"), dict):
        parts.append(schema["items"])
    return depth > 0 and bool(parts) and all(_says_all(part, definitions, depth - 1) for part in parts)


def _remedy(description: str, bare: list[Parameter]) -> str:
    """The lines to add, ready to be filled in."""
    lines = [] if description else ['a first line, such as "Look up the status of an order."']
    lines += [f'"{parameter.name}: ..."' for parameter in bare]
    return f"Add to the docstring {listed(lines)}{', the parameters under `Args:`' if bare else ''}."


@check.passes
def with_every_parameter_described(city: str, days: Annotated[int, "How many days, from 1 to 7"] = 3) -> str:
    """The weather forecast of a city.

    Args:
        city: The city's name in English, such as Oslo.
    """
    return f"{city}: {days} days of rain"


@check.fails
def with_its_name_alone(city: str, days: int = 3) -> str:
    return f"{city}: {days} days of rain"
