"""What a model is shown of a tool, for every way in which a signature is written."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import typing
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar

import pytest
import typing_extensions
from pydantic import BaseModel, Field, validate_call
from typing_extensions import TypedDict

from pytest_agentready.adapters.python import adapt
from pytest_agentready.domain import Interface, Parameter

if typing.TYPE_CHECKING:
    from somewhere import Elsewhere


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    sku: str
    pieces: int = Field(ge=1)


@dataclasses.dataclass
class Point:
    x: int


class Row(TypedDict):
    id: int


class OldRow(typing.TypedDict, total=False):
    id: int


class Session:
    pass


Deps = TypeVar("Deps")


class RunContext(Generic[Deps]):
    pass


class Depends:
    pass


class Desk:
    """Books rooms."""

    def book(self, room: str) -> None:
        """Book a room."""

    def __call__(self, room: str) -> None: ...


def interface(tool: object) -> Interface:
    adapted = adapt(tool)
    assert adapted is not None
    return adapted.interface()


def only(tool: object) -> Parameter:
    (parameter,) = interface(tool).parameters
    return parameter


def of(annotation: Any, default: Any = ...) -> Parameter:
    def tool(it): ...

    assert Optional  # named by annotations that are texts
    tool.__annotations__ = {"it": annotation}
    tool.__defaults__ = None if default is ... else (default,)
    return only(tool)


SCHEMAS: list[tuple[Any, dict[str, Any]]] = [
    (str, {"type": "string"}),
    ("int", {"type": "integer"}),
    ("Optional[int]", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    ("int | str", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
    (Annotated[int, Field(ge=1, le=5)], {"maximum": 5, "minimum": 1, "type": "integer"}),
    (datetime.date, {"format": "date", "type": "string"}),
    (datetime.datetime, {"format": "date-time", "type": "string"}),
    (uuid.UUID, {"format": "uuid", "type": "string"}),
    (list[str], {"items": {"type": "string"}, "type": "array"}),
    (dict[str, int], {"additionalProperties": {"type": "integer"}, "type": "object"}),
    (Any, {}),
]


@pytest.mark.parametrize(("annotation", "schema"), SCHEMAS, ids=lambda value: str(value)[:30])
def test_a_type_has_its_schema(annotation: Any, schema: dict[str, Any]) -> None:
    parameter = of(annotation)
    assert dict(parameter.schema) == schema
    assert parameter.is_models
    assert parameter.required


@pytest.mark.parametrize(
    ("annotation", "json", "value"),
    [
        (Color, "red", Color.RED),
        (Item, {"sku": "A", "pieces": 2}, Item(sku="A", pieces=2)),
        (Point, {"x": 1}, Point(1)),
        (Row, {"id": 1}, {"id": 1}),
        (OldRow, {}, {}),
        (list[OldRow], [{"id": 1}], [{"id": 1}]),
        ("Optional[OldRow]", None, None),
        (decimal.Decimal, "1.5", decimal.Decimal("1.5")),
        (datetime.date, "2026-01-15", datetime.date(2026, 1, 15)),
        (list[Item], [{"sku": "A", "pieces": 2}], [Item(sku="A", pieces=2)]),
        (int, "7", 7),
    ],
)
def test_json_is_read_as_what_the_tool_gets(annotation: Any, json: object, value: object) -> None:
    assert of(annotation).read(json) == value


def test_what_violates_the_schema_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        of(Item).read({"sku": "A", "pieces": 0})


@pytest.mark.parametrize(
    ("annotation", "default", "why"),
    [
        (Session, ..., "is of a type that no JSON can make"),
        ("Elsewhere", ..., "is of a type that is not known when the tool runs"),
        (Callable[[], int], ..., "is of a type that no JSON can make"),
        (Annotated[dict, typing.cast(Any, type("InjectedState", (), {}))], ..., "is handed over by the framework"),
        (str, Depends(), "is handed over by the framework"),
    ],
)
def test_what_no_model_can_give_is_not_the_models(annotation: Any, default: Any, why: str) -> None:
    parameter = of(annotation, default)
    assert not parameter.is_models
    assert parameter.obstacle == why


def test_a_context_is_told_by_its_class_unless_the_class_is_the_users_own() -> None:
    foreign = type("Context", (BaseModel,), {"__module__": "framework.core"})
    own = type("Context", (BaseModel,), {"__module__": "tests.shop"})
    assert of(foreign).obstacle == "is handed over by the framework"
    assert of(own).is_models


def test_an_unknown_name_does_not_hide_the_other_types() -> None:
    def tool(a: Elsewhere, b: int) -> None: ...

    first, second = interface(tool).parameters
    assert (first.is_models, second.schema) == (False, {"type": "integer"})


def test_a_class_that_was_made_in_a_function_is_found() -> None:
    class Inner(BaseModel):
        n: int

    def tool(it: Inner) -> object:
        return Inner

    assert only(tool).read({"n": 1}) == Inner(n=1)


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        (Desk().book, ["room"]),
        (Desk(), ["room"]),
        (functools.partial(lambda a, b: None, 1), ["b"]),
        (lambda *args, **kwargs: None, []),
        (validate_call(Desk().book), ["room"]),
        (len, []),
    ],
)
def test_parameters_of_methods_objects_partials_and_builtins(tool: object, names: list[str]) -> None:
    offered = interface(tool).offered
    assert [parameter.name for parameter in offered] == names


def test_positional_parameters_cannot_be_given_by_name() -> None:
    def tool(a: int, /) -> None: ...

    assert only(tool).obstacle == "can be given by position alone, and a model names its arguments"


def test_a_method_without_its_object_cannot_be_called() -> None:
    owner, room = interface(Desk.book).parameters
    assert owner.obstacle.startswith("is the object that the method belongs to")
    assert room.is_models


def test_defaults_make_parameters_optional() -> None:
    def tool(a: int, b: int = 3, c: int = Field(4, description="the c", le=9), d: int = Field(description="the d")) -> None: ...

    parameters = interface(tool).parameters
    assert [(p.required, p.default) for p in parameters] == [(True, None), (False, 3), (False, 4), (True, None)]
    assert [p.left_to_framework for p in parameters] == [False, False, True, False]
    assert (parameters[2].schema["maximum"], parameters[2].description, parameters[3].description) == (9, "the c", "the d")


def test_one_schema_has_all_that_the_model_fills() -> None:
    def tool(session: Session, items: list[Item], note: Annotated[str, "A word of thanks"] = "") -> None: ...

    assert interface(tool).schema == {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
            "note": {"type": "string", "description": "A word of thanks"},
        },
        "required": ["items"],
        "$defs": {
            "Item": {
                "type": "object",
                "title": "Item",
                "properties": {"sku": {"title": "Sku", "type": "string"}, "pieces": {"minimum": 1, "title": "Pieces", "type": "integer"}},
                "required": ["sku", "pieces"],
            }
        },
    }


def test_the_interface_is_read_once() -> None:
    tool = adapt(Desk().book)
    assert tool is not None
    assert tool.interface() is tool.interface()
    assert (tool.description, tool.schema["required"]) == ("Book a room.", ["room"])


def test_a_doc_is_a_description() -> None:
    assert of(Annotated[str, typing_extensions.Doc("The room's name")]).description == "The room's name"
