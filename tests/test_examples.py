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
    finished = subprocess.run(command, cwd=EXAMPLES / project, capture_output=True, text=True, timeout=300)
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
        # Null is as good an address as any other. Its gate forgets the text, asks hash(), and stays open.
        "send_email": {"AR102", "AR107", "AR108", "AR202", "AR302", "AR403", "AR404", "AR405"},
        "refund_order": {"AR101", "AR104", "AR107", "AR108", "AR302", "AR401"},  # honest words, no class, no key; and nobody is asked
        # `while True`, `getattr(tools, name)`, no budget, no word when the model is down; whole pages, and it does what they say. No span.
        "answer": {"AR501", "AR503", "AR504", "AR701", "AR702", "AR704", "AR705", "AR706", "AR708", "AR801", "AR901", "AR902"},
    }


def test_the_same_agent_done_right_is_ready(tmp_path: Path) -> None:
    output, failed, report = run("support_agent", tmp_path / "report.json")
    assert "\nREADY: " in output
    assert report["ready"] is True
    assert not failed
    others = {(result["check"], result["outcome"]) for result in report["results"] if result["outcome"] != "passed"}  # type: ignore[attr-defined]
    reads = {(f"AR40{number}", "not_applicable") for number in range(2, 8)}  # who only reads needs no gate, and declares nothing
    reads |= {(check, "not_applicable") for check in ("AR302", "AR303", "AR304")}  # nor repeats anything; and one order has no parts
    # Every wait was observed, and no argument is an address, a file's path, or near any code. No model summarises, and one of two streams.
    tools = {(check, "not_applicable") for check in ("AR201", "AR904", "AR905", "AR906")}
    loops = {(check, "not_applicable") for check in ("AR506", "AR709")}
    # The toolbox makes the spans; a tool by itself tells nothing.
    tools |= {(check, "not_applicable") for check in ("AR801", "AR803", "AR804", "AR805", "AR806")}
    assert others == reads | tools | loops


def test_the_tracing_that_the_rebuilt_agent_owns_is_the_pattern() -> None:
    own = EXAMPLES / "support_agent" / "support_agent" / "patterns" / "tracing.py"
    assert own.read_text() == (EXAMPLES.parent / "pytest_agentready" / "patterns" / "tracing.py").read_text()


@pytest.mark.parametrize("project", ["support_agent_before", "support_agent"])
def test_an_examples_own_tests_pass(project: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-k", "not readiness"]
    finished = subprocess.run(command, cwd=EXAMPLES / project, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stdout
    assert " passed" in finished.stdout
