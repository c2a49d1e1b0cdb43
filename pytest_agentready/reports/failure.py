"""What a developer reads when a check fails: what happened, where, why it matters, what to do."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from pytest_agentready.domain import Check, Finding, Result
from pytest_agentready.reports import wrap

WIDTH = 100
SHORTEST = 40  # columns of a message, however long the subject's name is
WIDEST = 140  # columns of the first line, and of a line of a trace
LABEL = 8  # columns of "  where "


def render(result: Result, check: Check) -> str:
    """The first line is what pytest's short summary shows: no longer than it takes to know which fault it is."""
    first, *others = result.findings
    more = f" (and {len(others)} more)" if others else ""
    name = result.subject.name
    lines = [f"{name}: {textwrap.shorten(first.message, max(WIDEST - len(name), SHORTEST), placeholder=' ...')}{more}", ""]
    lines += [f"  {result.label}, {result.severity.value}: {check.title}", ""]
    for finding in result.findings:
        lines += _finding(finding)
    if result.reason:
        lines += _entry("but", result.reason)
    lines += _entry("why", first_sentence(check.rationale))
    for fix in dict.fromkeys(finding.fix or check.fix for finding in result.findings):
        lines += _entry("fix", fix)
    lines += _entry("more", f"pytest --agentready-explain {result.check}")
    lines += _entry("waive", f'agentready_waive = ["{result.check} {result.subject.name} until DATE: REASON"]')
    return "\n".join(lines)


def first_sentence(text: str) -> str:
    """A rationale opens with the reason why its check exists."""
    paragraph = " ".join(text.split("\n\n", 1)[0].split())
    found = re.match(r".+?[.!?](?=\s+[A-Z\"'`(]|$)", paragraph)
    return found.group() if found else paragraph


def _finding(finding: Finding) -> Iterator[str]:
    yield from _entry("what", finding.message)
    if finding.where:
        yield from _entry("where", finding.where)
    if finding.trace:
        head, *lines = finding.trace.splitlines()
        yield "  trace".ljust(LABEL) + head.partition(": ")[2]
        yield from (f"{' ' * LABEL}{line}"[:WIDEST] for line in lines)


def _entry(label: str, text: str) -> Iterator[str]:
    """`  why   A tool that waits for ever ...`, with what follows below its first word; lines of code stay as they are."""
    head = f"  {label}".ljust(LABEL)
    for line in text.splitlines() or [""]:
        indent = line[: len(line) - len(line.lstrip())]
        wrapped = wrap(line.strip(), WIDTH - LABEL - len(indent)) or [""]
        for part in wrapped:
            yield f"{head}{indent}{part}".rstrip()
            head = " " * LABEL
