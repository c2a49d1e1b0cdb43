"""Words that messages have in common: lists, texts cut short, and what somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def listed(items: Iterable[str]) -> str:
    """`a, b and c`; "" for nothing."""
    *first, last = [*items] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def some_of(items: Iterable[str], shown: int = 3, separator: str = ", ") -> str:
    """The first few, and how many more there are: `a, b, c and 2 more`."""
    found = [*items]
    return separator.join(found[:shown]) + (f" and {len(found) - shown} more" if len(found) > shown else "")


def shortened(text: str, length: int) -> str:
    """The beginning of a long text."""
    return text if len(text) <= length else f"{text[:length]}..."


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Which of the known words may be meant; "" where none comes near."""
    return next(iter(difflib.get_close_matches(word, [*known], n=1, cutoff=cutoff)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'standard'?`, or nothing where nothing comes near."""
    close = nearest(word.lower(), known)
    return f" Did you mean {close!r}?" if close else ""
