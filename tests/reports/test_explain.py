"""A check explains itself, in the terminal and in the documentation."""

from __future__ import annotations

from pytest_agentready import Check, Severity
from pytest_agentready.domain import Example
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


def with_remarks() -> object:
    print("# noqa")  # type: ignore
    return [].missing()  # type: ignore[attr-defined]
    # stays


def test_the_terminal_is_told_reason_fix_and_both_examples() -> None:
    assert explain.render(check) == (
        "T001-test-explain: Tool hangs | waits\n\n"
        "severity high, profile checklist, since 0.1\n\n"
        "A check explains itself, in the terminal and in the documentation.\n\n"
        "Fix\n  Say `timeout=5`.\n\n"
        'Fails\n\n    def without_a_deadline():\n        return "slow"\n\n'
        'Passes\n\n    def with_a_deadline():\n        return "fast"'
    )


def test_a_long_fix_is_broken_into_lines_and_its_code_is_not() -> None:
    prose = "Let it wait. " * 10 + "Write `requests.get(url, headers=headers, timeout=5)`."
    long = Check(
        id="T003", title="x", severity=Severity.LOW, profile="strict", fix=f"{prose}\n    code = 'as it is'\nand so on.", since="0.1"
    )
    long(lambda tool: iter(()))
    lines = explain.render(long).partition("Fix\n")[2].splitlines()
    assert [len(line) <= explain.WIDTH for line in lines] == [True] * 4
    assert "`requests.get(url, headers=headers, timeout=5)`" in lines[1]
    assert lines[2:] == ["      code = 'as it is'", "  and so on."]


def test_what_only_linters_read_is_left_out_of_an_example() -> None:
    source = Example(with_remarks).source
    assert source.splitlines()[1:] == ['    print("# noqa")', "    return [].missing()", "    # stays"]


def test_the_documentation_shows_the_same_in_markdown() -> None:
    text = explain.render_markdown(check)
    assert text.startswith("## T001-test-explain\n\n**Tool hangs | waits**\n\n")
    assert 'Fails:\n\n```python\ndef without_a_deadline():\n    return "slow"\n```' in text
    assert "**Fix.** Say `timeout=5`." in text


def test_the_list_has_columns() -> None:
    short = Check(id="T0", title="y", severity=Severity.MEDIUM, profile="strict", fix="x.", since="0.1")
    short(lambda tool: iter(()))
    assert explain.listing([check, short]).splitlines() == [
        "T0    test-explain  medium  strict     y",
        "T001  test-explain  high    checklist  Tool hangs | waits",
    ]


def test_the_table_has_one_row_per_check_and_a_pipe_breaks_no_cell() -> None:
    assert explain.table([check]).splitlines() == [
        "| id | slug | severity | profile | fails when |",
        "|---|---|---|---|---|",
        "| T001 | test-explain | high | checklist | Tool hangs \\| waits |",
    ]


def test_the_fact_that_brings_a_check_into_another_profile_is_named() -> None:
    told = Check(id="T002", title="x", severity=Severity.LOW, profile="strict", fix="x.", since="0.1", standard_where="breaker")
    assert told.profiles == "strict, standard with breaker"
    assert check.profiles == "checklist"
