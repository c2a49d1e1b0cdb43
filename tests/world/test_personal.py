"""Each user is told something else by a backend that is asked for one of them, and what everybody is told by any other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_agentready.world import Backend, IncomingRequest
from pytest_agentready.world.personal import Known, PersonalBackend

URL = "https://api.example.com/users"
ACCOUNT = {"user": "4810273", "note": "paid by card", "since": "2026-01-05", "mail": "a@example.com", "balance": 9.5, "id": 7, "open": True}
BACKEND = Backend.parse({f"GET {URL}/{{id}}": ACCOUNT, "GET https://api.example.com/now": "sunny"})
USERS = (Known(("4810273",), "saffron", 731_905), Known(("5937461",), "cobalt", 862_417))


def answer(url: str, **headers: str) -> Any:
    found = PersonalBackend(BACKEND, USERS).answer(IncomingRequest("GET", url, headers, b""))
    assert found is not None
    return json.loads(found.content)


def test_texts_and_amounts_are_the_users_own_and_what_follows_a_rule_stays() -> None:
    assert answer(f"{URL}/4810273") == {**ACCOUNT, "note": "paid by card (saffron)", "balance": 731_905.0}
    assert answer(f"{URL}/5937461")["note"] == "paid by card (cobalt)"


def test_a_header_says_for_whom_it_is() -> None:
    assert answer("https://api.example.com/now", **{"x-user": "user-5937461"}) == "sunny (cobalt)"


@pytest.mark.parametrize("path", ["1", "4810273?also=5937461"])
def test_who_is_nobody_or_both_is_told_what_everybody_is(path: str) -> None:
    assert answer(f"{URL}/{path}") == ACCOUNT


def test_what_is_not_there_stays_away() -> None:
    assert PersonalBackend(BACKEND, USERS).answer(IncomingRequest("GET", "https://other.example.com/4810273", {}, b"")) is None
