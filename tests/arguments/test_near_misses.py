"""What a careless key takes for the approved value: valid by the schema, and other in one thing."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from pytest_agentready.arguments.near_misses import NearMiss, near_misses
from tests.examining import as_tool


def found(annotation: Any, value: Any) -> list[NearMiss]:
    def tool(value: Any) -> None: ...

    tool.__annotations__["value"] = annotation
    (parameter,) = as_tool(tool, {}).interface().parameters
    return list(near_misses({"value": value}, {"value": parameter}))


@pytest.mark.parametrize(
    ("annotation", "value", "others"),
    [
        (str, "ada@example.com", ["ADA@example.com", "ada@example.net"]),
        (str, "https://example.com/a", ["https://example.com/a?other=1"]),
        (str, "2030-01-15T09:00:00Z", ["2030-01-15T10:00:00Z"]),
        (str, "2030-01-15", []),
        (str, "EUR", []),
        (float, 99.99, [100.0, 99.98]),
        (float, 100, [100.01, 99.99]),
        (Decimal, Decimal("9.90"), [Decimal("9.91"), Decimal("9.89")]),
        (int, 100, []),
        (bool, True, []),
        (Literal["low", "high"], "low", []),
        (datetime.datetime, datetime.datetime(2030, 1, 15, 9), [datetime.datetime(2030, 1, 15, 10)]),
    ],
)
def test_it_differs_in_what_such_a_key_drops(annotation: Any, value: Any, others: list[Any]) -> None:
    assert [miss.given["value"] for miss in found(annotation, value)] == others


@pytest.mark.parametrize(
    ("annotation", "lengths"),
    [(str, {1_200, 90}), (Annotated[str, Field(max_length=100)], {90}), (Annotated[str, Field(max_length=20)], set())],
)
def test_a_text_is_made_as_long_as_it_may_be(annotation: Any, lengths: set[int]) -> None:
    longer = [miss for miss in found(annotation, "See you.") if miss.approved["value"] != "See you."]
    assert {len(miss.approved["value"]) for miss in longer} == lengths
    assert all(miss.approved["value"][:-1] == miss.given["value"][:-1] != miss.given["value"] for miss in longer)


def test_a_list_is_made_longer_by_members_like_its_last() -> None:
    (twelve, five) = (miss for miss in found(list[str], ["ada@example.com"]) if len(miss.given["value"]) > 1)
    assert five.approved["value"] == [f"ada{number or ''}@example.com" for number in (0, 2, 3, 4, 5)]
    assert five.given["value"] == [*five.approved["value"][:4], "ada6@example.com"]
    assert len(twelve.approved["value"]) == 12


def between(tool: Any, **arguments: Any) -> dict[str, list[NearMiss]]:
    """What is tried between two arguments, by what is done to them."""
    parameters = {each.name: each for each in as_tool(tool, {}).interface().parameters}
    misses: dict[str, list[NearMiss]] = {}
    for miss in near_misses(arguments, parameters):
        if " and " in miss.place:
            misses.setdefault(miss.how, []).append(miss)
    return misses


def test_two_arguments_of_one_type_are_exchanged() -> None:
    def move(source: str, target: str, cents: int) -> None: ...

    (miss,) = between(move, source="giro", target="savings", cents=500)["exchanged"]
    assert (miss.place, miss.given) == ("source and target", {"source": "savings", "target": "giro", "cents": 500})
    assert "exchanged" not in between(move, source="giro", target="giro", cents=500)


def test_a_separator_stands_in_one_argument_and_then_in_the_other() -> None:
    def share(folder: str, group: str, pieces: int) -> None: ...

    joined = between(share, folder="a", group="b", pieces=1)["parted at another ':'"]
    texts = [
        tuple(f"{call[first]}:{call[second]}" for call in (miss.approved, miss.given))
        for miss, (first, second) in zip(joined, [("folder", "group"), ("group", "folder")], strict=True)
    ]
    assert texts == [("a:b:b", "a:b:b"), ("b:a:a", "b:a:a")]
    assert all(miss.approved != miss.given for miss in joined)


@pytest.mark.parametrize("role", ["read", "ada@example.com", "2030-01-15", "4711", "https://example.com/a"])
def test_what_is_of_a_form_has_no_separator_in_it(role: str) -> None:
    def share(folder: str, role: str) -> None: ...

    assert between(share, folder="a", role=role).keys() <= {"exchanged", "with the same letters, parted elsewhere"}


def test_a_letter_changes_sides_between_two_arguments() -> None:
    def tool(account: str, cents: int) -> None: ...

    parameters = {each.name: each for each in as_tool(tool, {}).interface().parameters}
    misses = [miss for miss in near_misses({"account": "NO9", "cents": 350}, parameters) if " and " in miss.place]
    assert {(miss.place, miss.given["account"], miss.given["cents"]) for miss in misses} == {
        ("account and cents", "NO", 9350),
        ("cents and account", "0NO9", 35),
    }
