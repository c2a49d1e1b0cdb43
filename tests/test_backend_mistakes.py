"""A backend that does not work, as the user of `readiness_check` meets it: told once, with the route and the line; and our own slips."""

from __future__ import annotations

import json

import pytest

from tests.project import PLAIN

SHOP = """
import pytest, requests

def get_order(order_id: str):
    try:
        return {"status": "success", "data": requests.get(f"http://api.example.com/orders/{order_id}", timeout=3).json()}
    except requests.RequestException as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": str(error)}

def answer(request):
    orders = {"7": "shipped"}
    return {"state": orders[request.params["id"]]}
"""
MARKED = """
@pytest.mark.agent_tool(tool=get_order, args={"order_id": "8"}, backend={"GET http://api.example.com/orders/{id}": %s})
def test_it(readiness_check):
    readiness_check()
"""
TOLD = "the marker's backend= does not work: its 'GET http://api.example.com/orders/{id}' raised KeyError: '8' (test_shop.py:11)"
SLIP = """
import pytest
from pytest_agentready.world.services.http import HTTP

@pytest.fixture(autouse=True)
def slip(monkeypatch):
    monkeypatch.setattr(HTTP, "respond", {}.__getitem__)
"""


def results(pytester: pytest.Pytester) -> list[str]:
    pytester.runpytest_subprocess(*PLAIN, "--agentready-report", "json:report.json")
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert {result["check"] for result in report["results"] if result["outcome"] != "error"} == {"AR108"}  # it needs no call
    return [result["reason"] for result in report["results"] if result["outcome"] == "error"]


def test_a_callable_that_raises_is_told_once_and_the_others_say_where(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=SHOP + MARKED % "answer")
    reasons = results(pytester)
    assert reasons.count(TOLD) == 1
    others = {reason for reason in reasons if reason != TOLD}
    assert len(others) == 1
    assert others.pop().startswith("the marker's backend= does not work, see AR1")


def test_a_mistake_of_our_own_is_an_error_with_our_traceback(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(SLIP)
    pytester.makepyfile(test_shop=SHOP + MARKED % "{}")
    assert all("Traceback" in reason and "exchange.py" in reason and "backend= does not work" not in reason for reason in results(pytester))


def test_in_a_hand_written_test_too(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(SLIP)
    pytester.makepyfile(test_shop=SHOP + "\ndef test_it(agent_world):\n    get_order('7')\n")
    result = pytester.runpytest_subprocess(*PLAIN)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*exchange.py*", "E * the virtual world itself has failed: the test and its tool are not to blame"])


def test_all_late_mistakes_are_told_with_the_mark_at_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop=SHOP
        + """
from pytest_agentready import Response

@pytest.mark.agent_tool(tool=get_order, args={"order_id": "8"}, backend={
    "GET http://api.example.com/orders/{id": Response(status=1000, headers=5),
    "GET http://api.example.com:http/": {},
    "GET http://api.example.com/total": float("nan"),
    "mysql://db/shop": {"SELECT 1": [], "select  1": []},
})
def test_it(readiness_check):
    readiness_check()
"""
    )
    result = pytester.runpytest_subprocess(*PLAIN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "agent_tool: 6 problems",
            "  - *has a { without its counterpart*",
            "  - *status=1000 is no status*",
            "  - *headers=5 are no mapping*",
            "  - *port that is no number*",
            "  - *no NaN or infinity*",
            "  - *are the same: keep one of them.",
        ]
    )
