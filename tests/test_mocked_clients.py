"""A tool whose requests a mock answers is unproven, with the remedy; one that asks nobody is what it was, mock or not."""

from __future__ import annotations

import pytest

from tests.project import Project

TOOLS = """
import httpx
import requests

ORDERS = {"GET http://api.example.com/orders/7": {"state": "shipped"}}


def by_requests():
    return {"status": "success", "data": requests.get("http://api.example.com/orders/7", timeout=3).json()}


def by_httpx():
    return {"status": "success", "data": httpx.get("http://api.example.com/orders/7", timeout=3).json()}


def pure():
    return {"status": "success", "data": 7}
"""
TESTS = """
import pytest
import responses
import respx
from unittest import mock
from shop.tools import ORDERS, by_httpx, by_requests, pure


@pytest.fixture(autouse=True)
def no_network():
{fixture}


@pytest.mark.agent_tool(tool={tool}, backend=ORDERS)
def test_tool(readiness_check):
    readiness_check()
"""
RESPONSES = """
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.get("http://api.example.com/orders/7", json={"state": "shipped"})
        yield
"""
RESPX = """
    with respx.mock(assert_all_called=False) as mocked:
        mocked.get("http://api.example.com/orders/7").respond(json={"state": "shipped"})
        yield
"""
PATCHED = """
    with mock.patch("shop.tools.requests.get") as get:
        get.return_value.json.return_value = {"state": "shipped"}
        yield
"""
AUTOSPEC = PATCHED.replace('.get")', '.get", autospec=True)')


@pytest.mark.parametrize(
    ("fixture", "tool", "told"),
    [
        (RESPONSES, "by_requests", "requests (by responses)"),
        (RESPX, "by_httpx", "httpcore (by respx)"),
        (PATCHED, "by_requests", "requests.get"),
        (AUTOSPEC, "by_requests", "requests.get"),
    ],
    ids=["responses", "respx", "patch", "autospec"],
)
def test_a_client_that_a_fixture_replaces_leaves_the_tool_unproven(project: Project, fixture: str, tool: str, told: str) -> None:
    (project.pytester.path / "shop" / "tools.py").write_text(TOOLS)
    project.tests(TESTS.replace("{fixture}", fixture).replace("{tool}", tool))
    results = {result["check"]: result for result in project.report()["results"]}
    reason = f"{told} is replaced in this test: its calls never reach the world. Take the mock away where the tool is examined"
    for check in ("AR101", "AR102", "AR103", "AR202", "AR203"):
        assert results[check]["outcome"] == "unproven", results[check]
        assert reason in results[check]["reason"]


@pytest.mark.parametrize("fixture", [RESPONSES, RESPX, PATCHED], ids=["responses", "respx", "patch"])
def test_a_mock_that_nobody_asks_changes_nothing(project: Project, fixture: str) -> None:
    (project.pytester.path / "shop" / "tools.py").write_text(TOOLS)
    project.tests(TESTS.replace("{fixture}", fixture).replace("{tool}", "pure"))
    results = {result["check"]: result["outcome"] for result in project.report()["results"]}
    assert (results["AR101"], results["AR103"], results["AR202"]) == ("passed", "not_applicable", "not_applicable")
