"""An answer made huge in the way of real ones: its lists have more items, its texts go on and on; ids, dates and codes stay as they are.

Everything grows that grows in life, so that a tool meets it in whatever part it uses, and what it parses can still be parsed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

LONG = 1 << 16  # characters of a text that has grown
MESSAGES = 2_000  # of a stream, for they are written one by one
LONGEST = 1 << 20  # characters of all such texts together
# A sentence, or six words and more: a title or a status is shorter.
PROSE = re.compile(
    r"\w[^\S\n]+\S.*[.!?\u3002]|\w\s*\n\s*\w|(?:\S*[^\W\d_]\S*\s+){5}\S*[^\W\d_]|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{12,}"
)
WORD = re.compile(r"[^\W\d_]+")
# Fields that hold text for a reader, however short the example is.
CONTENT = re.compile(
    r"(?:text|content|body|description|summary|message|html|markdown|abstract|comment|snippet|answer|output|transcript|details?|notes?)$",
    re.IGNORECASE,
)


def inflated(value: Any, size: int) -> Any:
    """A copy of at least `size` bytes as JSON; None where nothing in it can grow."""
    texts, lists = sum(_is_prose(name, text) for name, text in _texts(value)), _lists(value)
    if not texts and not lists:  # what is added to codes and numbers alone is no concern of whoever picks its fields
        return {**value, "padding": "x" * size} if isinstance(value, dict) else None
    long = min(LONG, LONGEST // max(1, texts)) if lists or texts > 1 else size
    return _grown(value, long, size // max(1, lists))


def inflated_text(text: str, size: int) -> str | None:
    """The text again and again; None for a bare number, say."""
    return _repeated(text, size, "\n") if WORD.search(text) else None


def inflated_rows(names: Sequence[str], rows: Sequence[tuple[Any, ...]], size: int, most: int | None) -> tuple[tuple[Any, ...], ...] | None:
    """The rows of a database, of some `size` bytes and at most `most` of them; None where they cannot grow."""
    if not rows:
        return None
    first = tuple(_grown(value, LONG, LONG, name) for name, value in zip(names, rows[0], strict=True))
    count = len(rows) + 1 + size // len(json.dumps(rows[0], default=str))
    more = (tuple(rows) * (count // len(rows) + 1))[: count if most is None else min(most, count)]
    return (first, *more[1:]) if first != rows[0] or len(more) > len(rows) else None


def inflated_bytes(name: str, data: bytes, size: int) -> bytes | None:
    """A text of that name, or JSON, as a store without types holds it; None where it is a code, a number, or no text."""
    try:
        text = data.decode()
        if text[:1] in ("{", "["):
            value = inflated(json.loads(text), size)
            return None if value is None else json.dumps(value).encode()
    except ValueError:
        return None
    return _repeated(text, size, " ").encode() if _is_prose(name, text) else None


def inflated_messages(messages: Sequence[str | bytes], size: int) -> list[str | bytes] | None:
    """Messages of a stream: the first is long, and where there are several, those before the last come again and again."""
    if not messages:
        return None
    first = messages[0]
    long = inflated_bytes("text", first.encode() if isinstance(first, str) else first, LONG)
    # The last one may say that it is the last.
    more = list(messages[:-1]) * (min(size // max(1, sum(map(len, messages[:-1]))), MESSAGES // len(messages)) + 1)
    if long is None and len(messages) == 1:
        return None
    longest = first if long is None else long.decode() if isinstance(first, str) else long
    return [longest, *messages[1:-1], *more, *messages[-1:]] if len(messages) > 1 else [longest]


def _grown(value: Any, long: int, size: int, name: str = "") -> Any:
    if isinstance(value, str):
        return _repeated(value, long, " ") if _is_prose(name, value) else value
    if isinstance(value, dict):
        return {key: _grown(item, long, size, str(key)) for key, item in value.items()}
    if isinstance(value, list) and value:
        # The texts of the first item alone: many long items would be a flood.
        return [_grown(value[0], long, size, name), *value[1:], *value * (size // len(json.dumps(value, default=str)) + 1)]
    return value


def _repeated(text: str, size: int, between: str) -> str:
    return (text + between) * (size // (len(text) + len(between)) + 1)


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The texts that may grow, each with its field's name."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, str(key))
    elif isinstance(value, list) and value:
        yield from _texts(value[0], name)


def _lists(value: Any) -> int:
    """How many lists there are to grow."""
    if isinstance(value, dict):
        return sum(_lists(item) for item in value.values())
    return 1 + _lists(value[0]) if isinstance(value, list) and value else 0


def _is_prose(name: str, text: str) -> bool:
    if not name or CONTENT.search(name):  # a text by itself is content, too
        return WORD.search(text) is not None
    return PROSE.search(text) is not None
