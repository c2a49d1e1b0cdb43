"""The summary answers first, then says what is unknown, then what is wrong."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from pytest_agentready.domain import Outcome, Severity
from pytest_agentready.reports.terminal import render
from tests.reports.results import LIST, SEND, assess, failed, passed, result


def test_a_ready_project_reads_two_lines() -> None:
    assert render(assess(passed("T1"), passed("T2"))) == "READY: 2 passed\n  1 tool, profile standard"


def test_a_ready_project_of_which_not_all_is_proved_says_so_first() -> None:
    assessment = assess(passed("T1"), result("T2", Outcome.UNPROVEN, reason="give `args` to the marker"))
    assert assessment.ready
    assert render(assessment).splitlines() == [
        "READY, as far as it was proved: 1 passed, 1 unproven",
        "  1 tool, profile standard",
        "",
        "Not assessed",
        "  give `args` to the marker",
        "      shop.tools.send_email: T2",
        '  What is not assessed fails the run with agentready_unproven = "fail".',
    ]


def test_the_whole_summary_reads_from_the_answer_to_the_fix() -> None:
    text = render(
        assess(
            passed("T1"),
            failed("T2", "it hangs", severity=Severity.MEDIUM),
            failed("T3", "it lies", subject=LIST),
            failed("T4", "it mumbles", subject=LIST, severity=Severity.LOW),
            result("T5", Outcome.UNPROVEN, reason="no arguments: give `args` to the marker"),
            result("T6", Outcome.UNPROVEN, reason="no arguments: give `args` to the marker"),
            result("T7", Outcome.NOT_APPLICABLE, reason="it never leaves the process"),
            result("T8", Outcome.ERROR, reason="Traceback (most recent call last):\n  ...\nKeyError: 'x'\n"),
        )
    )
    assert text.splitlines() == [
        "NOT READY: 1 passed, 3 failed (1 high, 1 medium, 1 low), 1 error, 2 unproven, 1 not applicable",
        "  2 tools, profile standard",
        "",
        "Could not be judged",
        "  KeyError: 'x'",
        "      shop.tools.send_email: T8",
        "",
        "Not assessed",
        "  no arguments: give `args` to the marker",
        "      shop.tools.send_email: T5, T6",
        "",
        "shop.tools.list_orders  shop/tools.py:40",
        "  high    T3-some-fault",
        "          it lies",
        "            at shop/tools.py:31",
        "          fix: Give it a deadline.",
        "  low     T4-some-fault  (below agentready_fail_on)",
        "          it mumbles",
        "            at shop/tools.py:31",
        "          fix: Give it a deadline.",
        "",
        "shop.tools.send_email  shop/tools.py:12",
        "  medium  T2-some-fault",
        "          it hangs",
        "            at shop/tools.py:31",
        "          fix: Give it a deadline.",
        "",
        "Reasons and examples:",
        "  pytest --agentready-explain T3",
    ]


def test_the_order_in_which_results_arrive_changes_nothing() -> None:
    results = [
        failed("T2"),
        failed("T1", subject=LIST),
        result("T3", Outcome.UNPROVEN, reason="a"),
        result("T4", Outcome.UNPROVEN, reason="b"),
    ]
    assert len({render(assess(*order)) for order in itertools.permutations(results)}) == 1


def test_one_finding_of_two_tests_stands_once_and_many_findings_are_cut_with_their_number() -> None:
    twice = render(assess(failed("T1", "it hangs", "it hangs")))
    assert twice.count("it hangs") == 1
    many = render(assess(failed("T1", *(f"fault {number}" for number in range(9)))))
    assert "fault 4" in many
    assert "fault 5" not in many
    assert "... and 4 more" in many


@pytest.mark.parametrize("width", [20, 80, 100, 120, 400])
def test_prose_keeps_to_the_width_of_the_terminal_within_reason(width: int) -> None:
    text = render(assess(failed("T1", "word " * 80), result("T2", Outcome.UNPROVEN, reason="word " * 80)), width)
    assert max(map(len, text.splitlines())) <= max(60, min(width, 120))


def test_why_an_unjudged_tool_or_a_broken_run_is_not_ready_stands_below_the_headline() -> None:
    text = render(assess(result("T1", Outcome.UNPROVEN, reason="no args"), gaps=("the run was interrupted",)))
    assert text.splitlines()[:4] == [
        "NOT READY: 0 passed, 1 unproven",
        "  1 tool, profile standard",
        "  the run was interrupted",
        "  shop.tools.send_email was judged by no check",
    ]


def test_a_long_fix_is_told_once_in_a_report() -> None:
    text = render(assess(*(replace(failed("T1", subject=subject), fix="Make a key of all arguments. " * 9) for subject in (LIST, SEND))))
    assert text.count("fix: Make a key") == 1
    assert "          fix: as for shop.tools.list_orders, above" in text.splitlines()
