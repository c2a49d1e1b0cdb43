"""An answer made huge in the way of real ones: its lists have more items, its texts go on and on; ids, dates and codes stay as they are.

In XML and in pages a list is what has several elements of one kind side by side.

Everything grows that grows in life, so that a tool meets it in whatever part it uses, and what it parses can still be parsed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_agentready.world import markup
from pytest_agentready.world.markup import Document, Element, Span

LONG = 1 << 16  # characters of a text that has grown
MESSAGES = 2_000  # of a stream, for they are written one by one
LONGEST = 1 << 20  # characters of all such texts together
WORDS = 6  # side by side: a title or a status has fewer
SENTENCE_ENDS = ".!?\u3002"
SECOND_WORD = re.compile(r"\w[^\S\n]+\S")
BETWEEN_WORDS = re.compile(r"\w(\s+)(?=\w)")
UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{12}")  # a sentence of a script without spaces
ENTRIES = 500  # of a list in markup that has a text, which is as long as all is to be: a parser takes seconds for many thousand
BARE = 5_000  # of one that has none
WORD = re.compile(r"[^\W\d_]+")
# Fields that hold text for a reader, however short the example is.
CONTENT = re.compile(
    r"(?:text|content|body|description|summary|message|html|markdown|abstract|comment|snippet|answer|output|transcript|details?|notes?)$",
    re.IGNORECASE,
)


def inflated(value: Any, size: int) -> Any:
    """A copy of at least `size` bytes as JSON; None where nothing in it can grow."""
    texts, lists = sum(is_prose(name, text) for name, text in _texts(value)), _lists(value)
    if not texts and not lists:  # what is added to codes and numbers alone is no concern of whoever picks its fields
        return {**value, "padding": "x" * size} if isinstance(value, dict) else None
    return _grown(value, _long(size, texts, lists), size // max(1, lists))


def inflated_text(text: str, size: int) -> str | None:
    """XML and a page with more in it, any other text again and again; None for a bare number, say."""
    if (document := markup.read(text)) is not None and (grown := _inflated_markup(document, size)) is not None:
        return grown
    return _repeated(text, size, "\n") if WORD.search(text) else None


def _inflated_markup(document: Document, size: int) -> str | None:
    """The document with longer lists and texts; None for a page that has neither, and may well come several times over."""
    found = list(_growing(document, document.root))
    lists = sum(isinstance(each, list) for each in found)
    texts = len(found) - lists
    if found:
        long = min(size, LONGEST // max(1, texts))
        return document.changed(_edit(document, each, long, ENTRIES if texts else BARE) for each in found)
    if document.is_page:
        return None
    end = document.text.rindex("<", 0, document.root.children[0].end)  # of the outermost element: a remark in it is read by nobody
    return document.changed([(Span(end, end), f"<!--{'x' * size}-->")]) if document.text[end + 1] == "/" else None


def _growing(document: Document, element: Element) -> Iterator[Span | list[Element]]:
    """The texts that may grow, and the lists, each as its elements. In those it is the first one that has all this in it again."""
    name = "" if document.is_page else element.name
    yield from (span for span in element.texts if is_prose(name or "p", document.text[span.start : span.end]))
    for run in element.runs():
        if element.is_list(run):
            yield run
            yield from _growing(document, run[0])
        else:
            for child in run:
                yield from _growing(document, child)


def _edit(document: Document, growing: Span | list[Element], long: int, most: int) -> tuple[Span, str]:
    if isinstance(growing, Span):
        return growing, _repeated(document.text[growing.start : growing.end], long, " ")
    members = "\n".join(document.text[each.start : each.end] for each in growing)
    times = min(most // len(growing), long // len(members)) + 1
    end = growing[-1].end
    return Span(end, end), f"\n{members}" * times


def _long(size: int, texts: int, lists: int) -> int:
    """Characters of each text that grows, where there are so many texts and lists."""
    return min(max(min(LONG, size), size // 16), LONGEST // max(1, texts)) if lists or texts > 1 else size


def inflated_rows(names: Sequence[str], rows: Sequence[tuple[Any, ...]], size: int, most: int | None) -> tuple[tuple[Any, ...], ...] | None:
    """The rows of a database, of some `size` bytes and at most `most` of them; None where they cannot grow."""
    if not rows:
        return None
    long = min(LONG, size)
    first = tuple(_grown(value, long, long, name) for name, value in zip(names, rows[0], strict=True))
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
    return _repeated(text, size, " ").encode() if is_prose(name, text) else None


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
        return _repeated(value, long, " ") if is_prose(name, value) else value
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


def is_prose(name: str, text: str) -> bool:
    if not name or CONTENT.search(name):  # a text by itself is content, too
        return WORD.search(text) is not None
    return _has_sentence(text) or _goes_on_in_next_line(text) or _has_many_words(text) or UNSPACED.search(text) is not None


def _has_sentence(text: str) -> bool:
    """Is there a line of two words and more with the end of a sentence behind the first?"""
    for line in text.split("\n"):
        begun = SECOND_WORD.search(line)
        if begun is not None and max(map(line.rfind, SENTENCE_ENDS)) >= begun.end():
            return True
    return False


def _goes_on_in_next_line(text: str) -> bool:
    return any("\n" in between[1] for between in BETWEEN_WORDS.finditer(text))


def _has_many_words(text: str) -> bool:
    """Numbers are no words, and codes may be many thousand characters long."""
    in_a_row = 0
    for word in text.split():
        in_a_row = in_a_row + 1 if WORD.search(word) else 0
        if in_a_row == WORDS:
            return True
    return False
