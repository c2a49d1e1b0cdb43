"""The doorway: pytest's own options and other plugins beside ours, `--agentready-explain`, and what a run without us costs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.project import BROKEN, FAIL, MARKED, NOT_APPLICABLE, PASS, PLAIN, UNPROVEN, Project


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
        ["@pytest.mark.agent_tool(tool, args=..., backend=..., timeout=..., kind=..., result_budget=..., confirm=..., user=..., *):*"]
    )
    pytester.runpytest(*PLAIN, "--fixtures").stdout.fnmatch_lines(["readiness_check*"])


def test_without_a_marked_test_nothing_of_ours_is_imported(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others may import what we would not
    pytester.makepyfile(
        """
        import sys

        def test_plain():
            ours = {name for name in sys.modules if name.startswith("pytest_agentready")}
            names = ("plugin", "guarded", "session", "recorder", "own_tests", "startup", "workers")
            assert ours == {"pytest_agentready", *(f"pytest_agentready.{name}" for name in names)}
            assert not {"pydantic", "h11", "trustme", "fakeredis", "opentelemetry", "hypothesis"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "pytest_agentready.plugin").assert_outcomes(passed=1)


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
