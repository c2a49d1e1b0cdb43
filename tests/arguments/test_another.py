"""Other values of the same kind, and the parts of an argument that are changed in turn."""

from __future__ import annotations

import datetime
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from pytest_agentready.arguments.another import others
from pytest_agentready.domain import Parameter
from tests.examining import as_tool


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Item:
    sku: str
    pieces: int


def parameter(annotation: Any) -> Parameter:
    def tool(value: Any) -> None: ...

    tool.__annotations__["value"] = annotation
    return as_tool(tool, {}).interface().parameters[0]


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (True, False),
        (7, 8),
        (1.5, 2.5),
        (Decimal("9.90"), Decimal("10.90")),
        ("ORD-1001", "ORD-1002"),
        ("Hi", "Hj"),
        ("EUR", "USD"),
        ("ada@example.com", "mallory@example.net"),
        ("https://example.com/a", "https://example.com/a/other"),
        ("2026-12-31", "2027-01-01"),
        ("2026-12-31T09:00:00Z", "2027-01-01T09:00:00Z"),
        (datetime.date(2026, 12, 31), datetime.date(2027, 1, 1)),
        (Size.SMALL, Size.LARGE),
        (uuid.UUID(int=2), uuid.UUID(int=3)),
        (PurePosixPath("notes/a.txt"), PurePosixPath("notes/a.txu")),
        ("", "x"),
        (b"a", b"ax"),
    ],
)
def test_another_value_is_of_the_same_kind(value: object, other: object) -> None:
    assert others(value)[0] == ("", other)


@pytest.mark.parametrize(
    ("annotation", "value", "found"),
    [
        (Literal["low", "high"], "low", ["high"]),
        (Annotated[int, Field(le=7)], 7, [6, 3]),
        (Annotated[str, Field(pattern=r"^[A-Z]{3}$")], "ABC", ["ABD"]),
        (bool, True, [False]),
    ],
)
def test_it_is_valid_by_the_schema(annotation: object, value: object, found: list[object]) -> None:
    assert list(dict.fromkeys(other for _, other in others(value, parameter(annotation)))) == found


def test_the_parts_of_lists_objects_and_models_are_changed_in_turn() -> None:
    assert dict(others({"to": "ada@example.com", "cents": 500})) == {
        "['to']": {"to": "mallory@example.net", "cents": 500},
        "['cents']": {"to": "ada@example.com", "cents": 501},
    }
    assert dict(others(["a", "c"])) == {"[0]": ["b", "c"], "[2]": ["a", "c", "b"], "[-1]": ["a"], "[1]": ["a", "d"]}
    assert [part for part, _ in others([{"sku": "LAMP-2", "cents": 990}])] == ["[0]['sku']", "[0]['cents']", "[1]"]
    assert dict(others(Item("LAMP-2", 1))) == {".sku": Item("LAMP-3", 1), ".pieces": Item("LAMP-2", 2)}


def test_a_value_that_cannot_be_compared_or_changed_does_no_harm() -> None:
    class Odd:
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

    assert others(Odd()) == []
