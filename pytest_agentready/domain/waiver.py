"""A waiver: the owner of a project accepts a finding, for a reason, and for a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

EXAMPLE = "AR201 shop.tools.buy until 2026-12-31: vendor SDK has no timeout, ticket 812"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One line of `agentready_waive`, such as `AR201 shop.tools.buy until 2026-12-31: vendor SDK has no timeout`."""

    check: str  # its id
    subject: str  # a tool's name, or a pattern of names: "shop.vendor.*"
    reason: str
    until: date | None = None  # the last day on which it holds

    @property
    def is_pattern(self) -> bool:
        return any(sign in self.subject for sign in "*?[")

    def covers(self, check: str, subject: str) -> bool:
        return check == self.check and self.names(subject)

    def names(self, subject: str) -> bool:
        return subject == self.subject or (self.is_pattern and fnmatchcase(subject, self.subject))

    def has_expired(self, today: date) -> bool:
        return self.until is not None and today > self.until

    def __str__(self) -> str:
        return f"{self.check} {self.subject}" + (f" until {self.until}" if self.until else "")


def waiver_of(waivers: Iterable[Waiver], check: str, subject: str) -> Waiver | None:
    """The waiver that covers this check of this subject; one that names the subject itself goes before a pattern."""
    found = [waiver for waiver in waivers if waiver.covers(check, subject)]
    return next((waiver for waiver in found if not waiver.is_pattern), found[0] if found else None)


def read_waiver(text: str) -> tuple[Waiver | None, list[str]]:
    """The waiver that a line states, and everything that is wrong with it; the check is as the user spelt it."""
    problems: list[str] = []
    head, *rest = re.split(r":(?=\s|$)", text.strip(), maxsplit=1)
    reason = rest[0].strip() if rest else ""
    words = head.split()
    until = None
    if len(words) > 2 and words[2] == "until":
        day = " ".join(words[3:])
        try:
            until = date.fromisoformat(day) if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else None
        except ValueError:  # the 31st of February
            until = None
        if until is None:
            problems.append(f"{day!r} is no date. Write YYYY-MM-DD, such as 2026-12-31.")
    elif len(words) != 2:
        problems.append(f"expected CHECK SUBJECT [until DATE]: REASON, such as '{EXAMPLE}'.")
    if len(words) > 1 and ":" in words[1]:
        if not reason and words[1].count(":") == 1 and len(words) > 2:
            problems.append("a space is missing after the colon that begins the reason.")
        else:
            problems.append(f"a subject is written with dots alone: {words[1].replace(':', '.')!r}.")
    if not reason:
        problems.append(f"a reason is missing. Write why after a colon, such as '{EXAMPLE}'.")
    return (None if problems else Waiver(words[0], words[1], reason, until)), problems
