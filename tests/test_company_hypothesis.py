"""Hypothesis does its part of an examination beside the user's own use of it: no warning, no file, no setting is left."""

from __future__ import annotations

import pytest

ARGS = (
    "-p",
    "no:anyio",
    "-p",
    "no:time_machine",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
    "-p",
    "no:asyncio",
    "-W",
    "error",
    "-rA",
    "-k",
    "AR107 or plain",
)
TOOL = """
import pytest


def price(lowest: int, highest: int) -> int:
    if type(lowest) is not type(highest):
        raise ValueError("lowest and highest are both whole numbers")
    return highest - lowest


@pytest.fixture
def prepared():
    return {"lowest": 1, "highest": 2}


facts = {"tool": price, "args": {"lowest": 1, "highest": 2}}
"""
OWN = """
import random
from hypothesis import HealthCheck, given, settings, strategies

before = settings.default, random.getstate()
"""
EXAMINED = {
    "with a fixture": """
@pytest.mark.agent_tool(**facts)
def test_price(readiness_check, prepared):
    readiness_check()
""",
    "within a test of hypothesis": """
@settings(max_examples=3, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=strategies.integers())
@pytest.mark.agent_tool(**facts)
def test_price(number, readiness_check):
    readiness_check()
""",
}
FOUND = "*price(lowest=None, highest=None) crashes with TypeError*"


@pytest.mark.parametrize("marked", EXAMINED.values(), ids=EXAMINED)
def test_the_examination_leaves_the_users_own_alone(pytester: pytest.Pytester, marked: str) -> None:
    pytester.makepyfile(
        f"""{TOOL}{OWN}{marked}

def test_plain_settings_are_the_users_own():
    assert before == (settings.default, random.getstate())

@settings(max_examples=3, database=None)
@given(strategies.integers())
def test_plain_property(number):
    assert isinstance(number, int)
"""
    )
    result = pytester.runpytest_subprocess(*ARGS, "--hypothesis-show-statistics")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([FOUND])
    result.stdout.fnmatch_lines(["*::test_plain_property:"])
    assert "warning" not in result.stdout.str().lower()


def test_a_project_without_hypothesis_gets_neither_its_words_nor_its_directory(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TOOL + EXAMINED["with a fixture"])
    result = pytester.runpytest_subprocess(*ARGS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([FOUND])
    assert "hypothesis" not in result.stdout.str().replace("hypothesis-", "").replace("_hypothesis", "").lower()
    assert not (pytester.path / ".hypothesis").exists()
