"""What the user gets to read, in whatever a loop returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from pytest_agentready.domain import said


class Reply(BaseModel):
    content: str
    tokens: int = 12


@dataclass
class Run:
    final_output: str
    messages: list[dict[str, str]]


@dataclass
class Block:
    text: str
    type: str = "text"


@dataclass
class Message:
    content: list[Block]
    role: str = "assistant"


class Unhappy:
    @property
    def output(self) -> str:
        raise RuntimeError("not ready")

    text = "It is shipped."


HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": "Where is it?"},
    {"role": "assistant", "content": None, "tool_calls": []},
    {"role": "tool", "content": "shipped"},
    {"role": "assistant", "content": "It is shipped."},
]


@pytest.mark.parametrize(
    "value",
    [
        "It is shipped.",
        b"It is shipped.",
        Reply(content="It is shipped."),
        {"answer": "It is shipped.", "usage": {"total": 5}},
        {"status": "ok", "data": {"text": "It is shipped."}},
        Run("It is shipped.", HISTORY),
        HISTORY,
        {"messages": HISTORY},
        Message([Block("It is "), Block("shipped.")]),
        ["It is ", "shipped."],
        [{"type": "text", "text": "It is "}, {"type": "done"}, {"type": "text", "text": "shipped."}],
        {"choices": [{"message": {"role": "assistant", "content": "It is shipped."}}]},
        {"statusCode": 200, "body": "It is shipped."},
        Unhappy(),
        ("It is shipped.", {"steps": 3}),
    ],
)
def test_the_text_is_found(value: object) -> None:
    assert said(value) == "It is shipped."


@pytest.mark.parametrize("value", ["", Reply(content=""), {"answer": ""}, [], [""], {"output": None, "text": ""}])
def test_an_empty_answer_is_an_empty_answer(value: object) -> None:
    assert said(value) == ""


@pytest.mark.parametrize("value", [None, True, object(), {"usage": {"total": 5}}, HISTORY[:4], HISTORY[:2], print, Reply])
def test_there_may_be_none_to_be_found(value: object) -> None:
    assert said(value) is None


def test_a_structure_that_contains_itself_comes_to_an_end() -> None:
    loop: dict[str, Any] = {}
    loop["message"] = loop
    assert said(loop) is None
