"""The doorway: verdicts in pytest's own terms, the summary, the options, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.project import BROKEN, COUNT, FAIL, MARKED, NOT_APPLICABLE, PASS, PLAIN, UNPROVEN, Project


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
            "READY: 1 passed, 1 unproven",
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
        ("unproven", "the test did not run (no database here); let it")
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


def test_there_is_no_summary_where_no_test_is_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*READY*")


def test_k_selects_checks_by_id_and_slug(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("untidy", PASS)
    project.tests(MARKED)
    project.run("-k", "T002").assert_outcomes(passed=1, deselected=1)
    project.run("-k", "untidy or hang").assert_outcomes(passed=2)


def test_last_failed_repeats_only_what_failed(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("hang", FAIL)
    project.tests(MARKED)
    project.run().assert_outcomes(passed=1, failed=1)
    project.run("--lf").assert_outcomes(failed=1)


def test_a_run_that_stops_early_is_not_ready(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests("def test_breaks():\n    assert False\n", name="test_b")
    project.tests(MARKED, name="test_a")
    project.tests(MARKED, name="test_c")
    assert project.report()["ready"] is True
    assert project.report("-x")["ready"] is False


def test_a_file_that_cannot_be_collected_leaves_the_question_open(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(MARKED, name="test_a")
    project.tests("import nowhere_at_all", name="test_b")
    report = project.report("--continue-on-collection-errors")
    assert report["counts"]["passed"] == 1
    assert report["ready"] is False


def test_junitxml_takes_the_items_and_their_results(project: Project) -> None:
    project.check("hang", FAIL)
    project.tests(MARKED)
    project.run("--junitxml=junit.xml", "-o", "junit_family=xunit1")
    case = ET.parse(project.pytester.path / "junit.xml").getroot().find(".//testcase")
    assert case is not None
    assert case.get("name") == "test_send_email[T001-hang]"
    assert case.get("file") == "shop/tools.py"
    properties = {each.get("name"): each.get("value") or "" for each in case.iter("property")}
    assert json.loads(properties["agentready"])["outcome"] == "failed"


def test_xdist_gives_the_same_report(project: Project) -> None:
    for slug, body in {"no-hang": PASS, "hang": FAIL, "unseen": UNPROVEN, "offline": NOT_APPLICABLE, "slip": BROKEN}.items():
        project.check(slug, body)
    project.tests(MARKED + "\n@pytest.mark.agent_tool(tool=5)\ndef test_bad(readiness_check):\n    readiness_check()\n")

    def reported(*args: str) -> object:
        report = project.report(*args, apart=True)
        for result in report["results"]:
            assert result.pop("seconds") >= 0
            if result["outcome"] == "error":
                result["reason"] = result["reason"].splitlines()[-1]
        return report

    alone = reported("-p", "no:xdist")
    assert reported("-n", "2") == alone
    assert reported("-n", "2", "--dist", "loadgroup") == alone


def test_the_items_of_one_tool_carry_one_group_for_xdist(project: Project) -> None:
    project.check("no-hang", PASS)
    project.tests(
        """
@pytest.mark.agent_tool(tool=list_orders)
def test_grouped(readiness_check, request):
    assert [mark.args for mark in request.node.iter_markers("xdist_group")] == [("shop.tools.list_orders",)]
    readiness_check()

@pytest.mark.xdist_group("mine")
@pytest.mark.agent_tool(tool=list_orders)
def test_grouped_by_its_owner(readiness_check, request):
    assert [mark.args for mark in request.node.iter_markers("xdist_group")] == [("mine",)]
    readiness_check()
"""
    )
    project.run_apart("-n", "1", "--dist", "loadgroup").assert_outcomes(passed=2)


def test_a_worker_that_dies_leaves_the_question_open(project: Project) -> None:
    project.check("no-hang", PASS)
    project.check("deadly", "import os; os._exit(1); yield")
    project.tests(MARKED)
    report = project.report("-n", "1", apart=True)
    assert report["counts"]["passed"] == 1
    assert report["ready"] is False


def test_explain_prints_reason_fix_and_both_examples(project: Project) -> None:
    project.check("hang", PASS, rationale="A tool that waits takes its user along.\n\nAt night, too.", title="Tool hangs")
    result = project.run("--agentready-explain", "T001")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "T001-hang: Tool hangs",
            "severity high, profile checklist, since 0.1",
            "A tool that waits takes its user along.",
            "At night, too.",
            "Fix",
            "  Mend it: `call(timeout=5)`.",
            "Fails",
            "    def a_bad_tool():",
            "Passes",
            "    def a_good_tool():",
        ]
    )


@pytest.mark.parametrize("name", ["T001", "hang", "T001-hang", "t001"])
def test_explain_takes_id_slug_and_label(project: Project, name: str) -> None:
    project.check("hang", PASS)
    result = project.run("--agentready-explain", name)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["T001-hang: It hangs"])


def test_explain_works_on_a_check_of_the_checklist(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(*PLAIN, "--agentready-explain", "AR202")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["AR202-unbounded-wait: *", "severity high, profile checklist, *", "Fix", "Fails", "*def *", "Passes", "*def *"]
    )


def test_explain_of_an_unknown_check_says_what_was_meant(project: Project) -> None:
    project.check("hang", PASS)
    result = project.run("--agentready-explain", "hangs")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --agentready-explain: There is no check 'hangs'. Did you mean T001-hang?*"])


def test_markers_documents_the_mark_and_fixtures_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.runpytest(*PLAIN, "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.agent_tool(tool, args=..., backend=..., timeout=..., kind=...):*"]
    )
    pytester.runpytest(*PLAIN, "--fixtures").stdout.fnmatch_lines(["readiness_check*"])


def test_without_a_marked_test_nothing_of_ours_is_imported(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_plain():
            ours = {name for name in sys.modules if name.startswith("pytest_agentready")}
            assert ours == {"pytest_agentready", "pytest_agentready.plugin"}
            assert not {"pydantic", "h11", "trustme", "fakeredis", "opentelemetry"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess(*PLAIN).assert_outcomes(passed=1)


def test_the_doorway_is_imported_in_well_under_fifty_milliseconds() -> None:
    code = "import pytest, time; t = time.perf_counter(); import pytest_agentready.plugin; print(time.perf_counter() - t)"
    fastest = min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3))
    assert fastest < 0.05


def test_the_marks_guard_is_taken_down_when_the_run_ends(pytester: pytest.Pytester) -> None:
    before = vars(pytest.mark).get("agent_tool")
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_inprocess(*PLAIN)
    assert vars(pytest.mark).get("agent_tool") is before


def test_the_plugin_can_be_switched_off_by_its_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess(*PLAIN, "-p", "no:agentready", "--agentready-report", "json:x.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    pytester.runpytest_subprocess(*PLAIN, "-p", "no:agentready").assert_outcomes(passed=1)
