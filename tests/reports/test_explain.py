"""A check explains itself, in the terminal and in the documentation."""

from __future__ import annotations

from pytest_agentready import Check, Severity
from pytest_agentready.reports import explain

check = Check(id="T001", title="Tool hangs | waits", severity=Severity.HIGH, profile="checklist", fix="Say `timeout=5`.", since="0.1")


@check
def judge(tool):
    yield from ()


@check.fails
def without_a_deadline():
    return "slow"


@check.passes(args={})
def with_a_deadline():
    return "fast"


def test_the_terminal_is_told_reason_fix_and_both_examples() -> None:
    assert explain.render(check) == (
        "T001-test-explain: Tool hangs | waits\n\n"
        "severity high, profile checklist, since 0.1\n\n"
        "A check explains itself, in the terminal and in the documentation.\n\n"
        "Fix\n  Say `timeout=5`.\n\n"
        'Fails\n\n    def without_a_deadline():\n        return "slow"\n\n'
        'Passes\n\n    def with_a_deadline():\n        return "fast"'
    )


def test_the_documentation_shows_the_same_in_markdown() -> None:
    text = explain.render_markdown(check)
    assert text.startswith("## T001-test-explain\n\n**Tool hangs | waits**\n\n")
    assert 'Fails:\n\n```python\ndef without_a_deadline():\n    return "slow"\n```' in text
    assert "**Fix.** Say `timeout=5`." in text


def test_the_table_has_one_row_per_check_and_a_pipe_breaks_no_cell() -> None:
    assert explain.table([check]).splitlines() == [
        "| id | slug | severity | profile | fails when |",
        "|---|---|---|---|---|",
        "| T001 | test-explain | high | checklist | Tool hangs \\| waits |",
    ]
