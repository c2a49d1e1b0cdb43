"""In what a loop returns: is there a word that anybody could read?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pytest_agentready.domain import is_mute


@dataclass
class Outcome:
    output: str | None
    stop_reason: str = ""


@pytest.mark.parametrize("value", [None, "", " \n", [], {}, b"", {"answer": "", "steps": 8}, [None, ""], Outcome(None)])
def test_nothing_to_read(value: Any) -> None:
    assert is_mute(value)


@pytest.mark.parametrize(
    "value",
    [
        "Sorry.",
        ["Sor", "ry"],
        {"answer": None, "stopped": "max_steps"},
        Outcome(None, "max_steps"),
        {"answer": "", "stopped": True},
        object(),
    ],
)
def test_something_to_read_or_nobody_knows(value: Any) -> None:
    assert not is_mute(value)
