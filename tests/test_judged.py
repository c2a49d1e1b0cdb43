"""Who counts as judged, and what the headline says of a selection in which nobody was."""

from __future__ import annotations

import pytest

from tests.project import FAIL, MARKED, NOT_APPLICABLE, PASS, UNPROVEN, Project


def test_a_tool_that_only_its_text_speaks_for_is_not_ready(project: Project) -> None:
    project.check("described", PASS, severity="LOW", static=True)
    project.check("unknown", UNPROVEN)
    project.tests(MARKED)
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["NOT READY: 1 passed, 1 unproven", "  shop.tools.send_email was judged by no check"])
    assert project.report(apart=True)["ready"] is False


def test_one_check_that_ran_it_is_enough(project: Project) -> None:
    project.check("described", PASS, static=True)
    project.check("bounded", PASS)
    project.tests(MARKED)
    project.run().stdout.fnmatch_lines(["READY: 2 passed"])


SELECTIONS = [("-k", "T001"), ("test_shop.py::test_send_email[T001-none]",)]


@pytest.mark.parametrize("body", [NOT_APPLICABLE, UNPROVEN])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_a_selection_that_judges_nothing_says_so_and_is_green(project: Project, selection: tuple[str, ...], body: str) -> None:
    project.check("none", body)
    project.check("bounded", PASS)
    project.tests(MARKED)
    result = project.run(*selection)
    assert result.ret == pytest.ExitCode.OK
    told = "unproven" if body == UNPROVEN else "not applicable"
    result.stdout.fnmatch_lines([f"Nothing was judged: 0 passed, 1 {told}"])
    result.stdout.no_fnmatch_line("NOT READY*")
    assert project.report(*selection)["ready"] is False


def test_a_selection_in_which_something_blocks_is_not_ready(project: Project) -> None:
    project.check("hang", FAIL)
    project.check("none", NOT_APPLICABLE)
    project.tests(MARKED)
    result = project.run("-k", "T001")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["NOT READY: *"])


def test_a_selection_that_judges_one_of_two_tools_says_so(project: Project) -> None:
    project.check("seen", "if 'email' not in tool.name: yield Unproven('no backend')")
    project.check("bounded", PASS)
    project.tests(MARKED + "@pytest.mark.agent_tool(tool=list_orders)\ndef test_list(readiness_check):\n    readiness_check()\n")
    result = project.run("-k", "T001")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["Judged in part: 1 passed, 1 unproven"])
