"""What is drawn is JSON and breaks the schema, what is varied is valid, and there is more in it than in the enumeration."""

from __future__ import annotations

import functools
import json
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import Field
from typing_extensions import TypedDict

from pytest_agentready.arguments.drawn import Attempt, attempts
from pytest_agentready.arguments.hostile import is_violation, violations
from pytest_agentready.arguments.search import smallest
from pytest_agentready.domain import Interface
from tests.arguments.test_hostile import Part, interface


class Order(TypedDict):
    parts: list[Part]
    note: Annotated[str, Field(pattern=r"^[a-z]+$")]


VALID: dict[str, Any] = {
    "count": 3,
    "state": "open",
    "code": "ab",
    "order": {"parts": [{"sku": "A", "pieces": 2}], "note": "now"},
    "text": "a",
}
MANY = interface(
    count=Annotated[int, Field(ge=1, le=9)],
    state=Literal["open", "closed"],
    code=Annotated[str, Field(pattern=r"^[a-z]{2}$")],
    order=Order,
    text=str,
)


def drawn(of: Interface, arguments: dict[str, Any], examples: int) -> list[Attempt]:
    found: list[Attempt] = []

    def harmless(attempt: Attempt) -> bool:
        found.append(attempt)
        return False

    assert smallest(lambda: attempts(of, arguments), harmless, examples) is None
    return found


@functools.cache
def drawn_for_many() -> list[Attempt]:
    return drawn(MANY, VALID, 500)


def as_a_schema_means_it(schema: Any) -> Any:
    """`$` is the end of the text there, and before a last line's end in Python."""
    return json.loads(json.dumps(schema).replace('$"', '\\\\Z"'))


def test_every_attempt_is_json_that_breaks_the_schema_and_what_is_varied_is_valid() -> None:
    parameters = {parameter.name: parameter for parameter in MANY.parameters}
    found = drawn_for_many()
    assert len(found) > 100
    for attempt in found:
        json.dumps([attempt.wrong, attempt.varied], allow_nan=False)
        assert attempt.wrong
        assert all(is_violation(parameters[name], value) for name, value in attempt.wrong.items())
        for name, value in attempt.wrong.items():
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(value, as_a_schema_means_it(parameters[name].schema))
        for name, value in attempt.varied.items():
            jsonschema.validate(value, parameters[name].schema)


def test_several_are_wrong_at_once_and_what_is_valid_varies() -> None:
    found = drawn_for_many()
    assert any(len(attempt.wrong) == 1 and not attempt.varied for attempt in found)
    assert any(len(attempt.wrong) > 1 for attempt in found)
    assert any(attempt.varied.get("state") == "closed" for attempt in found)


@pytest.mark.parametrize(
    "sought",
    [
        lambda values: "order" in values and values["order"] == {},
        lambda values: isinstance(values.get("count"), int) and values["count"] > 10**9,
        lambda values: isinstance(values.get("code"), str) and "\x00" in values["code"],
        lambda values: isinstance(values.get("code"), str) and values["code"].startswith("ab") and not values["code"].isascii(),
        lambda values: isinstance(values.get("order"), dict) and str(values["order"].get("note")).startswith(("0", "\x00", "NaN", "9")),
        lambda values: values.get("text") is True,
    ],
)
def test_what_nobody_listed_is_among_it(sought: Any) -> None:
    listed = [{name: value} for name, value in violations(MANY, VALID)]
    assert not any(map(sought, listed))
    assert any(sought(attempt.wrong) for attempt in drawn_for_many())


def test_odd_text_is_no_violation_where_any_text_is_valid() -> None:
    found = drawn(interface(text=str), {"text": "a"}, 100)
    assert found
    assert all(json.dumps(attempt.wrong).isascii() and "\\u" not in json.dumps(attempt.wrong) for attempt in found)
    (parameter,) = interface(text=str).parameters
    assert not is_violation(parameter, "\ud800")
    (names,) = interface(names=list[str]).parameters
    assert not is_violation(names, ["a", 7])
    assert is_violation(names, ["a", True])


def test_where_nothing_is_wrong_nothing_is_drawn() -> None:
    assert attempts(interface(it=Any), {"it": 1}) is None
