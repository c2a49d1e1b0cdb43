"""A write that comes twice is judged behind a gate, too, and never by what a static backend cannot know."""

from __future__ import annotations

import hashlib
from typing import Any

import requests

from pytest_agentready.domain import Outcome
from tests.checks.judging import findings
from tests.examining import as_tool, engine

URL = "https://api.example.com"
approved: set[str] = set()


def key_of(**arguments: Any) -> str:
    return hashlib.sha256(repr(sorted(arguments.items())).encode()).hexdigest()


def approve(**arguments: Any) -> None:
    approved.add(key_of(**arguments))


async def approve_later(**arguments: Any) -> None:
    approve(**arguments)


def refuse(**arguments: Any) -> None:
    raise PermissionError(f"nobody may approve {arguments}")


def ship(order: str, *, used_up: bool = True) -> dict[str, Any]:
    if key_of(order=order) not in approved:
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "CONFIRMATION_REQUIRED"}
    if used_up:
        approved.discard(key_of(order=order))
    requests.post(f"{URL}/orders/{order}/ship", timeout=4).raise_for_status()
    return {"status": "success"}


def ship_again(order: str) -> dict[str, Any]:
    return ship(order, used_up=False)


BACKEND = {f"POST {URL}/orders/{{id}}/ship": {"ok": True}}


def verdict(call: Any, check: str, **facts: Any) -> tuple[Outcome, str]:
    found = engine().examine(as_tool(call, facts), engine().registry.check(check))
    return found.outcome, found.reason


def test_a_gate_that_lets_one_call_through_repeats_nothing() -> None:
    for confirm in (approve, approve_later):
        for check in ("AR302", "AR303"):
            assert verdict(ship, check, args={"order": "7"}, backend=BACKEND, confirm=confirm) == (Outcome.PASSED, "")


def test_a_gate_that_stays_open_lets_the_write_through_twice() -> None:
    (found,) = findings(ship_again, "AR302", args={"order": "7"}, backend=BACKEND, confirm=approve)
    assert found.startswith(
        "the same call, made a second time on one confirmation, writes a second time: POST https://api.example.com/orders/7/ship"
    )


def test_a_confirmation_that_raises_is_told() -> None:
    approved.clear()
    for check in ("AR301", "AR302", "AR303", "AR304", "AR305"):
        outcome, reason = verdict(ship, check, args={"order": "7"}, backend=BACKEND, confirm=refuse)
        assert outcome is Outcome.UNPROVEN
        assert "PermissionError" in reason


def test_an_unconfirmed_gate_leaves_all_unproven() -> None:
    approved.clear()
    outcome, reason = verdict(ship, "AR302", args={"order": "7"}, backend=BACKEND)
    assert outcome is Outcome.UNPROVEN
    assert "CONFIRMATION_REQUIRED" in reason


def create(email: str) -> dict[str, Any]:
    found = requests.get(f"{URL}/contacts", params={"email": email}, timeout=4).json()["contacts"]
    if not found:
        requests.post(f"{URL}/contacts", json={"email": email}, timeout=4).raise_for_status()
    return {"status": "success"}


def test_who_looks_first_needs_a_backend_that_remembers() -> None:
    static = {f"GET {URL}/contacts": {"contacts": []}, f"POST {URL}/contacts": {"id": 1}}
    outcome, reason = verdict(create, "AR302", args={"email": "ada@example.com"}, backend=static)
    assert outcome is Outcome.UNPROVEN
    assert "give a callable that remembers" in reason

    contacts: list[Any] = []

    def remembering(request: Any) -> Any:
        if request.method == "GET":
            return {"contacts": contacts}
        contacts.append(request.json())
        return {"id": len(contacts)}

    assert verdict(create, "AR302", args={"email": "ada@example.com"}, backend=remembering)[0] is Outcome.PASSED


def test_what_the_mark_calls_a_read_or_bookkeeping_is_no_effect() -> None:
    def ask(text: str) -> dict[str, Any]:
        requests.post(f"{URL}/classifier", json={"text": text}, timeout=4)
        return {"status": "success"}

    facts: dict[str, Any] = {"args": {"text": "tea"}, "backend": {f"POST {URL}/classifier": {"topic": "drinks"}}}
    assert verdict(ask, "AR302", **facts)[0] is Outcome.FAILED
    assert verdict(ask, "AR302", **facts, reads=(f"POST {URL}/classifier",))[0] is Outcome.NOT_APPLICABLE
