"""Made-up arguments look as a person would write them, satisfy the schema, and are the same each time."""

from __future__ import annotations

import datetime
import enum
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from pytest_agentready.adapters.python import adapt
from pytest_agentready.arguments.patterns import matching
from pytest_agentready.arguments.plausible import CannotMake, arguments_for, told
from pytest_agentready.domain import Tool


def tool_of(**annotations: Any) -> Tool:
    """A tool with these parameters; an annotation of None is left out."""
    namespace: dict[str, Any] = {"__name__": __name__, "Optional": Optional}
    exec(f"def tool({', '.join(annotations)}): ...", namespace)
    tool = namespace["tool"]
    tool.__annotations__ = {name: annotation for name, annotation in annotations.items() if annotation is not None}
    adapted = adapt(tool)
    assert adapted is not None
    return adapted


NAMES: list[tuple[str, Any, Any]] = [
    # people and messages
    ("to", str, "ada@example.com"),
    ("recipient_email", str, "ada@example.com"),
    ("customerEmail", str, "ada@example.com"),
    ("recipients", list[str], ["ada@example.com"]),
    ("phone_number", str, "+4722334455"),
    ("full_name", str, "Ada Lovelace"),
    ("subject", str, "Your order has shipped"),
    ("body", str, "Hello Ada, your order is on its way."),
    ("username", str, "ada"),
    ("reason", str, "The customer changed their mind."),
    # asking
    ("query", str, "opening hours"),
    ("search_query", str, "opening hours"),
    ("question", str, "What are your opening hours?"),
    ("sql", str, "SELECT 1"),
    # places
    ("city", str, "Oslo"),
    ("location", str, "Oslo"),
    ("destination_city", str, "Oslo"),
    ("country", str, "Norway"),
    ("country_code", str, "NO"),
    ("zip_code", str, "10001"),
    ("latitude", float, 59.91),
    ("lon", float, 10.75),
    ("timezone", str, "Europe/Oslo"),
    # money and trade
    ("currency", str, "EUR"),
    ("from_currency", str, "USD"),
    ("amount", float, 25.0),
    ("amount", Decimal, Decimal("25")),
    ("cents", int, 1999),
    ("price", float, 19.99),
    ("quantity", int, 1),
    ("ticker", str, "AAPL"),
    ("product_name", str, "coffee mug"),
    ("sku", str, "SKU-1001"),
    ("percent", float, 10.0),
    # ids
    ("order_id", str, "1001"),
    ("user_id", str, "user_123"),
    ("user_id", int, 123),
    ("customer_id", str, "cus_123"),
    ("ticket_id", str, "123"),
    ("issue_number", int, 42),
    ("issue_key", str, "PROJ-123"),
    ("channel_id", str, "C0123456789"),
    # the web and computers
    ("url", str, "https://example.com"),
    ("image_url", str, "https://example.com/picture.png"),
    ("domain", str, "example.com"),
    ("path", str, "notes.txt"),
    ("file_path", str, "notes.txt"),
    ("bucket_name", str, "my-bucket"),
    ("table_names", list[str], ["orders"]),
    ("repo", str, "hello-world"),
    ("branch", str, "main"),
    ("ip_address", str, "192.0.2.1"),
    # time
    ("date", str, "2026-01-15"),
    ("start_time", str, "2026-01-15T09:00:00Z"),
    ("check_in", str, "2030-01-15"),
    ("departure_date", datetime.date, datetime.date(2030, 1, 15)),
    ("birthday", datetime.date, datetime.date(1990, 5, 17)),
    ("scheduled_at", str, "2026-01-15T09:00:00Z"),
    ("year", int, 2026),
    ("duration_minutes", int, 30),
    ("timeout", float, 5.0),
    # words and numbers
    ("language", str, "en"),
    ("target_language", str, "de"),
    ("unit", Literal["celsius", "fahrenheit"], "celsius"),
    ("limit", int, 10),
    ("max_results", int, 10),
    ("page", int, 1),
    ("page_size", int, 20),
    ("offset", int, 0),
    ("temperature", float, 20.0),
    ("force", bool, False),
    ("enabled", bool, True),
    # without a type
    ("to", None, "ada@example.com"),
    ("limit", None, 10),
    ("frobnication", str, "example"),
    ("frobnication", int, 1),
]


@pytest.mark.parametrize(("name", "annotation", "value"), NAMES)
def test_a_name_and_a_type_give_a_value(name: str, annotation: Any, value: Any) -> None:
    made = arguments_for(tool_of(**{name: annotation}))[name]
    assert (made, type(made)) == (value, type(value))
    assert arguments_for(tool_of(**{name: annotation}))[name] == made


class Shade(enum.Enum):
    DARK = "dark"


class Line(BaseModel):
    sku: str
    quantity: int = Field(ge=2)
    note: str = ""


