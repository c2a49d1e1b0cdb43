"""What another package brings by entry points: a check, faults and an adapter, from its installation to the report."""

from __future__ import annotations

import pytest

from tests.project import MARKED, Project

CHECK = '''"""A tool that shouts frightens its readers."""

from pytest_agentready import Check, Finding, Severity

check = Check(id="ODD1", title="The tool shouts", severity=Severity.HIGH, profile="standard", fix="Speak softly.", since="1.0")


@check
def judge(tool, normal_call, fault_matrix):
    for run in (*normal_call.runs, *fault_matrix.runs):
        if run.answer is not None and run.answer.text.isupper():
            yield Finding(f"{tool.framework} tool {tool.name} shouts {run.answer.message!r} where {run.fault.title}", where=tool.source)
'''

FAULTS = """
from pytest_agentready import Response, WireFault


class Moved(WireFault):
    def answer(self, exchange):
        exchange.send(Response(status=410, body=b"moved away"))
        return True


FAULTS = [Moved("moved-away", "the peer has moved away", "status")]
"""

ADAPTER = '''
from pytest_agentready.domain import Answer, Tool


class OddTool:
    """A framework's tool: what it gives back is a pair of a mood and a text."""

    def __init__(self, function):
        self.function = function


def read(value):
    mood, text = value
    status = "success" if mood == ":)" else "error"
    return Answer(typed=True, status=status, error_type="permanent", retry_safe=False, message=text, text=text)


def adapt(obj):
    if not isinstance(obj, OddTool):
        return None
    function = obj.function
    name, source = f"{function.__module__}.{function.__name__}", f"{function.__code__.co_filename}:1"
    return Tool(name, function, is_async=False, source=source, framework="odd", read=read)
'''

TOOLS = """
import requests
from odd.adapter import OddTool


@OddTool
def ask():
    try:
        response = requests.get("https://api.example.com/ask", timeout=2)
        response.raise_for_status()
        return ":)", response.json()["said"]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return ":(", "GONE" if "response" in locals() and response.status_code == 410 else "it did not work"
"""


@pytest.fixture
def odd(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project in which the package `odd-things` is installed."""
    pytester.syspathinsert()
    package = pytester.mkpydir("odd")
    for name, text in {"shouting.py": CHECK, "faults.py": FAULTS, "adapter.py": ADAPTER}.items():
        (package / name).write_text(text, encoding="utf-8")
    groups = {"checks": "odd.shouting", "faults": "odd.faults:FAULTS", "adapters": "odd.adapter"}
    install(pytester, "".join(f"[agentready.{group}]\nodd = {value}\n\n" for group, value in groups.items()))
    pytester.makepyfile(asking=TOOLS)
    pytester.makepyfile(
        """
        import pytest
        import asking

        @pytest.mark.agent_tool(tool=asking.ask, backend={"GET https://api.example.com/ask": {"said": "hello"}})
        def test_ask(readiness_check):
            readiness_check()
        """
    )
    return pytester


def install(pytester: pytest.Pytester, entry_points: str) -> None:
    info = pytester.mkdir("odd_things-1.0.dist-info")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-things\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *args)


def test_a_check_judges_by_a_fault_through_an_adapter_all_of_them_third_partys(odd: pytest.Pytester) -> None:
    result = run(odd, "-k", "ODD1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*ODD1-shouting, high: The tool shouts",
            "*what  odd tool asking.ask shouts 'GONE' where the peer has moved away",
            "*why   A tool that shouts frightens its readers.",
            "*more  pytest --agentready-explain ODD1",
        ]
    )


def test_the_adapters_reading_decides_what_a_result_says(odd: pytest.Pytester) -> None:
    result = run(odd, "-k", "AR101 or AR102 or AR103", "-v")
    result.assert_outcomes(passed=3)


def test_a_frameworks_tools_are_found_in_a_module_that_is_a_target(odd: pytest.Pytester) -> None:
    odd.makepyfile(
        more="from asking import ask as _ask\nfrom odd.adapter import OddTool\nhelp = OddTool(_ask.function)\ndef no_tool(): pass\n"
    )
    result = run(odd, "--agentready-tools", "more", "--collect-only", "-q", "-k", "ODD1", "--ignore", "test_x.py")
    assert [line for line in result.outlines if line.startswith("agentready::")] == ["agentready::asking.ask::ODD1-shouting"]


def test_a_third_partys_check_is_explained_and_waived_by_its_name(odd: pytest.Pytester) -> None:
    run(odd, "--agentready-explain", "shouting").stdout.fnmatch_lines(["ODD1-shouting: The tool shouts", "A tool that shouts*"])
    odd.makeini("[pytest]\nagentready_waive = shouting asking.ask: it is deaf\n")
    run(odd, "-k", "ODD1").assert_outcomes(xfailed=1)


BROKEN = {
    "checks": ("odd.nowhere", "cannot be loaded: ModuleNotFoundError("),
    "faults": ("odd.faults:Moved", "holds <class 'odd.faults.Moved'>, which is no WireFault"),
    "adapters": ("odd.faults", "has no function `adapt`"),
}


@pytest.mark.parametrize("group", BROKEN)
def test_an_entry_point_that_is_broken_names_its_package(project: Project, group: str) -> None:
    pytester = project.pytester
    pytester.syspathinsert()
    package = pytester.mkpydir("odd")
    (package / "faults.py").write_text(FAULTS, encoding="utf-8")
    value, told = BROKEN[group]
    install(pytester, f"[agentready.{group}]\nodd = {value}\n")
    project.tests(MARKED.replace("args=", "backend={}, args="))
    result = run(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    whole = " ".join(result.stdout.str().split())
    assert f"the entry point 'odd' of agentready.{group} ({value}), which the package 'odd-things' brings, {told}" in whole
    assert "Traceback" not in whole


def test_a_broken_check_is_a_usage_error_where_its_name_is_asked_for(project: Project) -> None:
    project.pytester.syspathinsert()
    install(project.pytester, "[agentready.checks]\nodd = nowhere_at_all\n")
    for args in (["--agentready-explain", "AR101"], ["-o", "agentready_waive=AR101 shop.tools.buy: ticket"]):
        result = run(project.pytester, *args)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: *which the package 'odd-things' brings, cannot be loaded: ModuleNotFoundError*"])
