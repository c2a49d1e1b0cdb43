"""What hand-written tests mean for the verdict: waivers hold for them, and one that fails makes the assessment not ready."""

from __future__ import annotations

import json

import pytest
import requests  # noqa: F401  (what is loaded already is not loaded anew, and in part, by each run in this process)
import trustme  # noqa: F401

import pytest_agentready.scene  # noqa: F401
from tests.project import PLAIN

SHOP = """
import requests

def get_order(order_id: str, timeout: float = 3) -> dict:
    '''Look up an order.'''
    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=timeout)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["state"]}
    except (requests.RequestException, ValueError, KeyError) as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": f"The order service failed: {error}"}

def hello() -> dict:
    '''Say hello.'''
    return {"status": "success", "data": "hello"}
"""
TESTS = """
import pytest, shop

@pytest.mark.agent_tool(tool=shop.get_order, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
@pytest.mark.parametrize("timeout", [9])
def test_slow(agent_tool, agent_world, timeout):
    agent_world.fault("api.example.com", "response-hang")
    agent_tool(order_id="7", timeout=timeout)

@pytest.mark.agent_tool(tool=shop.hello)
def test_hello(readiness_check):
    readiness_check()
"""
WAIVED = ("-o", "agentready_waive=AR203 shop.get_order until 2999-12-31: the vendor is slow, ticket 812")
EXPIRED = ("-o", "agentready_waive=AR203 shop.get_order until 2001-12-31: the vendor is slow, ticket 812")


@pytest.fixture
def run(pytester: pytest.Pytester):
    pytester.makepyfile(shop=SHOP, test_at=TESTS)

    def run(*args: str) -> tuple[pytest.RunResult, dict]:
        command = pytester.runpytest_subprocess if "-n" in args else pytester.runpytest
        result = command(*PLAIN, "--agentready-report", "json:report.json", *args)
        return result, json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))

    return run


@pytest.mark.parametrize("args", [("-n", "2"), ()])
def test_a_finding_counts_in_summary_and_report(run, args: tuple[str, ...]) -> None:
    result, report = run(*args)
    result.stdout.fnmatch_lines(
        ["NOT READY: * 1 failed (1 medium)*", "  test_at.py::test_slow[[]9[]] failed", "  medium  AR203-slow-timeout"]
    )
    assert report["ready"] is False
    (failed,) = [one for one in report["results"] if one["outcome"] == "failed"]
    assert (failed["check"], failed["subject"], failed["node"]) == ("AR203", "shop.get_order", "test_at.py::test_slow[9]")


@pytest.mark.parametrize("args", [("-n", "2"), ()])
def test_a_waiver_holds_for_a_hand_written_test_and_counts_as_used(run, args: tuple[str, ...]) -> None:
    result, report = run(*WAIVED, *args)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["READY, as far*1 waived*", "Waived", "  AR203-slow-timeout, until 2999-12-31: the vendor is slow, ticket 812"]
    )
    assert (report["ready"], report["counts"]["waived"]) == (True, 1)


def test_the_tool_of_a_waiver_was_examined_although_the_test_found_nothing_there(run, pytester: pytest.Pytester) -> None:
    path = pytester.path / "test_at.py"
    path.write_text(path.read_text().replace("[9]", "[2]"))
    result, report = run(*WAIVED)
    assert (result.ret, report["ready"]) == (pytest.ExitCode.OK, True)
    result.stdout.no_fnmatch_line("*names no tool*")


def test_an_expired_waiver_fails_and_says_so(run) -> None:
    result, report = run(*EXPIRED)
    result.stdout.fnmatch_lines(["  but   its waiver expired on 2001-12-31 (the vendor is slow, ticket 812)", "NOT READY: *"])
    assert report["ready"] is False


def test_runxfail_asks_for_what_is_really_the_case(run) -> None:
    assert run(*WAIVED, "--runxfail")[1]["counts"]["failed"] == 1


@pytest.mark.parametrize("args", [("-n", "2"), ()])
def test_a_test_that_fails_by_itself_makes_the_assessment_not_ready(run, pytester: pytest.Pytester, args: tuple[str, ...]) -> None:
    pytester.makepyfile(test_own="def test_own(agent_world):\n    assert 0\ndef test_plain():\n    assert 0\n")
    path = pytester.path / "test_at.py"
    path.write_text(path.read_text().replace("[9]", "[2]"))
    result, report = run(*args)
    result.stdout.fnmatch_lines(["NOT READY: *", "  test_own.py::test_own failed"])
    result.stdout.no_fnmatch_line("  test_own.py::test_plain failed")
    assert report["ready"] is False


def test_a_test_whose_fixture_fails_counts_too(run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="import pytest\n@pytest.fixture\ndef broken():\n    assert 0\ndef test_own(broken, agent_tool):\n    pass\n"
    )
    assert run("-k", "hello or own")[1]["ready"] is False
