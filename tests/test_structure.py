"""Results are compared part by part: new ids, time stamps and durations explain themselves, everything else that differs is told."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections import namedtuple
from decimal import Decimal
from typing import Any

import pydantic
import pytest

from pytest_agentready.domain import differences, structure_of
from pytest_agentready.patterns.results import ToolResult


class State(enum.Enum):
    OPEN = "open"


class Model(pydantic.BaseModel):
    name: str
    parts: list[int]


@dataclasses.dataclass
class Part:
    name: str
    price: Decimal


class Plain:
    def __init__(self) -> None:
        self.name = "tea"
        self._secret = "x"


class Slotted:
    __slots__ = ("_secret", "unset", "value")

    def __init__(self, value: str) -> None:
        self.value = value
        self._secret = "x"


class Broken:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "structure"),
    [
        ({"a": (1, 2), 3: {"b"}}, {"a": [1, 2], "3": ["b"]}),
        ('{"a": [1]}', {"a": [1]}),
        ("[not json", "[not json"),
        ("{'a': [1, None, True]}", {"a": [1, None, True]}),
        ("[a](\\d)]", "[a](\\d)]"),
        ("[1" + ", 1" * 70_000 + ",]", "[1" + ", 1" * 70_000 + ",]"),
        (b"text", "text"),
        (State.OPEN, "open"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Model(name="tea", parts=[1]), {"name": "tea", "parts": [1]}),
        (Part("tea", Decimal("1.50")), {"name": "tea", "price": "1.50"}),
        (namedtuple("Pair", "one two")(1, 2), {"one": 1, "two": 2}),
        (Plain(), {"name": "tea"}),
        (Slotted("tea"), {"value": "tea"}),
        (Broken(), "<Broken>"),
        (None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_taken_apart_into_what_json_would_have(value: object, structure: object) -> None:
    assert structure_of(value) == structure


def test_a_value_within_itself_has_an_end() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert structure_of(ring)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": 1}, {"id": 2}),
        ({"requestId": "a"}, {"requestId": "b"}),
        ({"x": str(uuid.uuid4())}, {"x": str(uuid.uuid4())}),
        ({"x": "2026-01-02T03:04:05Z"}, {"x": "2026-01-02T03:04:06Z"}),
        ({"x": 1767322800.5}, {"x": 1767322801.5}),
        ({"elapsed_ms": 3}, {"elapsed_ms": 4}),
        ("done in 0.12 s (ref 1f2e3d4c5b)", "done in 0.34 s (ref 9a8b7c6d5e)"),
        ("saved to /tmp/tmpab12cd34", "saved to /tmp/tmpxy98zw76"),
        ({"x": 0.1 + 0.2}, {"x": 0.3}),
        ({"x": float("nan")}, {"x": float("nan")}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"1f2e3d4c5b6a": 1}, {"9a8b7c6d5e4f": 1}),
        (ToolResult.success({"created_at": 1}).model_dump(), ToolResult.success({"created_at": 2}).model_dump()),
    ],
)
def test_what_is_new_in_each_call_is_no_difference(one: Any, other: Any) -> None:
    assert not list(differences(one, other))


@pytest.mark.parametrize(
    ("one", "other", "path", "kind"),
    [
        ({"data": [1, 2, 3]}, {"data": [3, 1, 2]}, "data", "order"),
        ({"data": [{"id": 1}, {"id": 2}]}, {"data": [{"id": 2}, {"id": 1}]}, "data", "order"),
        ("Ada, Lin", "Lin, Ada", "", "order"),
        ("- tea\n- cup\n", "- cup\n- tea\n", "", "order"),
        ("{'n': None, 'data': [{'id': 'b'}, {'id': 'a'}]}", "{'n': None, 'data': [{'id': 'a'}, {'id': 'b'}]}", "data", "order"),
        ("Found 2: ['tea', 'cup']", "Found 2: ['cup', 'tea']", "", "order"),
        (Slotted("b\na"), Slotted("a\nb"), "value", "order"),
        ({"data": {"price": 3}}, {"data": {"price": 4}}, "data.price", "value"),
        ({"data": [{"n": 1}, {"n": 2}]}, {"data": [{"n": 1}, {"n": 3}]}, "data[1].n", "value"),
        ({"data": [1]}, {"data": [1, 2]}, "data", "value"),
        ({"a": 1}, {"a": 1, "b": 2}, "", "value"),
        ("it is 7 degrees", "it is 9 degrees", "", "value"),
        (1, "1", "", "value"),
    ],
)
def test_everything_else_that_differs_is_told_with_its_place(one: Any, other: Any, path: str, kind: str) -> None:
    (found, *_) = differences(structure_of(one), structure_of(other))
    assert (found.path, found.kind) == (path, kind)


def test_a_hexadecimal_number_may_have_no_letter_in_it() -> None:
    assert not list(differences("4 hotels (ref cccfaa92fd4c)", "4 hotels (ref 598874954855)"))
    assert not list(differences("4 hotels (ref 59887495)", "4 hotels (ref 5aa87495)"))
    assert list(differences("4 hotels for 59887495 people", "4 hotels for 59887496 people"))
    assert list(differences("4 hotels (ref cccfaa92fd4c)", "5 hotels (ref 598874954855)"))
