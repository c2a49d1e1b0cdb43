"""From a callable's signature to what a model is shown of it: descriptions, and a JSON Schema of each parameter, by pydantic."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any

from pytest_agentready.arguments.annotations import Unresolved, is_injected, modern, parts, resolved, signature_of, written
from pytest_agentready.arguments.descriptions import docstring_of, of_metadata, read_docstring
from pytest_agentready.domain import Interface, Parameter


def interface_of(call: Callable[..., Any], function: Any = None) -> Interface:
    """`function` is what the user wrote, below partials, decorators and bound methods: it has the names and the docstring."""
    function = call if function is None else function
    signature = signature_of(call)
    named = [] if signature is None else list(_named(signature))
    description, described = read_docstring(docstring_of(call, function), {parameter.name for parameter in named})
    return Interface(description, tuple(_parameter(parameter, function, described.get(parameter.name, "")) for parameter in named))


def _named(signature: inspect.Signature) -> Iterator[inspect.Parameter]:
    """`*args` and `**kwargs` are nothing that a model could be told of."""
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            yield parameter


def _parameter(parameter: inspect.Parameter, function: Any, described: str) -> Parameter:
    from pydantic.fields import FieldInfo

    annotation = object if parameter.annotation is parameter.empty else resolved(parameter.annotation, function)
    _, metadata = parts(annotation)
    # `limit: int = Field(10, le=50)`: a framework knows what to make of it, Python does not.
    field = parameter.default if isinstance(parameter.default, FieldInfo) else None
    required = parameter.default is parameter.empty if field is None else field.is_required()
    default = parameter.default if field is None else _default_of(field)
    bare = Parameter(
        name=parameter.name,
        required=required,
        type=written(parameter.annotation),
        description=described or of_metadata([*metadata, field]),
        default=None if required else default,
        left_to_framework=field is not None and not required,
    )
    if obstacle := _obstacle(annotation, metadata, parameter, function):
        return replace(bare, obstacle=obstacle)
    if parameter.annotation is parameter.empty and field is None:
        return bare
    return _typed(bare, annotation, field)


def _default_of(field: Any) -> Any:
    try:
        return field.get_default(call_default_factory=True)
    except Exception:  # a factory that needs what is not there yet
        return None


def _obstacle(annotation: Any, metadata: tuple[object, ...], parameter: inspect.Parameter, function: Any) -> str:
    if parameter.kind is parameter.POSITIONAL_ONLY:
        return "can be given by position alone, and a model names its arguments"
    if parameter.name == "self" and parameter.annotation is parameter.empty:
        return "is the object that the method belongs to: name the method of an object, `desk.book` and not `Desk.book`"
    if isinstance(annotation, Unresolved):
        return "is of a type that is not known when the tool runs"
    if is_injected(annotation, metadata, parameter.default, function):
        return "is handed over by the framework"
    return ""


def _typed(bare: Parameter, annotation: Any, constraints: Any) -> Parameter:
    """With its schema; the parameter is not the model's where no JSON can make its type."""
    try:
        if constraints is not None:
            annotation = Annotated[annotation, constraints]
        adapter = _adapter(annotation)
        schema = adapter.json_schema()
    except ImportError as missing:  # EmailStr needs a package of its own
        return replace(bare, obstacle=f"cannot be read ({missing})")
    except Exception:  # of pydantic's several, and of the user's own `__get_pydantic_core_schema__`
        return replace(bare, obstacle="is of a type that no JSON can make")

    def read(value: object) -> object:
        return adapter.validate_json(json.dumps(value))

    return replace(bare, schema=schema, read=read, description=bare.description or str(schema.get("description", "")))


def _adapter(annotation: Any) -> Any:
    import pydantic

    try:
        return pydantic.TypeAdapter(annotation)
    except pydantic.PydanticUserError as refusal:
        if refusal.code != "typed-dict-version":
            raise
        return pydantic.TypeAdapter(modern(annotation))
