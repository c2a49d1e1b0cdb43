"""Which words of a line a shell runs, and which it only passes on."""

from __future__ import annotations

import pytest

from pytest_agentready.domain.shell import lines_of, runs

RUN = (
    "ping x; BOO",
    "ping x;BOO",
    "ping x | BOO",
    "ping x && BOO",
    "ping x\nBOO",
    "ping `BOO`",
    "ping x$(BOO)",
    'ping "$(BOO)"',
    'ping "`BOO`"',
    "ping 'x'; BOO; ''",
    'ping "x"; BOO; ""',
    "ping $(echo a; BOO)",
    "BOO",
)
PASSED_ON = (
    "ping BOO",
    "ping 'x; BOO'",
    'ping "x; BOO"',
    "ping '$(BOO)'",
    r"ping x\; BOO",
    r"ping \$(BOO)",
    r'ping "\$(BOO)"',
    r'ping "\`BOO\`"',
    "ping x # ; BOO",
    "ping 'x'\"'\"'; BOO; '\"'\"''",  # as shlex.quote has it
    'ping "$(date)" BOO',
    "ping `date` BOO",
)


@pytest.mark.parametrize("line", RUN)
def test_behind_an_operator_or_in_a_substitution_a_word_is_run(line: str) -> None:
    assert runs(line, "BOO")


@pytest.mark.parametrize("line", PASSED_ON)
def test_what_is_quoted_escaped_or_an_argument_is_passed_on(line: str) -> None:
    assert not runs(line, "BOO")


def test_a_comment_ends_with_its_line() -> None:
    assert runs("ping x # never mind\nBOO", "BOO")


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("/bin/sh", "-c", "ls; pwd"), ("ls; pwd",)),
        (("docker", "exec", "web", "bash", "-lc", "ls"), ("ls",)),
        (("bash", "-euo", "pipefail", "-c", "ls", "name"), ("ls",)),
        (("fish", "--no-config", "-c", "ls"), ("ls",)),
        (("ash", "-xc", "ls"), ("ls",)),
        (("sh", "deploy.sh", "-c", "x"), ()),
        (("sh", "-c"), ()),
        (("ssh", "web-1", "systemctl status", "nginx"), ("web-1 systemctl status nginx",)),
        (("git", "commit", "-m", "sh -c"), ()),
        (("/bin/sh", "deploy.sh"), ()),
    ],
)
def test_a_shell_is_given_the_line_behind_c(words: tuple[str, ...], lines: tuple[str, ...]) -> None:
    assert lines_of(words) == lines
