"""How many tokens a text is for a model, without the vocabulary of any: an estimate that needs no download.

A word costs one token, a long one more; digits go in threes, punctuation in pairs; one blank belongs to the word after it; a letter
of another script costs about one. On prose, code, JSON, HTML and logs the estimate lies within a third of what a real vocabulary
makes of the same text. `MARGIN` is for those who judge by it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

MARGIN = 4 / 3  # a limit is surely exceeded where the estimate is beyond this many times the limit
SAMPLE = 40_000  # characters; a longer text is taken to go on as it begins
_PIECES = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+)|(?P<digits>[0-9]+)|(?P<space>\s+)|(?P<foreign>[^\x00-\x7f]+)|(?P<marks>[!-/:-@\[-`{-~]+)",
    re.ASCII,
)
_WHOLE_PIECES = re.compile(re.sub(r"\?P<\w+>", "?:", _PIECES.pattern), re.ASCII)  # without names: several times as fast
EASY = 9  # letters of a word that are mostly one token
LETTERS = 4  # further letters for each further token
DIGITS = 3
MARKS = 2  # punctuation that is one token together


def tokens(text: str) -> int:
    """About how many tokens the text is; 0 for an empty one."""
    pieces = Counter(_WHOLE_PIECES.findall(text, 0, SAMPLE))  # long texts say the same again and again
    counted = sum(_cost(_kind(piece), piece) * count for piece, count in pieces.items())
    return round(counted * max(1.0, len(text) / SAMPLE))


def pieces(text: str) -> Iterator[str]:
    """The text cut into about so many parts; put together they are the text again."""
    blank = ""
    for found in _PIECES.finditer(text):
        kind, piece = found.lastgroup or "", found[0]
        if kind == "space" and piece == " ":
            blank = piece
            continue
        sizes = _sizes(kind, piece)
        at = 0
        while at < len(piece):
            size = next(sizes)
            yield blank + piece[at : at + size]
            blank, at = "", at + size
    if blank:
        yield blank


def _sizes(kind: str, piece: str) -> Iterator[int]:
    """How many characters go into each part of it."""
    if kind == "word":
        yield EASY
    usual = {"word": LETTERS, "digits": DIGITS, "space": len(piece), "marks": MARKS}.get(kind, 2 if _cost_of_letter(piece[0]) < 1 else 1)
    while True:
        yield usual


def exceed(count: int, limit: int) -> bool:
    """Is this estimate surely more than the limit?"""
    return count > limit * MARGIN


def _kind(piece: str) -> str:
    found = _PIECES.match(piece)
    return found.lastgroup or "" if found else ""


def _cost(kind: str, piece: str) -> float:
    match kind:
        case "word":
            return 1 + math.ceil(max(0, len(piece) - EASY) / LETTERS)
        case "digits":
            return math.ceil(len(piece) / DIGITS)
        case "space":
            return float(len(piece) > 1 or piece == "\n")
        case "foreign":
            return sum(_cost_of_letter(letter) for letter in piece)
        case _:
            return math.ceil(len(piece) / MARKS)


def _cost_of_letter(letter: str) -> float:
    """Greek and Cyrillic letters go in twos, an emoji is several tokens by itself."""
    return 0.5 if "\u0370" <= letter <= "\u052f" else 2.5 if letter > "\uffff" else 1
