"""The two example projects, run as their readers would run them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(project: str, report: Path) -> tuple[str, dict[str, set[str]], dict[str, object]]:
    """The output, the failed checks of each tool, and the JSON report."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "--agentready-report",
        f"json:{report}",
    ]
    finished = subprocess.run(command, cwd=EXAMPLES / project, capture_output=True, text=True, timeout=120)
    found = json.loads(report.read_text())
    failed: dict[str, set[str]] = defaultdict(set)
    for result in found["results"]:
        if result["outcome"] == "failed":
            failed[result["subject"].rpartition(".")[2]].add(result["check"])
    return finished.stdout, failed, found


def test_the_agent_of_the_incident_is_not_ready_and_every_fault_of_its_tools_is_found(tmp_path: Path) -> None:
    output, failed, report = run("support_agent_before", tmp_path / "report.json")
    assert "NOT READY: " in output
    assert report["ready"] is False
    assert failed == {
        "get_order_status": {"AR101", "AR102", "AR108", "AR202"},  # no timeout, and what goes wrong leaves as an exception
        "get_delivery_status": {"AR101", "AR103", "AR108", "AR203"},  # an error read as "pending"
        "search_knowledge_base": {"AR101", "AR103", "AR106", "AR108", "AR203", "AR205"},  # nothing, when nothing was searched
        "send_email": {"AR101", "AR102", "AR107", "AR108", "AR202", "AR302"},  # and null is as good an address as any other
        "refund_order": {"AR101", "AR104", "AR107", "AR108", "AR302"},  # honest words, and no class
    }


def test_the_same_agent_done_right_is_ready(tmp_path: Path) -> None:
    output, failed, report = run("support_agent", tmp_path / "report.json")
    assert "\nREADY: " in output
    assert report["ready"] is True
    assert not failed
    others = {(result["check"], result["outcome"]) for result in report["results"] if result["outcome"] != "passed"}  # type: ignore[attr-defined]
    reads = {(f"AR30{number}", "not_applicable") for number in (2, 3)}  # who only reads repeats nothing
    assert others == {("AR201", "not_applicable"), *reads, ("AR304", "not_applicable")}  # every wait was observed; one order has no parts


@pytest.mark.parametrize("project", ["support_agent_before", "support_agent"])
def test_an_examples_own_tests_pass(project: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-k", "not readiness"]
    finished = subprocess.run(command, cwd=EXAMPLES / project, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stdout
    assert " passed" in finished.stdout
