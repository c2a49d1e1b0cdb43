"""Reports: one module per format, each a pure, sorted function of the results."""

from __future__ import annotations

import re
import textwrap

CODE = re.compile(r"`[^`]*`")
GLUE = "\0"  # stands for a space that no line may be broken at


def wrap(line: str, width: int, indent: str = "", hanging: str = "") -> list[str]:
    """A line of prose as lines of a terminal; a piece of `code in backticks` stays in one piece."""
    glued = CODE.sub(lambda match: match.group().replace(" ", GLUE), line)
    lines = textwrap.wrap(glued, width, initial_indent=indent, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
    return [line.replace(GLUE, " ") for line in lines]
