"""The doorway: verdicts in pytest's own terms, and the summary."""

from __future__ import annotations

import pytest

from tests.project import BROKEN, COUNT, FAIL, MARKED, NOT_APPLICABLE, PASS, UNPROVEN, Project


def test_a_passed_check_is_a_passed_item_and_the_tool_is_ready(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED)
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["READY: 1 passed", "*1 tool, profile standard"])


def test_a_failed_check_fails_and_says_what_where_why_and_how_to_mend_it(project: Project) -> None:
    label = project.check("hang", FAIL, rationale="A tool that waits takes its user along. More of this.", title="Tool hangs")
    project.tests(MARKED)
    result = project.run()
    result.assert_outcomes(failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            f"*test_send_email?{label}?*",
            "shop.tools.send_email: shop.tools.send_email hangs",
            f"  {label}, high: Tool hangs",
            "  what  shop.tools.send_email hangs",
            "  where shop/tools.py:2",
            "  why   A tool that waits takes its user along.",
            "  fix   Mend it: `call(timeout=5)`.",
            "  more  pytest --agentready-explain T001",
            "NOT READY: 0 passed, 1 failed (1 high)",
        ]
    )
    result.stdout.no_fnmatch_line("*More of this*")
    result.stdout.no_fnmatch_line("*fixtures.py*")


def test_a_finding_below_fail_on_passes_as_an_item_and_stands_in_the_summary(project: Project) -> None:
    project.check("untidy", FAIL, severity="LOW")
    project.check("no-hang", PASS)
    project.tests(MARKED)
    result = project.run("-W", "error")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["READY: 1 passed, 1 failed (1 low)", "  low     T001-untidy*below agentready_fail_on*"])


@pytest.mark.parametrize(
    ("fail_on", "outcomes"), [("high", {"passed": 3}), ("medium", {"failed": 1, "passed": 2}), ("low", {"failed": 2, "passed": 1})]
)
def test_fail_on_decides_from_which_severity_on_a_finding_fails(project: Project, fail_on: str, outcomes: dict[str, int]) -> None:
    project.check("untidy", FAIL, severity="LOW")
    project.check("slow", FAIL, severity="MEDIUM")
    project.check("no-hang", PASS)
    project.tests(MARKED)
    project.run("-o", f"agentready_fail_on={fail_on}").assert_outcomes(**outcomes)


def test_an_unproven_check_skips_with_what_is_missing_and_stands_in_the_headline(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("unseen", UNPROVEN)
    project.tests(MARKED)
    result = project.run("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "READY, as far as it was proved: 1 passed, 1 unproven",
            "Not assessed",
            "  no arguments: give `args` to the marker",
            "      shop.tools.send_email: T002",
            "SKIPPED*T002-unseen is unproven: no arguments: give `args` to the marker",
        ]
    )


def test_an_unproven_check_fails_where_the_project_wants_it(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("unseen", UNPROVEN)
    project.tests(MARKED)
    result = project.run("-o", "agentready_unproven=fail")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*T002-unseen is unproven: no arguments*", "NOT READY: 1 passed, 1 unproven"])


def test_a_tool_of_which_nothing_was_proved_is_not_ready(project: Project) -> None:
    project.check("unseen", UNPROVEN)
    project.tests(MARKED)
    result = project.run()
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["NOT READY: 0 passed, 1 unproven", "  shop.tools.send_email was judged by no check"])


def test_a_run_that_judged_nothing_is_not_green(project: Project) -> None:
    project.check("unseen", UNPROVEN)
    project.tests(MARKED)
    assert project.run().ret == pytest.ExitCode.TESTS_FAILED
    assert project.run("-p", "no:terminal").ret == pytest.ExitCode.TESTS_FAILED


def test_an_unproven_check_that_was_chosen_by_hand_skips_as_ever(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("unseen", UNPROVEN)
    project.tests(MARKED)
    result = project.run("-k", "T002")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["  1 tool, profile standard; 1 more check deselected"])