class Person(TypedDict):
    name: str
    email: str


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Annotated[str, Field(examples=["Bergen", "Oslo"])], "Bergen"),
        (Annotated[str, Field(description="The town (e.g. Tromsø, Bodø)")], "Tromsø"),
        (Annotated[str, Field(description="The town, such as 'New York'.")], "New York"),
        (Annotated[int, Field(description="How many, for example 7")], 7),
        (Annotated[str, Field(description="The currency to convert to")], "EUR"),
        (Annotated[str, Field(pattern=r"^ORD-\d{6}$")], "ORD-123456"),
        (Annotated[str, Field(min_length=10)], "example example"),
        (Annotated[str, Field(max_length=3)], "exa"),
        (Annotated[int, Field(ge=5)], 5),
        (Annotated[int, Field(gt=5, lt=9)], 6),
        (Annotated[int, Field(multiple_of=4)], 4),
        (Annotated[float, Field(le=0.5)], 0.5),
        (Annotated[list[int], Field(min_length=3)], [1, 1, 1]),
        (set[str], {"example"}),
        (tuple[int, str], (1, "example")),
        (Shade, Shade.DARK),
        (str | None, "example"),
        (list[Line], [Line(sku="SKU-1001", quantity=2)]),
        (Person, {"name": "Ada Lovelace", "email": "ada@example.com"}),
        (dict[str, Any], {}),
        (dict[str, int], {"key": 1}),
        (dict, {}),
    ],
    ids=lambda value: str(value)[:50],
)
def test_the_schema_and_the_description_have_the_first_word(annotation: Any, value: Any) -> None:
    assert arguments_for(tool_of(it=annotation)) == {"it": value}


def test_what_a_parameter_stands_beside_tells_what_it_means() -> None:
    assert arguments_for(tool_of(phone=str, to=str))["to"] == "+4722334455"
    assert arguments_for(tool_of(source=str, destination=str, path=str))["destination"] == "notes-copy.txt"


def test_optional_parameters_stay_at_their_defaults_and_what_only_a_framework_fills_in_is_given() -> None:
    def search(query: str, limit: int = 10, region: str = Field("eu")) -> None: ...

    tool = adapt(search)
    assert tool is not None
    assert arguments_for(tool) == {"query": "opening hours", "region": "eu"}


def test_what_cannot_be_made_is_named_with_its_type_and_the_remedy() -> None:
    class Session: ...

    with pytest.raises(CannotMake) as refusal:
        arguments_for(tool_of(session=Session, city=str))
    assert str(refusal.value) == "session (Session) is of a type that no JSON can make: write args={'session': ..., 'city': 'Oslo'}"


@pytest.mark.parametrize("refusal", [ValueError, LookupError])
def test_a_validator_that_refuses_every_guess_is_an_honest_failure(refusal: type[Exception]) -> None:
    def picky(value: str) -> str:
        raise refusal("not in the catalogue")

    with pytest.raises(CannotMake, match=r"it \(.*\) refuses what could be made up .*not in the catalogue.*write args=\{'it': ...\}"):
        arguments_for(tool_of(it=Annotated[str, AfterValidator(picky)]))


def test_a_schema_that_contains_itself_ends() -> None:
    class Node(BaseModel):
        children: list[Node]

    Node.model_rebuild(_types_namespace={"Node": Node})
    made = arguments_for(tool_of(it=Node))["it"]
    assert isinstance(made, Node)


@pytest.mark.parametrize(
    ("description", "example"),
    [
        ("The city, e.g. Oslo", "Oslo"),
        ("The city (e.g., 'Oslo', 'Bergen')", "Oslo"),
        ("A code such as NO. Required.", "NO"),
        ('Like "NO" or "SE"', "NO"),
        ("I would like to know", ""),
        ("Example: ORD-17", "ORD-17"),
        ("for example a very long explanation of what it is", ""),
        ("", ""),
    ],
)
def test_an_example_is_read_from_a_description(description: str, example: str) -> None:
    assert told(description) == example


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^ORD-\d{6}$", "ORD-123456"),
        (r"^[A-Z]{3}$", "ABC"),
        (r"^[a-z0-9-]+$", "abcd"),
        (r"^(red|blue)$", "red"),
        (r"^(ab)\1$", "abab"),
        (r"^[^a-zA-Z0-9]$", "-"),
        (r"^\+?[1-9]\d{3,14}$", "1234567"),
        (r"^(?!x)y.$", "ya"),
        (r"^\s\S\w$", " ab"),
        (r"^(?!y)y$", None),
        (r"[", None),
    ],
)
def test_a_pattern_is_matched(pattern: str, text: str | None) -> None:
    assert matching(pattern) == text
    assert text is None or re.search(pattern, text)
