"""What a shell makes of a line: which words of it are commands, and which are data."""

from __future__ import annotations

import os
from collections.abc import Sequence

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
OPERATORS = frozenset(";&|\n")


def lines_of(words: Sequence[str]) -> tuple[str, ...]:
    """The lines that a command gives to a shell: behind `sh -c`, and what `ssh host` joins for the shell at the other end."""
    names = [os.path.basename(word) for word in words]
    found = [
        words[place + 2]
        for place, name in enumerate(names[:-2])
        if name in SHELLS and words[place + 1].startswith("-") and words[place + 1].endswith("c")
    ]
    if names[:1] == ["ssh"]:
        found.append(" ".join(words[1:]))
    return tuple(found)


def runs(line: str, word: str) -> bool:
    """Would the shell run this word of the line as a command: behind an operator, or within `$(...)` or backticks?"""
    quote = ""
    opened: list[str] = []  # the quotes around each substitution that is open
    begins = True  # is the next word a command?
    place = 0
    while place < len(line):
        character = line[place]
        if quote == "'":
            quote = "" if character == "'" else quote
        elif character == "\\":
            place += 1
            begins = False
        elif line.startswith("$(", place):
            opened.append(quote)
            quote, begins = "", True
            place += 1
        elif character == "`":
            if opened and opened[-1].startswith("`"):
                quote = opened.pop()[1:]
                begins = False
            else:
                opened.append(f"`{quote}")
                quote, begins = "", True
        elif quote == '"':
            quote = "" if character == '"' else quote
        elif character in ("'", '"'):
            quote, begins = character, False
        elif character == ")" and opened and not opened[-1].startswith("`"):
            quote, begins = opened.pop(), False
        elif character == "#" and (place == 0 or line[place - 1].isspace()):
            end = line.find("\n", place)
            place = len(line) if end < 0 else end - 1
        elif character in OPERATORS:
            begins = True
        elif begins and line.startswith(word, place):
            return True
        elif not character.isspace():
            begins = False
        place += 1
    return False
