"""What a cost breaker answers, in the manners that are in use."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from pytest_agentready.domain import admitted_by


class State(enum.Enum):
    CLOSED = 1
    WARNING = 2
    OPEN = 3


class Text(str, enum.Enum):
    ALLOW = "allow"
    DENY = "deny"


@dataclass
class Budget:
    overrun: int = 0

    def __bool__(self) -> bool:
        return False


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        0.25,
        "ok",
        "$0.25 is left",
        "allowed",
        (True, ""),
        (0.2, 0.5),
        {"allowed": True, "reason": "limit not reached"},
        {"blocked": False},
        {"status": "ok"},
        {"remaining": 0.2},
        {"status": "warning", "message": "80 % is used"},
        SimpleNamespace(allowed=True),
        SimpleNamespace(exceeded=False, reason=""),
        State.CLOSED,
        State.WARNING,
        Text.ALLOW,
        Budget(),
    ],
)
def test_it_is_admitted(value: object) -> None:
    assert admitted_by(value)


@pytest.mark.parametrize(
    "value",
    [
        False,
        "blocked",
        "Denied: session limit",
        "limit exceeded",
        "BUDGET_EXCEEDED",
        (False, "user_daily is used up"),
        {"allowed": False},
        {"ok": False, "error": "used up"},
        {"exceeded": True},
        {"status": "blocked"},
        {"decision": "deny", "reason": "x"},
        {"status": "error", "message": "limit"},
        {"error": "budget_exceeded"},
        SimpleNamespace(allowed=False),
        SimpleNamespace(state=State.OPEN),
        SimpleNamespace(is_exceeded=True),
        State.OPEN,
        Text.DENY,
    ],
)
def test_it_is_refused(value: object) -> None:
    assert not admitted_by(value)


def test_nothing_is_a_refusal_of_one_that_gives_something() -> None:
    assert admitted_by(None, gives=False)
    assert not admitted_by(None, gives=True)
