"""A result crosses processes unharmed, and an assessment is ready only where everything was judged."""

from __future__ import annotations

import json

import pytest

from pytest_agentready.domain import Finding, Outcome, Result, Severity
from tests.reports.results import LIST, assess, failed, passed, result


def test_a_result_survives_its_journey_as_text() -> None:
    sent = failed("T1", "it hangs", "and hangs")
    assert Result.from_json(sent.to_json()) == sent


def test_what_travels_is_plain_ascii_and_what_a_terminal_would_obey_is_spelt_out() -> None:
    finding = Finding("caf\xe9 \x1b[31m \udc80", evidence={"raw": b"\xff", "set": {2, 1}, "nan": float("nan"), 3: object(), "t": (1, None)})
    sent = result("T1", Outcome.FAILED, findings=(finding,))
    text = sent.to_json()
    assert text.isascii()
    read = Result.from_json(text).findings[0]
    assert read.message == "caf\xe9 \\x1b[31m \\udc80"
    assert read.evidence == {"raw": "\\xff", "set": [1, 2], "nan": "nan", "3": "<object object>", "t": [1, None]}
    assert json.loads(text)["seconds"] == 0.0041


@pytest.mark.parametrize(
    ("results", "ready"),
    [
        ([passed("T1")], True),
        ([], False),
        ([passed("T1"), failed("T2", severity=Severity.LOW)], True),
        ([passed("T1"), failed("T2", severity=Severity.MEDIUM)], False),
        ([passed("T1"), result("T2", Outcome.UNPROVEN)], True),
        ([passed("T1"), result("T2", Outcome.ERROR)], False),
        ([passed("T1"), result("T1", Outcome.NOT_APPLICABLE, subject=LIST)], True),
        ([result("T1", Outcome.NOT_APPLICABLE)], False),
        ([result("T1", Outcome.UNPROVEN)], False),
        ([passed("T1"), result("T1", Outcome.UNPROVEN, subject=LIST)], False),
        ([passed("T1"), failed("T1", subject=LIST)], False),
    ],
)
def test_ready_needs_every_subject_judged_one_pass_and_nothing_that_blocks(results: list[Result], ready: bool) -> None:
    assert assess(*results).ready is ready


def test_a_gap_in_the_run_forbids_ready() -> None:
    assert assess(passed("T1"), gaps=("the run was interrupted",)).ready is False


def test_unproven_blocks_where_the_project_wants_it_to_fail() -> None:
    assert assess(passed("T1"), result("T2", Outcome.UNPROVEN), unproven_fails=True).ready is False
