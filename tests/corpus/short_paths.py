"""AR905 where a limit of the length keeps long detours out, and short ones not."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.escaped_path import LOCAL

_folder = tempfile.TemporaryDirectory(prefix="corpus-letters-")
LETTERS = Path(_folder.name).resolve()
(LETTERS / "welcome.txt").write_text("Dear customer")


def text_of(path: str) -> ToolResult:
    try:
        with open(path, encoding="utf-8") as file:
            return ToolResult.success(file.read(2_000))
    except (OSError, ValueError):
        return ToolResult.permanent("There is no such letter.")


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"name": "welcome.txt"}, backend={}, **LOCAL, AR905="failed")
def letter(name: str) -> ToolResult:
    """A letter's text. Steps upwards are taken out, once: what is left of `....//` is one."""
    if not isinstance(name, str) or len(name) > 90:
        return ToolResult.permanent("The name of a letter has 90 characters at most.")
    return text_of(os.path.join(LETTERS, name.replace("../", "").lstrip("/")))


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"name": "welcome.txt"}, backend={}, **LOCAL, AR905="passed")
def letter_without_steps(name: str) -> ToolResult:
    """A letter's text. Steps upwards are taken out until there are none, and what is left is a name."""
    if not isinstance(name, str) or len(name) > 90:
        return ToolResult.permanent("The name of a letter has 90 characters at most.")
    while "../" in name:
        name = name.replace("../", "")
    return text_of(os.path.join(LETTERS, name)) if "/" not in name else ToolResult.permanent("There is no such letter.")
