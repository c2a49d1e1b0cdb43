"""The text of a failed item is what a developer reads first, and perhaps last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_agentready import Check, Severity
from pytest_agentready.reports.failure import first_sentence, render
from tests.reports.results import failed

check = Check(
    id="T1", title="Tool hangs", severity=Severity.HIGH, profile="checklist", fix="Say so:\n\n    get(url, timeout=5)", since="0.1"
)


@check
def judge(tool):
    yield from ()


def test_one_finding_says_what_where_why_and_how_to_mend_it() -> None:
    assert render(failed("T1", "recv has no timeout"), check).splitlines() == [
        "shop.tools.send_email: recv has no timeout",
        "",
        "  T1-some-fault, high: Tool hangs",
        "",
        "  what  recv has no timeout",
        "  where shop/tools.py:31",
        "  why   The text of a failed item is what a developer reads first, and perhaps last.",
        "  fix   Say so:",
        "",
        "            get(url, timeout=5)",
        "  more  pytest --agentready-explain T1",
        '  waive agentready_waive = ["T1 shop.tools.send_email until DATE: REASON"]',
    ]


def test_an_expired_waiver_is_told_of() -> None:
    result = replace(failed("T1", "recv has no timeout"), reason="its waiver expired on 2026-01-01 (ticket 812)")
    assert "  but   its waiver expired on 2026-01-01 (ticket 812)" in render(result, check).splitlines()


def test_the_trace_stands_below_where_it_happened() -> None:
    result = failed("T1", "recv has no timeout")
    trace = "Trace: 1 model call, 5.0 s of virtual time\n├── execute_tool get_order [never ended]\n└── answer"
    result = replace(result, findings=(replace(result.findings[0], trace=trace),))
    assert render(result, check).splitlines()[5:9] == [
        "  where shop/tools.py:31",
        "  trace 1 model call, 5.0 s of virtual time",
        "        ├── execute_tool get_order [never ended]",
        "        └── answer",
    ]


def test_several_findings_are_counted_in_the_first_line_and_all_told() -> None:
    text = render(failed("T1", "one", "two", "three"), check)
    assert text.splitlines()[0] == "shop.tools.send_email: one (and 2 more)"
    assert [line for line in text.splitlines() if line.startswith("  what")] == ["  what  one", "  what  two", "  what  three"]


def test_of_a_long_message_the_first_line_tells_no_more_than_its_beginning() -> None:
    text = render(failed("T1", "22 of 22 failed calls come back looking like an answer " * 4), check)
    first, *_ = text.splitlines()
    assert first.startswith("shop.tools.send_email: 22 of 22 failed calls come back looking like an answer")
    assert first.endswith(" ...")
    assert len(first) <= 142


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("It hurts. Much.", "It hurts."),
        ("It costs $84.70 a\nnight. Always.", "It costs $84.70 a night."),
        ("It waits, e.g. for ever. Then more.", "It waits, e.g. for ever."),
        ("No full stop", "No full stop"),
        ("First paragraph\n\nSecond.", "First paragraph"),
        ("", ""),
    ],
)
def test_the_first_sentence_of_a_rationale_is_its_reason(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_code_in_backticks_is_never_broken_over_two_lines() -> None:
    text = render(failed("T1", f"{'word ' * 17}`httpx.get(url, timeout=5, follow_redirects=True)` here"), check)
    assert "`httpx.get(url, timeout=5, follow_redirects=True)` here" in text
    assert max(map(len, text.splitlines()[2:])) <= 100
