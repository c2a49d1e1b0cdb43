"""Tools without a test file: how targets become items, and how those live with everything else that pytest does."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.project import FAIL, MARKED, PASS, Project

DESK = """
def open_desk():
    return {"status": "success"}


def close_desk():
    return {"status": "success"}
"""


@pytest.fixture
def desk(project: Project) -> Project:
    """A project with a target of two tools, and no test file."""
    project.check("no-hang", PASS)
    project.pytester.makepyfile(**{"shop/desk": DESK})
    project.pytester.makeini("[pytest]\nagentready_tools = shop.desk\n")
    return project


def ids(result: pytest.RunResult) -> list[str]:
    return [line.strip() for line in result.outlines if "::" in line]


def add_to_conftest(project: Project, source: str) -> None:
    conftest = project.pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text(encoding="utf-8") + source, encoding="utf-8")


def test_each_tool_meets_each_check_without_a_test_file(desk: Project) -> None:
    desk.check("tidy", PASS)
    result = desk.run("--agentready", "--collect-only", "-q")
    assert ids(result) == [
        "agentready::shop.desk.open_desk::T001-no-hang",
        "agentready::shop.desk.open_desk::T002-tidy",
        "agentready::shop.desk.close_desk::T001-no-hang",
        "agentready::shop.desk.close_desk::T002-tidy",
    ]
    result = desk.run("--agentready")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["READY: 4 passed", "*2 tools, profile standard"])


def test_without_the_option_nothing_is_collected(desk: Project) -> None:
    assert desk.run().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_target_on_the_command_line_implies_the_option_and_replaces_what_is_configured(desk: Project) -> None:
    desk.pytester.makepyfile(other="def one(): pass\n", another="def two(): pass\n")
    result = desk.run("--agentready-tools", "other", "--agentready-tools", "another", "--collect-only", "-q")
    assert ids(result) == ["agentready::other.one::T001-no-hang", "agentready::another.two::T001-no-hang"]


def test_without_any_target_the_option_says_what_to_write(project: Project) -> None:
    result = project.run("--agentready")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(['ERROR: --agentready: no target is configured. Say what to examine by `agentready_tools = *"shop.tools"*'])


def test_test_files_and_targets_run_side_by_side(desk: Project) -> None:
    desk.tests(MARKED + "\ndef test_plain():\n    pass\n")
    desk.run("--agentready").assert_outcomes(passed=4)
    desk.run("--agentready", "test_shop.py::test_plain").assert_outcomes(passed=3)


def test_a_tool_that_a_test_marks_gets_no_items_beside_that_tests(desk: Project) -> None:
    desk.tests(
        "from shop import desk\n@pytest.mark.agent_tool(tool=desk.open_desk)\ndef test_it(readiness_check):\n    readiness_check()\n"
    )
    desk.tests("def test_plain():\n    pass\n", name="test_other")
    assert [name for name in ids(desk.run("--agentready", "--co", "-q")) if "desk" in name or "test_it" in name] == [
        "test_shop.py::test_it[T001-no-hang]",
        "agentready::shop.desk.close_desk::T001-no-hang",
    ]
    # Where that test is not collected, nobody else would examine the tool.
    assert "agentready::shop.desk.open_desk::T001-no-hang" in ids(desk.run("--agentready", "--co", "-q", "test_other.py"))


def test_the_marked_test_is_found_although_lf_puts_failures_first(desk: Project) -> None:
    desk.check("hang", FAIL)
    desk.tests(
        "from shop import desk\n@pytest.mark.agent_tool(tool=desk.open_desk)\ndef test_it(readiness_check):\n    readiness_check()\n"
    )
    desk.run("--agentready").assert_outcomes(passed=2, failed=2)
    result = desk.run("--agentready", "--lf", "-v")
    result.assert_outcomes(failed=2)
    result.stdout.no_fnmatch_line("*open_desk::*")


def test_one_tool_behind_two_targets_is_examined_once(desk: Project) -> None:
    desk.pytester.makepyfile(listing="from shop import desk\nTOOLS = [desk.open_desk]\n")
    result = desk.run("--agentready-tools", "shop.desk", "--agentready-tools", "listing:TOOLS", "--agentready-tools", "shop.desk:open_desk")
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("chosen", "passed"),
    [
        ("agentready::shop.desk.open_desk::T001-no-hang", 1),
        ("agentready::shop.desk.open_desk", 2),
        ("agentready::shop.desk", 4),
        ("../agentready::shop.desk.open_desk", 2),  # as pytest shows it to who stands in a folder below
    ],
)
def test_a_node_of_ours_is_chosen_by_its_id(desk: Project, chosen: str, passed: int) -> None:
    desk.check("tidy", PASS)
    desk.tests("def test_plain():\n    pass\n")
    desk.run(chosen).assert_outcomes(passed=passed)
    desk.run(chosen, "test_shop.py").assert_outcomes(passed=passed + 1)


def test_a_node_that_is_not_there_is_a_usage_error(desk: Project) -> None:
    result = desk.run("agentready::shop.desk.open_dsk")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: not found: agentready::shop.desk.open_dsk. Did you mean 'agentready::shop.desk.open_desk'?"])


def test_k_x_and_deselect_work_as_ever(desk: Project) -> None:
    desk.check("hang", FAIL)
    desk.run("--agentready", "-k", "open_desk and T001").assert_outcomes(passed=1, deselected=3)
    desk.run("--agentready", "-x").assert_outcomes(passed=1, failed=1)
    desk.run("--agentready", "--deselect", "agentready::shop.desk.open_desk").assert_outcomes(passed=1, failed=1, deselected=2)


def test_an_item_points_at_its_tool_and_names_it(desk: Project) -> None:
    desk.check("hang", FAIL)
    result = desk.run("--agentready", "-vv", "-k", "open_desk", "--junitxml=junit.xml", "-o", "junit_family=xunit1")
    result.stdout.fnmatch_lines(
        [
            "agentready::shop.desk.open_desk::T002-hang <- shop/desk.py FAILED*",
            "*___ shop.desk.open_desk T002-hang ___*",
            "*where shop/desk.py:1",
        ]
    )
    case = [*ET.parse(desk.pytester.path / "junit.xml").getroot().iter("testcase")][-1]
    assert (case.get("classname"), case.get("name")) == ("agentready.shop.desk.open_desk", "T002-hang")
    assert (case.get("file"), case.get("line")) == ("shop/desk.py", "0")


def test_every_worker_collects_the_same(desk: Project) -> None:
    desk.check("hang", FAIL)

    def reported(*args: str) -> object:
        report = desk.report("--agentready", *args, apart=True)
        for result in report["results"]:
            assert result.pop("seconds") >= 0
        return report

    assert reported("-n", "2") == reported("-p", "no:xdist")


def test_the_items_of_one_tool_carry_one_group_for_xdist(desk: Project) -> None:
    add_to_conftest(
        desk,
        """
