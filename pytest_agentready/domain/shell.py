"""What a shell makes of a line: which words of it are commands, and which are data."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
LINE_FOLLOWS = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
VALUE_FOLLOWS = re.compile(r"[-+][A-Za-z]*[oO]")  # `-o pipefail`
# The pieces of a line outside of double quotes, and within them.
OUTSIDE = re.compile(r"\\.|'[^']*'|\$\(|[`\")]|[;&|\n]|[^\S\n]+(?:#[^\n]*)?|[^\\'\"`$;&|\s)]+|.", re.DOTALL)
WITHIN = re.compile(r"\\.|\$\(|[`\"]|[^\\`\"$]+|.", re.DOTALL)


def lines_of(words: Sequence[str]) -> tuple[str, ...]:
    """The lines that a command gives to a shell: behind `sh -c`, and what `ssh host` joins for the shell at the other end."""
    shells = [place for place, word in enumerate(words) if os.path.basename(word) in SHELLS]
    found = [line for place in shells if (line := line_of(words[place:]))]
    if words and os.path.basename(words[0]) == "ssh":
        found.append(" ".join(words[1:]))
    return tuple(found)


def line_of(words: Sequence[str]) -> str:
    """The line that these words give to the shell that they begin with: `bash -lc LINE`, `sh -eu -c LINE`; "" where there is none."""
    if not words or os.path.basename(words[0]) not in SHELLS:
        return ""
    place = 1
    while place + 1 < len(words) and words[place][:1] in ("-", "+"):
        if LINE_FOLLOWS.fullmatch(words[place]):
            return words[place + 1]
        place += 2 if VALUE_FOLLOWS.fullmatch(words[place]) else 1
    return ""


def runs(line: str, word: str) -> bool:
    """Would the shell run this word of the line as a command: behind an operator, or within `$(...)` or backticks?"""
    return any(command.startswith(word) for command in _commands(line))


def _commands(line: str) -> Iterator[str]:
    """The rest of the line, from each place on at which a command begins."""
    opened: list[tuple[str, bool]] = []  # the substitutions around this place: what ends each, and whether it stands in double quotes
    quoted, begins, place = False, True, 0
    while piece := (WITHIN if quoted else OUTSIDE).match(line, place):
        text = piece.group()
        closes = bool(opened) and text == opened[-1][0] and not (quoted and text == ")")
        if closes:
            quoted, begins = opened.pop()[1], False
        elif text in ("$(", "`"):
            opened.append((")" if text == "$(" else "`", quoted))
            quoted, begins = False, True
        elif text == '"':
            quoted, begins = not quoted, False
        elif not quoted and text in ";&|\n":
            begins = True
        elif not text.isspace() and not text.lstrip().startswith("#"):
            if begins and not quoted:
                yield line[place:]
            begins = False
        place = piece.end()
