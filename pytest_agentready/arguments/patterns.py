"""A text that a regular expression matches, as a person would make one up: `ORD-\\d{6}` gives "ORD-123456"."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterator
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        from re import _parser as parser  # type: ignore[attr-defined]
    except ImportError:  # Python 3.10
        import sre_parse as parser

DIGITS, LOWER, UPPER = "1234567890", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OTHERS = "-_.@/ +:#,;=?!%&*()"
SPARE = 3  # repetitions beyond those that are required, where any number is allowed


def matching(pattern: str) -> str | None:
    """None where no text could be made: look-arounds and back references have the last word by being tried."""
    try:
        tree = parser.parse(pattern)
        for spare in (SPARE, 1, 0):
            text = _Maker(spare).text(tree)
            if re.search(pattern, text):
                return text
    except (re.error, NotImplementedError, RecursionError, OverflowError):
        pass
    return None


class _Maker:
    def __init__(self, spare: int) -> None:
        self.spare = spare
        self.groups: dict[int, str] = {}
        self.turns = {alphabet: itertools.cycle(alphabet) for alphabet in (DIGITS, LOWER, UPPER)}

    def text(self, tree: Any) -> str:
        return "".join(self.piece(str(operator), value) for operator, value in tree)

    def piece(self, operator: str, value: Any) -> str:
        match operator:
            case "LITERAL":
                return chr(value)
            case "NOT_LITERAL":
                return self.one_of(lambda character: character != chr(value))
            case "ANY":
                return self.one_of(lambda _: True)
            case "IN":
                return self.one_of(_class(value))
            case "BRANCH":
                return self.text(value[1][0])
            case "SUBPATTERN":
                text = self.text(value[3])
                if value[0] is not None:
                    self.groups[value[0]] = text
                return text
            case "ATOMIC_GROUP":
                return self.text(value)
            case "GROUPREF":
                return str(self.groups.get(value, ""))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, tree = value
                return "".join(self.text(tree) for _ in range(least if most == 1 else min(most, least + self.spare)))
            case "AT" | "ASSERT" | "ASSERT_NOT":
                return ""
        raise NotImplementedError(operator)

    def one_of(self, fits: Any) -> str:
        """The next digit or letter that fits: a row of them is 123456, or abcdef."""
        for alphabet in (LOWER, UPPER, DIGITS):
            if any(map(fits, alphabet)):
                return next(character for character in self.turns[alphabet] if fits(character))
        for character in itertools.chain(OTHERS, map(chr, range(0x20, 0x3000))):
            if fits(character):
                return character
        raise NotImplementedError("a class without a printable member")


def _class(members: Any) -> Any:
    """Whether a character belongs to a set such as [A-Z0-9_]."""
    expression = re.compile("".join(_written(members)), re.DOTALL)
    return lambda character: expression.fullmatch(character) is not None


CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _written(members: Any) -> Iterator[str]:
    yield "["
    for operator, value in members:
        match str(operator):
            case "NEGATE":
                yield "^"
            case "LITERAL":
                yield re.escape(chr(value))
            case "RANGE":
                yield f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
            case "CATEGORY":
                yield CATEGORIES[str(value)]
    yield "]"
