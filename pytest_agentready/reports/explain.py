"""A check in its own words: its reason, its fix, and the examples that prove it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from pytest_agentready.domain import Check, Example


def render(check: Check) -> str:
    """As `pytest --agentready-explain` prints it."""
    parts = [
        f"{check.label}: {check.title}",
        f"severity {check.severity.value}, profile {check.profile}, since {check.since}",
        check.rationale,
        f"Fix\n{textwrap.indent(check.fix, '  ')}",
    ]
    parts += [f"{title}\n\n{textwrap.indent(example.source, '    ')}" for title, example in _examples(check)]
    return "\n\n".join(part for part in parts if part.strip())


def render_markdown(check: Check) -> str:
    """As the documentation shows it, one section a check."""
    parts = [
        f"## {check.label}",
        f"**{check.title}**",
        f"Severity {check.severity.value} · profile `{check.profile}` · since {check.since}",
        check.rationale,
        f"**Fix.** {check.fix}",
    ]
    parts += [f"{title}:\n\n```python\n{example.source}\n```" for title, example in _examples(check)]
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def table(checks: Iterable[Check]) -> str:
    """The checklist at a glance, sorted by id."""
    rows = ["| id | slug | severity | profile | fails when |", "|---|---|---|---|---|"]
    for check in sorted(checks, key=lambda check: check.id):
        title = check.title.replace("|", "\\|")
        rows.append(f"| {check.id} | {check.slug} | {check.severity.value} | {check.profile} | {title} |")
    return "\n".join(rows) + "\n"


def _examples(check: Check) -> Iterable[tuple[str, Example]]:
    if check.failing:
        yield "Fails", check.failing[0]
    if check.passing:
        yield "Passes", check.passing[0]