def test_a_test_that_fails_after_its_verdict_is_an_error_in_the_report(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED + "    assert 'my own' == 'other'\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["NOT READY: 0 passed, 1 error", "*my own*"])


def test_a_check_may_be_asserted(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED.replace("readiness_check()\n", "assert readiness_check()\n"))
    project.run().assert_outcomes(passed=1)


def test_a_findings_own_fix_is_told_instead_of_the_checks(project: Project) -> None:
    project.check("hang", "yield Finding('it hangs', fix='Call it off.')")
    project.tests(MARKED)
    result = project.run()
    result.stdout.fnmatch_lines(["  fix   Call it off.", "*fix: Call it off."])
    assert "Mend it" not in result.stdout.str()


def test_a_check_that_does_not_apply_skips_with_the_proof_and_counts_apart(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("offline", NOT_APPLICABLE)
    project.tests(MARKED)
    result = project.run("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["READY: 1 passed, 1 not applicable", "SKIPPED*T002-offline is not applicable: it never leaves the process"]
    )


def test_a_slip_of_our_own_is_an_error_with_our_traceback_and_never_a_finding(project: Project) -> None:
    project.check("slip", BROKEN)
    project.tests(MARKED)
    result = project.run()
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*T001-slip could not judge shop.tools.send_email; the tool is not to blame.",
            "KeyError: 'our own slip'",
            "NOT READY: 0 passed, 1 error",
            "  KeyError: 'our own slip'",
            "ERROR test_shop.py::test_send_email?T001-slip? - T001-slip could not judge*",
            "*1 error*",
        ]
    )
    result.stdout.no_fnmatch_line("*fixtures.py*")


def test_calling_twice_says_the_same_twice_and_examines_once(project: Project) -> None:
    project.check("hang", COUNT + FAIL)
    project.tests(
        """
@pytest.mark.agent_tool(tool=list_orders)
def test_twice(readiness_check):
    told = []
    for _ in range(2):
        with pytest.raises(pytest.fail.Exception) as caught:
            readiness_check()
        told.append(str(caught.value))
    assert told[0] == told[1]
"""
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    assert (project.pytester.path / "judged").read_text() == "x"
    result.stdout.fnmatch_lines(["NOT READY: 0 passed, 1 failed (1 high)"])


def test_a_test_that_never_calls_readiness_check_is_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests("@pytest.mark.agent_tool(tool=list_orders)\ndef test_forgets(readiness_check):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the test ended without calling readiness_check()*", "NOT READY: 0 passed, 1 error"])


def test_a_test_that_fails_by_itself_keeps_its_own_failure(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests("@pytest.mark.agent_tool(tool=list_orders)\ndef test_fails(readiness_check):\n    assert 1 == 2, 'mine'\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*AssertionError: mine*", "NOT READY: 0 passed, 1 error", "*AssertionError: mine*"])
    result.stdout.no_fnmatch_line("*without calling*")


def test_a_test_that_skips_by_itself_leaves_its_tool_unproven(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests("@pytest.mark.agent_tool(tool=list_orders)\ndef test_skips(readiness_check):\n    pytest.skip('no database here')\n")
    report = project.report()
    assert [(result["outcome"], result["reason"]) for result in report["results"]] == [
        ("unproven", "the test was skipped (no database here): nothing was examined")
    ]
    assert report["ready"] is False


def test_a_failing_fixture_of_the_user_counts_as_an_error(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        """
@pytest.fixture
def database():
    raise OSError("no server")

@pytest.mark.agent_tool(tool=list_orders)
def test_orders(database, readiness_check):
    readiness_check()
"""
    )
    report = project.report()
    assert report["counts"]["error"] == 1
    assert report["results"][0]["reason"] == "OSError: no server"
    assert report["results"][0]["subject"] == "shop.tools.list_orders"


def test_the_users_own_fixtures_stand_beside_readiness_check(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        """
@pytest.fixture
def database():
    return "rows"

@pytest.mark.agent_tool(tool=list_orders)
def test_orders(database, readiness_check):
    assert database == "rows"
    readiness_check()
"""
    )
    project.run().assert_outcomes(passed=1)


def test_readiness_check_may_be_taken_by_a_fixture_of_the_user(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("fine", PASS)
    project.tests(
        """
@pytest.fixture
def examine(readiness_check):
    return readiness_check

@pytest.mark.agent_tool(tool=list_orders)
def test_orders(examine):
    examine()
"""
    )
    project.run().assert_outcomes(passed=2)
