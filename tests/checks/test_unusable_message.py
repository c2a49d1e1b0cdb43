"""AR105 at its edges: what counts as a message, and what a finding shows of a secret."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from pytest_agentready.domain import Finding, Outcome
from tests.checks.judging import findings
from tests.examining import as_tool, engine

URL = "http://api.example.com/orders"
BACKEND = {"backend": {f"GET {URL}": {"state": "shipped"}}}
KEY = "sk-t0p-s3cret-9f"


def get(**params: str) -> Any:
    response = requests.get(URL, params=params, timeout=4)
    response.raise_for_status()
    return response.json()["state"]


def error(message: object, **more: object) -> dict[str, object]:
    return {"status": "error", "error_type": "transient", "retry_safe": True, "message": message, **more}


def leaking() -> object:
    try:
        return {"status": "success", "data": get(token=KEY)}
    except Exception as failure:
        return error("The shop is closed.", detail=repr(failure))


def test_a_secret_is_shown_neither_in_the_message_nor_in_the_evidence() -> None:
    verdict = engine().examine(as_tool(leaking, BACKEND), engine().registry.check("AR105"))
    (finding,) = verdict.findings
    assert isinstance(finding, Finding)
    assert "sk-t...9f, the query parameter token" in finding.message
    assert finding.evidence
    assert KEY not in repr(finding)


def held() -> object:
    try:
        return {"status": "success", "data": get()}
    except Exception:
        return error(f"No access with {KEY}.")


def test_what_the_environment_holds_is_a_secret_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", KEY)
    (message,) = findings(held, "AR105", **BACKEND)
    assert "error messages give away sk-t...9f, the environment variable SHOP_API_KEY" in message


def untyped() -> object:
    try:
        return get()
    except Exception:
        return False


def empty() -> object:
    try:
        return {"status": "success", "data": get()}
    except Exception:
        return error(None)


@pytest.mark.parametrize("call", [untyped, empty])
def test_false_and_none_say_nothing(call: Any) -> None:
    (message,) = findings(call, "AR105", **BACKEND)
    assert "error messages are empty" in message


def page() -> str:
    response = requests.get(URL, timeout=4)
    if not response.ok:
        return "Error: " + "<div>the server could not answer the request</div>" * 60
    return "shipped"


def test_the_whole_of_an_untyped_error_is_its_message() -> None:
    (message,) = findings(page, "AR105", **BACKEND)
    assert "error messages are longer than 200 tokens, the longest about" in message


def failing() -> object:
    return {"status": "success", "data": get()}


def test_failures_that_escape_are_ar102s() -> None:
    verdict = engine().examine(as_tool(failing, BACKEND), engine().registry.check("AR105"))
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_APPLICABLE, "see AR102: the failures leave the tool as exceptions")
