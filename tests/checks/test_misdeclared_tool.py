"""AR407: declarations of the marker and of the function's own, against what was seen."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.checks.judging import findings
from tests.examining import as_tool, engine

URL = "https://api.example.com/orders"
FACTS: dict[str, Any] = {"args": {}, "backend": {f"{method} {URL}": {} for method in ("GET", "POST", "PUT", "DELETE")}}


def read() -> str:
    return requests.get(URL, timeout=5).text


def create() -> str:
    return requests.post(URL, timeout=5).text


def delete() -> str:
    return requests.delete(URL, timeout=5).text


def with_hints(call: Any, **hints: object) -> Any:
    @functools.wraps(call)
    def tool() -> Any:
        return call()

    tool.annotations = SimpleNamespace(**hints)  # type: ignore[attr-defined]
    return tool


@pytest.mark.parametrize(
    ("call", "declared", "found"),
    [
        (create, {"read_only": True}, f"it is declared read-only, and writes: POST {URL}"),
        (delete, {"destructive": False}, f"it is declared not to destroy anything, and does: DELETE {URL}"),
        (create, {"idempotent": True}, f"it is declared idempotent, and a second identical call does it once more: POST {URL}"),
    ],
)
def test_each_declaration_is_held_against_what_was_seen(call: Any, declared: dict[str, bool], found: str) -> None:
    assert findings(call, "AR407", **FACTS, **declared) == [found]


@pytest.mark.parametrize(
    ("call", "declared"),
    [
        (read, {"read_only": True, "idempotent": True}),
        (delete, {"destructive": True, "idempotent": True}),
        (create, {"destructive": False, "read_only": False}),
    ],
)
def test_who_keeps_their_word_passes(call: Any, declared: dict[str, bool]) -> None:
    assert findings(call, "AR407", **FACTS, **declared) == []


def test_hints_on_the_function_count_and_the_marker_wins() -> None:
    hinted = with_hints(create, readOnlyHint=True)
    assert findings(hinted, "AR407", **FACTS) == [f"it is declared read-only, and writes: POST {URL}"]
    assert findings(hinted, "AR407", **FACTS, read_only=False) == [
        "the marker and its own annotations contradict each other: read_only=False and readOnlyHint=True"
    ]


def test_hints_may_stand_on_an_object_or_in_a_dict() -> None:
    class Tool:
        def __init__(self) -> None:
            self.annotations = {"idempotentHint": True, "readOnlyHint": None}

        def call(self) -> str:
            return create()

    assert "declared idempotent" in findings(Tool().call, "AR407", **FACTS)[0]


def test_where_nothing_is_declared_there_is_nothing_to_hold_against() -> None:
    verdict = engine().examine(as_tool(create, FACTS), engine().registry.check("AR407"))
    assert verdict.outcome.value == "not_applicable"