@pytest.fixture(autouse=True)
def group(request):
    assert [mark.args for mark in request.node.iter_markers("xdist_group")] == [(request.node.parent.name,)]
""",
    )
    desk.run_apart("--agentready", "-n", "1").assert_outcomes(passed=2)


def test_fixtures_that_hold_everywhere_hold_here_too(desk: Project) -> None:
    desk.pytester.makepyfile(**{"shop/desk": "import os\nSEEN = []\ndef read_key():\n    return os.environ['DESK_KEY']\n"})
    desk.check("key", "print('KEY', tool.call()); yield from ()")
    add_to_conftest(
        desk,
        """
@pytest.fixture(autouse=True)
def key(monkeypatch, module_key):
    monkeypatch.setenv("DESK_KEY", module_key)

@pytest.fixture(scope="module", autouse=True)
def module_key(request):
    return "key of " + request.module.__name__

@pytest.fixture(scope="class", autouse=True)
def per_class():
    yield
""",
    )
    result = desk.run("--agentready", "-s", "-k", "T002")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*KEY key of shop.desk*"])


def test_the_roots_folder_is_importable_while_the_session_lasts(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    below = desk.pytester.mkdir("below")
    monkeypatch.chdir(below)
    result = desk.pytester.runpytest_subprocess("--agentready", "-p", "no:cacheprovider", "-c", "../tox.ini", "--rootdir", "..")
    result.assert_outcomes(passed=2)


GUARDED = """
import functools
from shop import desk

@functools.wraps(desk.open_desk)
def guarded():
    return desk.open_desk()

TOOLS = [guarded]
"""
TEST_OF_ONE = """
import pytest

@pytest.mark.agent_tool(tool="shop.desk:open_desk")
def test_open_desk(readiness_check):
    readiness_check()
"""


def test_a_name_does_not_depend_on_whether_a_test_marks_its_namesake(desk: Project) -> None:
    desk.pytester.makepyfile(**{"shop/guarded": GUARDED})
    desk.pytester.makeini("[pytest]\nagentready_tools =\n  shop.desk\n  shop.guarded:TOOLS\n")
    alone = ids(desk.run("--agentready", "--collect-only", "-q"))
    desk.pytester.makepyfile(test_desk=TEST_OF_ONE)
    beside = [found for found in ids(desk.run("--agentready", "--collect-only", "-q")) if found.startswith("agentready")]
    assert beside == [found for found in alone if not found.startswith("agentready::shop.desk.open_desk::")]
