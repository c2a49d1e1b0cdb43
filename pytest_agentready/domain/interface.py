"""What a model is shown of a tool: its description and its parameters, each with a JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


def _as_it_is(value: object) -> object:
    return value


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a tool."""

    name: str
    required: bool = True
    type: str = ""  # as its owner wrote it: "str", "list[Item]"; "" where it is not annotated
    schema: Mapping[str, Any] = field(default_factory=dict)  # with its own "$defs"; empty where there is no type to go by
    description: str = ""
    default: object = None  # what it is where it is left out
    left_to_framework: bool = False  # the default stands in a `Field(...)`: a call from Python has to give it
    obstacle: str = ""  # why no JSON makes it, so that it is not the model's to fill; "" where it is
    read: Callable[[object], object] = _as_it_is  # from JSON to what the tool gets; raises ValueError where the schema is violated

    @property
    def is_models(self) -> bool:
        """Is it the model that fills it, and not the framework (a context, a session, a request)?"""
        return not self.obstacle


@dataclass(frozen=True, slots=True)
class Interface:
    """The description and the parameters of a tool."""

    description: str = ""
    parameters: tuple[Parameter, ...] = ()

    @property
    def offered(self) -> tuple[Parameter, ...]:
        """The parameters that the model fills."""
        return tuple(parameter for parameter in self.parameters if parameter.is_models)

    @property
    def schema(self) -> dict[str, Any]:
        """One JSON Schema of all that the model fills, as a provider's API takes it."""
        properties: dict[str, Any] = {}
        definitions: dict[str, Any] = {}
        for parameter in self.offered:
            own = {key: value for key, value in parameter.schema.items() if key != "$defs"}
            definitions.update(parameter.schema.get("$defs", {}))
            properties[parameter.name] = own | ({"description": parameter.description} if parameter.description else {})
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if required := [parameter.name for parameter in self.offered if parameter.required]:
            schema["required"] = required
        return schema | ({"$defs": definitions} if definitions else {})
