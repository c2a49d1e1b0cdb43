"""Hostile arguments break the schema, each in one place; they are JSON, few, and the simplest come first."""

from __future__ import annotations

import datetime
import enum
import json
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from pytest_agentready.adapters.python import adapt
from pytest_agentready.arguments.hostile import CALLS, violations
from pytest_agentready.domain import Interface, Parameter
from tests.arguments.test_plausible import tool_of


class Part(TypedDict):
    sku: str
    pieces: Annotated[int, Field(ge=1)]


class Order(BaseModel):
    sku: str


class Shade(enum.Enum):
    DARK = "dark"


def interface(**annotations: Any) -> Interface:
    return tool_of(**annotations).interface()


def values(annotation: Any, valid: Any) -> list[Any]:
    return [value for _, value in violations(interface(it=annotation), {"it": valid})]


TYPES = [
    (str, "a", [None, [], {}]),
    (int, 1, [None, "", "abc", [], {}, 1.5]),
    (bool, True, [None, "abc", [], 2]),
    ("Optional[str]", "a", [[], {}]),
    ("int | str", 1, [None, [], {}]),
    (Literal["a", "b"], "a", [None, [], {}, "", "abc", -1, "ax", "A"]),
    (Annotated[int, Field(ge=1, le=9)], 3, [None, "", "abc", [], {}, 1.5, 0, 10]),
    (Annotated[str, Field(min_length=2, max_length=3)], "ab", [None, [], {}, "x", "xxxx"]),
    (Annotated[str, Field(pattern=r"^\d+$")], "1", [None, [], {}, "", "abc", "1x"]),
    (dict, {"a": 1}, [None, "abc", "", [], 1]),
    (list[str], ["a", "b"], [None, "abc", "", {}, 1, [None, "b"], [[], "b"], [{}, "b"]]),
    (
        Annotated[list[int], Field(min_length=1, max_length=2)],
        [1],
        [None, "abc", "", {}, 1, [], [1, 1, 1], [None], [""], ["abc"], [[]], [{}], [1.5]],
    ),
    (Any, 1, []),
    (None, 1, []),
]


@pytest.mark.parametrize(("annotation", "valid", "expected"), TYPES, ids=lambda value: str(value)[:40])
def test_every_kind_of_violation_is_there_and_the_simplest_is_the_first(annotation: Any, valid: Any, expected: list[Any]) -> None:
    assert [json.dumps(value) for value in values(annotation, valid)] == [json.dumps(value) for value in expected]


def test_a_part_of_an_object_is_broken_while_the_rest_stays_valid() -> None:
    found = values(Part, {"sku": "A", "pieces": 2})
    assert {"pieces": 2} in found
    assert {"sku": "A"} in found
    assert {"sku": None, "pieces": 2} in found
    assert {"sku": "A", "pieces": 0} in found
    assert {"sku": "A", "pieces": "abc"} in found


@pytest.mark.parametrize(
    ("annotation", "valid"), [(annotation, valid) for annotation, valid, _ in TYPES] + [(Part, {"sku": "A", "pieces": 2})]
)
def test_a_violation_is_one_by_anothers_judgement_too(annotation: Any, valid: Any) -> None:
    (parameter,) = interface(it=annotation).parameters
    for value in values(annotation, valid):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, parameter.schema)


def test_what_would_be_coerced_is_no_violation() -> None:
    assert "7" not in values(int, 1)
    assert 1.0 not in [value for value in values(int, 1) if isinstance(value, float)]
    assert 7 not in values(str, "a")


def test_a_default_is_allowed_whatever_the_type_says() -> None:
    def tool(cc, limit): ...

    tool.__annotations__ = {"cc": str, "limit": int}
    tool.__defaults__ = (None, 1.5)
    adapted = adapt(tool)
    assert adapted is not None
    found = violations(adapted.interface(), {})
    assert ("cc", None) not in found
    assert ("limit", 1.5) not in found
    assert ("cc", []) in found


@pytest.mark.parametrize(
    ("annotation", "valid"),
    [(datetime.date, datetime.date(2026, 1, 1)), (Order, Order(sku="A")), (Shade, Shade.DARK), (tuple[int, int], (1, 2))],
)
def test_what_has_to_be_made_from_json_first_is_not_broken(annotation: Any, valid: Any) -> None:
    assert values(annotation, valid) == []
    assert violations(interface(it=annotation), {}) == []


def test_a_tuple_for_a_list_is_the_owners_way_of_writing() -> None:
    assert values(list[int], (1, 2))[:2] == [None, "abc"]


def test_what_the_owner_gives_as_json_is_broken_as_json() -> None:
    assert values(datetime.date, "2026-01-01")[0] is None


def test_the_parameters_take_turns_and_the_calls_are_few() -> None:
    found = violations(interface(**{f"p{number}": Annotated[int, Field(ge=1, le=9)] for number in range(20)}), {})
    assert len(found) == CALLS
    assert [name for name, _ in found[:20]] == [f"p{number}" for number in range(20)]


def test_the_same_schema_gives_the_same_values() -> None:
    assert violations(interface(it=list[Part]), {}) == violations(interface(it=list[Part]), {})


def test_of_a_large_model_no_more_is_made_than_is_called() -> None:
    checked: list[object] = []
    inner = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(50)}}
    outer = {"type": "object", "properties": {f"q{number}": inner for number in range(50)}}

    def refuse(value: object) -> object:
        checked.append(value)
        raise ValueError

    parameter = Parameter("order", schema=outer, read=refuse)
    assert len(violations(Interface("", (parameter,)), {"order": {}})) == CALLS
    assert len(checked) <= 4 * CALLS  # each may be looked at more than once
