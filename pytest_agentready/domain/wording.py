"""Words that messages have in common: lists, texts cut short, and what somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def listed(items: Iterable[str]) -> str:
    """`a, b and c`; "" for nothing."""
    *first, last = [*items] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def either(items: Iterable[str]) -> str:
    """`a, b or c`; "" for nothing."""
    *first, last = [*items] or [""]
    return f"{', '.join(first)} or {last}" if first else last


def some_of(items: Iterable[str], shown: int = 3, separator: str = ", ") -> str:
    """The first few, and how many more there are: `a, b, c and 2 more`."""
    found = [*items]
    return separator.join(found[:shown]) + (f" and {len(found) - shown} more" if len(found) > shown else "")


def shortened(text: str, length: int) -> str:
    """The beginning of a long text."""
    return text if len(text) <= length else f"{text[:length]}..."


def contrasted(one: str, other: str, length: int) -> tuple[str, str]:
    """Both texts, cut to about this length around the place where they begin to differ: what they share says nothing."""
    if len(one) <= length and len(other) <= length:
        return one, other
    shared = next(
        (place for place, (mine, others) in enumerate(zip(one, other, strict=False)) if mine != others), min(len(one), len(other))
    )
    start = max(0, shared - length // 3)
    head = "..." if start else ""
    return f"{head}{shortened(one[start:], length)}", f"{head}{shortened(other[start:], length)}"


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Which of the known words may be meant; "" where none comes near."""
    return next(iter(difflib.get_close_matches(word, [*known], n=1, cutoff=cutoff)), "")


def all_nearest(word: str, known: Iterable[str], shown: int = 3) -> list[str]:
    """Those of the known words that may be meant, where none of them comes nearer than the others: of `AR20` each `AR20...`."""
    found = sorted((-difflib.SequenceMatcher(None, each, word).ratio(), each) for each in known)
    return [each for likeness, each in found[:shown] if likeness <= -0.6 and likeness <= found[0][0] + 0.05]


def is_slip(one: str, other: str) -> bool:
    """Are they alike enough for a slip of the pen in a part of a name? `search` and `send` are two things."""
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio() >= 0.65


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'standard'?`, or nothing where nothing comes near."""
    close = nearest(word.lower(), known)
    return f" Did you mean {close!r}?" if close else ""


def duration(seconds: float) -> str:
    """As long as it felt: `0.3 s`, `45 s`, `5 minutes`, `3 hours`, `12 days`."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{max(seconds, 0.01):.2g} s"
