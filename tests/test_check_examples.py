"""Every check proves itself by its own examples, and says why it matters and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from pytest_agentready.domain import Check, Example, Verdict
from tests.examining import as_subject, engine, told

CHECKS = engine().registry.checks
each = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.label)
EXAMPLES = [
    pytest.param(check, example, outcome, id=f"{check.label}-{example.function.__name__}")
    for check in CHECKS
    for outcome, examples in (("passed", check.passing), ("failed", check.failing))
    for example in examples
]


@cache
def verdict_of(check: Check, function: Callable[..., Any]) -> Verdict:
    (example,) = (example for example in (*check.passing, *check.failing) if example.function is function)
    return engine().examine(as_subject(function, example.facts, check), check)


@pytest.mark.parametrize(("check", "example", "outcome"), EXAMPLES)
def test_an_example_gets_the_verdict_that_it_stands_for(check: Check, example: Example, outcome: str) -> None:
    verdict = verdict_of(check, example.function)
    assert verdict.outcome.value == outcome, told(verdict)


@pytest.mark.parametrize(("check", "example", "outcome"), EXAMPLES)
def test_a_finding_says_what_happened_and_where(check: Check, example: Example, outcome: str) -> None:
    path = example.function.__code__.co_filename
    for finding in verdict_of(check, example.function).findings:
        assert finding.message
        assert finding.where.rpartition(":")[2].isdigit()
        assert path.endswith(finding.where.rpartition(":")[0])


@each
def test_a_check_has_an_example_of_each_kind(check: Check) -> None:
    assert check.passing
    assert check.failing


@each
def test_the_source_of_an_example_is_a_function_that_can_be_read_alone(check: Check) -> None:
    for example in (*check.passing, *check.failing):
        assert example.source.startswith(("def ", "async def "))
        compile(example.source, "<example>", "exec")


@each
def test_a_check_says_why_it_matters_and_how_to_mend_it(check: Check) -> None:
    assert len(check.rationale.split("\n\n")) >= 2, "a first line for the summary, and the reasons below it"
    assert check.rationale.splitlines()[0].endswith(".")
    assert check.fix.endswith(".")
    assert check.title
    assert not check.title.endswith(".")
    assert check.since
