"""What a docstring says of a tool and of its parameters, in any of the usual styles.

Google, NumPy, Sphinx, Epytext, and plain `name: text` lines.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from typing import Any

# `order_id: the order`, `- order_id (str): the order`, `* order_id - the order`
PLAIN = re.compile(r"^\s*(?:[-*+]\s*)?[`*]{0,2}(?P<name>\w+)[`*]{0,2}\s*(?:\([^)]*\))?\s*(?::|\s(?:--?|[\u2013\u2014]))\s+(?P<text>\S.*)$")
HEADING = re.compile(r"\s*[A-Z][a-z]+:\s*$")  # `Args:`


def read_docstring(text: str | None, parameters: Collection[str]) -> tuple[str, dict[str, str]]:
    """The description, which is the first paragraph, and what is said of each of these parameters."""
    if not text or not text.strip():
        return "", {}
    import docstring_parser

    text = inspect.cleandoc(text)
    described: dict[str, str] = {}
    opening = text.split("\n\n", 1)[0]
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        parsed = None
    if parsed is not None:
        for param in parsed.params:
            for name in re.split(r"\s*,\s*", param.arg_name):  # NumPy's `lat, lon : float` describes both
                if (bare := name.strip().lstrip("*")) in parameters and param.description:
                    described.setdefault(bare, " ".join(param.description.split()))
        if parsed.params or parsed.returns or parsed.raises:
            opening = (parsed.description or "").split("\n\n", 1)[0]
    for line in text.splitlines():
        match = PLAIN.match(line)
        if match and match["name"] in parameters:
            described.setdefault(match["name"], match["text"].strip())
    # A docstring that begins with its list of parameters does not say what the tool does.
    kept = [line for line in opening.splitlines() if not HEADING.match(line) and not _describes(line, parameters)]
    return " ".join(" ".join(kept).split()), described


def _describes(line: str, parameters: Collection[str]) -> bool:
    match = PLAIN.match(line)
    return match is not None and match["name"] in parameters


def docstring_of(obj: Any, function: Any) -> str | None:
    """A function's own, or that of the class whose objects are called: never what `partial` or `object` say of themselves."""
    if inspect.isroutine(obj) or inspect.isclass(obj):
        return inspect.getdoc(function) or inspect.getdoc(obj)
    own = getattr(function, "__doc__", None)
    if own or getattr(function, "__name__", "") != "__call__":
        return own
    return type(obj).__doc__ if type(obj).__doc__ != object.__doc__ else None


def of_metadata(metadata: Collection[object]) -> str:
    """The description within `Annotated[str, ...]`: a text, a Doc, or what has a `description`."""
    for item in metadata:
        for found in (item, getattr(item, "documentation", None), getattr(item, "description", None)):
            if isinstance(found, str) and found.strip():
                return " ".join(found.split())
    return ""
