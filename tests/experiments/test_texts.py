"""The texts of a tool's arguments, wherever they stand in them, and the arguments with another in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import AnyHttpUrl, BaseModel

from pytest_agentready.experiments.texts import Text, texts_of
from tests.examining import as_tool


class Page(BaseModel):
    url: AnyHttpUrl
    depth: int = 1


def texts(function: Any, **args: Any) -> dict[str, Text]:
    return {text.name: text for text in texts_of(as_tool(function, {"args": args}))}


def test_each_text_is_found_and_replaced_where_it_stands() -> None:
    def tool(name: str, urls: list[str], filters: dict[str, Any], amount: int) -> None: ...

    found = texts(tool, name="mug", urls=["https://a.example.com", "b"], filters={"where": {"city": "Oslo"}, "n": 1}, amount=3)
    assert {name: text.value for name, text in found.items()} == {"name": "mug", "urls": "https://a.example.com", "city": "Oslo"}
    assert found["name"].arguments("x") == {**found["name"].given, "name": "x"}
    assert found["urls"].arguments("x") == {**found["urls"].given, "urls": ["x", "b"]}
    assert found["city"].arguments("x") == {**found["city"].given, "filters": {"where": {"city": "x"}, "n": 1}}


def test_the_given_arguments_stay_as_they_are() -> None:
    def tool(filters: dict[str, Any]) -> None: ...

    given = {"where": {"city": "Oslo"}}
    texts(tool, filters=given)["city"].arguments("x")
    assert given == {"where": {"city": "Oslo"}}


def test_what_is_no_json_is_made_of_it_or_refused_by_its_type() -> None:
    def tool(path: Path, page: Page) -> None: ...

    found = texts(tool, path=Path("a.txt"), page=Page(url=AnyHttpUrl("https://example.com/a")))
    assert found["path"].arguments("../b") == {**found["path"].given, "path": Path("../b")}
    made = found["url"].arguments("http://127.0.0.1/")
    assert made is not None
    assert made["page"] == Page(url=AnyHttpUrl("http://127.0.0.1/"))
    assert found["url"].arguments("no address") is None


def test_what_the_call_leaves_out_has_its_default_or_what_its_name_says() -> None:
    def tool(x: int, callback_url: str | None = None, path: str = "out.txt", note: str = "") -> None: ...

    found = texts(tool, x=1)
    assert found["callback_url"].value.startswith("https://")
    assert found["path"].value == "out.txt"
    assert found["path"].arguments("x") == {"x": 1, "path": "x"}
    assert found["note"].value == ""


def test_a_parameter_that_the_framework_fills_and_an_object_of_the_users_own_have_no_texts() -> None:
    class Session:
        url = "https://example.com"

    def tool(session: Session, count: int) -> None: ...

    assert texts(tool, session=Session(), count=2) == {}
