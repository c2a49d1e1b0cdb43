"""What a session costs that has no use for the plugin, and for what came with it."""

from __future__ import annotations

import pytest

from tests.project import MARKED, PASS, Project

WITHOUT_OTHERS = ("-p", "no:anyio", "-p", "no:time_machine", "-p", "no:cacheprovider")
TELLS = """
import sys
import pytest

@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    print("HYPOTHESIS", "hypothesis" in sys.modules)
"""
PROPERTY = """
from hypothesis import given, settings, strategies

@settings(max_examples=3, database=None)
@given(strategies.integers())
def test_property(number):
    assert isinstance(number, int)
"""


def test_a_session_without_hypothesis_does_not_import_it_for_its_summary(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(TELLS)
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess(*WITHOUT_OTHERS, "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["HYPOTHESIS False"])


def test_nor_does_one_that_examines_a_tool(project: Project) -> None:
    project.check("no-hang", PASS)
    conftest = project.pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text(encoding="utf-8") + TELLS, encoding="utf-8")
    project.tests(MARKED)
    result = project.pytester.runpytest_subprocess(*WITHOUT_OTHERS, "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["HYPOTHESIS False"])


@pytest.mark.parametrize("args", [(), ("-n", "1")])
def test_a_project_that_uses_hypothesis_keeps_its_statistics(pytester: pytest.Pytester, args: tuple[str, ...]) -> None:
    pytester.makepyfile(PROPERTY)
    result = pytester.runpytest_subprocess(*WITHOUT_OTHERS, "--hypothesis-show-statistics", *args)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*Hypothesis Statistics*", "*::test_property:"])


def test_hypothesis_may_be_switched_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_subprocess(*WITHOUT_OTHERS, "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_the_plugin_itself_is_imported_in_no_time(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """15 ms are promised, once Python has compiled it; the best of several counts, for others may use the machine."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(pytester.path / "compiled"))
    pytester.makepyfile(
        timed="""
        import time
        import pytest
        start = time.process_time()
        import pytest_agentready.plugin
        print(time.process_time() - start)
        """
    )
    times = [float(pytester.runpython("timed.py").outlines[-1]) for _ in range(4)]
    assert min(times) < 0.015
