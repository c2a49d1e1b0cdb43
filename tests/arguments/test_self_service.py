"""Which parameters may be meant to open a gate, and what would open them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_agentready.arguments.self_service import closed, is_gate, opening
from pytest_agentready.domain import Parameter
from tests.examining import as_tool


def parameter(name: str, annotation: Any) -> Parameter:
    namespace: dict[str, Any] = {}
    exec(f"def tool({name}): ...", namespace)
    namespace["tool"].__annotations__[name] = annotation
    return as_tool(namespace["tool"], {}).interface().parameters[0]


@pytest.mark.parametrize(
    ("name", "annotation"),
    [
        ("confirm", bool),
        ("user_confirmed", bool),
        ("approved_by", str),
        ("force", bool),
        ("skipConfirmation", bool),
        ("dry_run", bool),
        ("requires_confirmation", bool),
        ("yes", str),
        ("confirmation_token", str),
        ("approval_id", str),
        ("confirmed", bool | None),
    ],
)
def test_these_may_open_a_gate(name: str, annotation: Any) -> None:
    assert is_gate(parameter(name, annotation))


@pytest.mark.parametrize(
    ("name", "annotation"),
    [
        ("send_confirmation", bool),
        ("confirmation_email", str),
        ("approved_amount", int),
        ("permission", str),
        ("commit_sha", str),
        ("force", float),
        ("page_token", str),
        ("promo_code", str),
        ("workforce", bool),
    ],
)
def test_these_only_sound_like_it(name: str, annotation: Any) -> None:
    if name == "force":  # newtons
        assert closed(parameter(name, annotation)) == 0
        return
    assert not is_gate(parameter(name, annotation))


@pytest.mark.parametrize(
    ("name", "annotation", "shut", "first"),
    [
        ("confirm", bool, False, True),
        ("dry_run", bool, True, False),
        ("require_approval", bool, True, False),
        ("confirmed", str, "", "true"),
    ],
)
def test_what_is_open_and_what_is_shut(name: str, annotation: Any, shut: object, first: object) -> None:
    found = parameter(name, annotation)
    assert closed(found) == shut
    assert next(opening(found)) == first


def test_text_that_says_no_is_tried_as_well() -> None:
    assert {"false", "no", "0"} <= set(opening(parameter("confirmed", str)))
    assert "false" in set(opening(parameter("confirm", bool)))
