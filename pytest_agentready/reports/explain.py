"""A check in its own words: its reason, its fix, and the examples that prove it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from pytest_agentready.domain import Check, Example
from pytest_agentready.reports import wrap

WIDTH = 120


def render(check: Check) -> str:
    """As `pytest --agentready-explain` prints it."""
    parts = [
        f"{check.label}: {check.title}",
        f"severity {check.severity.value}, profile {check.profiles}, since {check.since}",
        check.rationale,
        "\n".join(["Fix", *_prose(check.fix)]),
    ]
    parts += [f"{title}\n\n{textwrap.indent(example.source, '    ')}" for title, example in _examples(check)]
    return "\n\n".join(part for part in parts if part.strip())


def render_markdown(check: Check) -> str:
    """As the documentation shows it, one section a check."""
    parts = [
        f"## {check.label}",
        f"**{check.title}**",
        f"Severity {check.severity.value} · profile `{check.profiles}` · since {check.since}",
        check.rationale,
        f"**Fix.** {check.fix}",
    ]
    parts += [f"{title}:\n\n```python\n{example.source}\n```" for title, example in _examples(check)]
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def table(checks: Iterable[Check]) -> str:
    """The checklist at a glance, as Markdown, sorted by id."""
    rows = [(*facts, title.replace("|", "\\|")) for *facts, title in _rows(checks)]
    lines = ["| id | slug | severity | profile | fails when |", "|---|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def listing(checks: Iterable[Check]) -> str:
    """The checklist at a glance, in the columns of a terminal, sorted by id."""
    rows = _rows(checks)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join("  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows)


def _rows(checks: Iterable[Check]) -> list[tuple[str, ...]]:
    """Of each check the id, slug, severity, profile and title."""
    ordered = sorted(checks, key=lambda check: check.id)
    return [(check.id, check.slug, check.severity.value, check.profiles, check.title) for check in ordered]


def _prose(text: str) -> Iterator[str]:
    """In lines of a terminal; what is indented is code, and stays as it is."""
    for line in text.splitlines():
        yield from [f"  {line}"] if line.startswith(" ") else wrap(line, WIDTH, "  ", "  ")


def _examples(check: Check) -> Iterable[tuple[str, Example]]:
    if check.failing:
        yield "Fails", check.failing[0]
    if check.passing:
        yield "Passes", check.passing[0]
