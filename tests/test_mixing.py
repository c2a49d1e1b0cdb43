"""A request that is made of two calls is told by its parts; what is counted, or only on or off, belongs to nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_agentready.domain import Meeting, Party, Request, Run, mixtures

URL = "https://api.example.com/rpc"


def run(*bodies: dict[str, Any]) -> Run:
    requests = tuple(
        Request(
            "POST", URL, (), json.dumps(body).encode(), is_write=False, committed=True, status=200, routed=True, at=0.0, where="shop.py:7"
        )
        for body in bodies
    )
    return Run({}, requests=requests)


def stories(one: Run, other: Run, together: Run) -> list[str]:
    parties = [Party({}, "", solo, together) for solo in (one, other)]
    return [mixture.story for mixture in mixtures(Meeting(*parties, together))]


@pytest.mark.parametrize(
    ("mine", "other"), [("ada", "lin"), (4_711, 73_951), ("/home/ada", "/home/lin"), ({"name": "ada"}, {"name": "lin"}), (["a"], ["b"])]
)
def test_a_part_of_the_other_call_is_told(mine: Any, other: Any) -> None:
    solos = run({"order": "o-1", "user": mine}), run({"order": "o-2", "user": other})
    (story,) = stories(*solos, run({"order": "o-1", "user": other}, {"order": "o-2", "user": other}))
    assert "is sent with the order (o-1) of the one call and the user (" in story


@pytest.mark.parametrize(("first", "second"), [(1, 2), (1_001, 1_002), (True, False), (None, True)])
def test_numbers_that_are_counted_and_switches_are_nobodys(first: Any, second: Any) -> None:
    """By itself each call begins with the first; at the same time the one is before the other."""
    solos = [run({"id": first, "of": f"{name} 1"}, {"id": second, "of": f"{name} 2"}) for name in ("ada", "lin")]
    together = run({"id": first, "of": "ada 1"}, {"id": second, "of": "lin 1"}, {"id": first, "of": "ada 2"}, {"id": second, "of": "lin 2"})
    assert stories(*solos, together) == []


def test_a_part_that_belongs_to_neither_proves_nothing() -> None:
    solos = run({"order": "o-1", "user": "ada"}), run({"order": "o-2", "user": "lin"})
    assert stories(*solos, run({"order": "o-1", "user": "tao"})) == []
