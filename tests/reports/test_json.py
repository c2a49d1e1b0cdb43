"""The JSON report keeps its contract, to the letter."""

from __future__ import annotations

import itertools
import json

from pytest_agentready.domain import Outcome
from pytest_agentready.reports.json import render
from tests.reports.results import LIST, assess, failed, passed, result


def test_the_report_has_exactly_the_keys_of_its_contract_in_their_order() -> None:
    report = json.loads(render(assess(failed("T1"))))
    assert list(report.items()) == [
        ("version", 1),
        ("agentready", "0.1.0"),
        ("ready", False),
        ("profile", "standard"),
        ("counts", {"passed": 0, "failed": 1, "unproven": 0, "not_applicable": 0, "waived": 0, "error": 0}),
        ("subjects", [{"kind": "tool", "name": "shop.tools.send_email", "framework": "python", "source": "shop/tools.py:12"}]),
        (
            "results",
            [
                {
                    "check": "T1",
                    "slug": "some-fault",
                    "severity": "high",
                    "subject": "shop.tools.send_email",
                    "outcome": "failed",
                    "reason": "",
                    "findings": [{"message": "it hangs", "where": "shop/tools.py:31", "evidence": {"seconds": 60}, "trace": ""}],
                    "node": "tests/test_shop.py::test_send_email[T1-some-fault]",
                    "seconds": 0.0041,
                }
            ],
        ),
    ]
    assert list(report["counts"]) == ["passed", "failed", "unproven", "not_applicable", "waived", "error"]
    assert list(report["results"][0]) == ["check", "slug", "severity", "subject", "outcome", "reason", "findings", "node", "seconds"]


def test_the_order_in_which_results_arrive_changes_nothing() -> None:
    results = [passed("T2"), failed("T1"), passed("T1", LIST), result("T3", Outcome.UNPROVEN, reason="no args")]
    assert len({render(assess(*order)) for order in itertools.permutations(results)}) == 1


def test_subjects_and_results_are_sorted() -> None:
    report = json.loads(render(assess(passed("T2"), passed("T1"), passed("T9", LIST))))
    assert [subject["name"] for subject in report["subjects"]] == ["shop.tools.list_orders", "shop.tools.send_email"]
    assert [(result["subject"], result["check"]) for result in report["results"]] == [
        ("shop.tools.list_orders", "T9"),
        ("shop.tools.send_email", "T1"),
        ("shop.tools.send_email", "T2"),
    ]


def test_a_report_that_leaves_the_project_can_be_written_as_utf_8() -> None:
    text = render(assess(failed("T1", "caf\xe9 \udc80")))
    assert "caf\xe9" in text
    assert json.loads(text.encode("utf-8"))["results"][0]["findings"][0]["message"] == "caf\xe9 \\udc80"
