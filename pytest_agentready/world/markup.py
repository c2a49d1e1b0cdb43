"""XML and HTML by the places of their elements and texts, so that a document can be changed and stays the same in all else.

A parser's tree written out again would be another document: other prefixes, quotes, entities, white space. Here it is read as it stands, by
its tags alone; pages are read as leniently as browsers do, XML that is not well-formed is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[(?P<data>.*?)\]\]>|<\?.*?\?>|<!(?:[^>\[]|\[[^\]]*\])*>"
    r"|<(?P<close>/?)(?P<name>[A-Za-z_][\w:.-]*)(?P<rest>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>",
    re.DOTALL,
)
BEGINNING = re.compile(r"[\s\ufeff]*<[!?A-Za-z_]")
CLASS = re.compile(r"""\bclass\s*=\s*["']?\s*([^\s"'>]+)""", re.IGNORECASE)
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"})
RAW = frozenset({"script", "style", "textarea"})  # whose content is no markup
UNREAD = frozenset({"head", "script", "style", "template", "svg", "noscript"})  # of a page: what nobody reads
BLOCK = re.compile(r"address|article|aside|blockquote|div|dl|fieldset|footer|form|h[1-6]|header|hr|main|nav|ol|p|pre|section|table|ul")
PAGE = re.compile(rf"{BLOCK.pattern}|html|head|body|span|a|b|i|em|strong|br|img|li|t[dhr]|tbody|thead|meta|script|style")
# What an opening tag ends where it was left open.
ENDS = {
    "li": frozenset({"li", "p"}),
    "tr": frozenset({"tr", "td", "th"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
    "dt": frozenset({"dt", "dd", "p"}),
    "dd": frozenset({"dt", "dd", "p"}),
    "option": frozenset({"option"}),
}
# One of these is one of several, though it stands alone in an example.
MEMBERS = frozenset({"entry", "item", "url", "sitemap", "record", "row", "result", "doc", "hit", "li", "tr"})


class Span(NamedTuple):
    """A piece of the document, from `start` up to `end`, in characters."""

    start: int
    end: int


@dataclass(slots=True, eq=False)
class Element:
    name: str  # without a prefix; of a page in small letters
    kind: str  # what makes two of them alike: the name, and of a page the first class
    start: int
    end: int = -1
    is_read: bool = True  # by somebody, as the head of a page and its scripts are not
    children: list[Element] = field(default_factory=list)
    texts: list[Span] = field(default_factory=list)  # that stand directly in it, without the white space around them

    def runs(self) -> Iterator[list[Element]]:
        """The children that are read, those of one kind together, in the order of the first ones."""
        kinds: dict[str, list[Element]] = {}
        for child in self.children:
            if child.is_read:
                kinds.setdefault(child.kind, []).append(child)
        yield from kinds.values()

    def is_list(self, run: list[Element]) -> bool:
        """Are these the parts of a list? `<IdList><Id>7</Id></IdList>` is one as well."""
        name, whole = run[0].name.lower(), self.name.lower()
        if not whole:  # the outermost element is one
            return len(run) > 1
        return len(run) > 1 or name in MEMBERS or (len(name) > 1 and whole != name and whole.startswith(name[:-1]))


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    is_page: bool  # HTML
    root: Element  # whose one child is the outermost element; of a page there may be several

    def texts(self) -> Iterator[Span]:
        """Those that are read, wherever they stand."""
        waiting = [self.root]
        while waiting:
            element = waiting.pop()
            yield from element.texts
            waiting += (child for child in element.children if child.is_read)

    def rebuilt(self, element: Element, children: Iterable[str]) -> str:
        """The element's text with these texts in the places of its children, in their order."""
        parts, at = [], element.start
        for child, text in zip(element.children, children, strict=True):
            parts += [self.text[at : child.start], text]
            at = child.end
        return "".join((*parts, self.text[at : element.end]))

    def fields(self, element: Element) -> dict[str, str] | str:
        """What it holds, by name: `{"title": "Tea", "year": "2024"}`, deeper ones as well; of an element without others its text."""
        found: dict[str, str] = {}
        for child in element.children:
            held = self.fields(child)
            for name, text in held.items() if isinstance(held, dict) else ((child.name, held),):
                found.setdefault(name, text)
        return found if element.children else " ".join(self.text[span.start : span.end] for span in element.texts)

    def changed(self, edits: Iterable[tuple[Span, str]]) -> str:
        """With other text in the place of these spans, none of which overlaps another."""
        parts, at = [], 0
        for span, text in sorted(edits):
            parts += [self.text[at : span.start], text]
            at = span.end
        return "".join((*parts, self.text[at:]))


def read(text: str) -> Document | None:
    """The document; None where it is no markup."""
    if BEGINNING.match(text) is None:
        return None
    names = (token["name"].lower() for token in TOKEN.finditer(text) if token["name"])
    first = next(names, "")
    return None if not first else _read(text, is_page=PAGE.fullmatch(first) is not None)


def _read(text: str, *, is_page: bool) -> Document | None:
    parsing = _Parsing(text, is_page)
    at = 0
    while (token := TOKEN.search(text, at)) is not None:
        parsing.add_text(at, token.start())
        at = token.end()
        if token["data"] is not None:
            parsing.add_text(*token.span("data"))
        if token["name"] is None:
            continue
        name = token["name"].rpartition(":")[2]
        name = name.lower() if is_page else name
        if not token["close"]:
            at = parsing.begin(name, token)
        elif not parsing.end(name, token):
            return None
    parsing.add_text(at, len(text))
    return parsing.document()


class _Parsing:
    """A text that is read from its beginning to its end. Of XML it is noticed where it is none; a page may be as bad as it likes."""

    def __init__(self, text: str, is_page: bool) -> None:
        self._text = text
        self._is_page = is_page
        self._root = Element("", "", 0)
        self._open = [self._root]

    def add_text(self, start: int, end: int) -> None:
        piece = self._text[start:end]
        if told := piece.strip("\ufeff \t\r\n"):
            begin = start + piece.index(told)
            self._open[-1].texts.append(Span(begin, begin + len(told)))

    def begin(self, name: str, token: re.Match[str]) -> int:
        """An element begins. Gives where to read on."""
        while self._is_page and self._open[-1].name in (ENDS.get(name) or (("p",) if BLOCK.fullmatch(name) else ())):
            self._open.pop().end = token.start()
        found = CLASS.search(token["rest"]) if self._is_page else None
        kind = f"{name}.{found[1]}" if found else name
        made = Element(name, kind, token.start(), is_read=not (self._is_page and name in UNREAD))
        self._open[-1].children.append(made)
        if token["rest"].endswith("/") or (self._is_page and name in VOID):
            made.end = token.end()
        else:
            self._open.append(made)
        if not self._is_page or name not in RAW:
            return token.end()
        closing = re.compile(rf"</{name}\b", re.IGNORECASE).search(self._text, token.end())
        return len(self._text) if closing is None else closing.start()

    def end(self, name: str, token: re.Match[str]) -> bool:
        """End the innermost element of that name, and those that were left open in it; False where XML does not allow that."""
        if self._open[-1].name == name and len(self._open) > 1:
            self._open.pop().end = token.end()
            return True
        if not self._is_page:
            return False
        if any(each.name == name for each in self._open[1:]):
            while self._open[-1].name != name:
                self._open.pop().end = token.start()
            self._open.pop().end = token.end()
        return True

    def document(self) -> Document | None:
        if not self._is_page and (len(self._open) > 1 or len(self._root.children) != 1 or self._root.texts):
            return None
        for each in self._open:
            each.end = len(self._text)
        return Document(self._text, self._is_page, self._root)
