"""Another order for all that has none of its own: lists in answers, rows without ORDER BY, sets of a Redis.

A peer may give them in any order, and does: from another node, after a vacuum, on another file system. What was asked for in an order
(`sort=`, ORDER BY), is ranked (a score, a position), goes by time, or is a sequence by its nature (steps, coordinates, the messages of a
conversation) stays as it is; but a score says nothing of those that have the same.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_agentready.domain import sql as text
from pytest_agentready.world import markup
from pytest_agentready.world.markup import Document, Element
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.own_order import SEQUENCE, is_number, is_numeric_list, own_order, snake, turned_among_equals
from pytest_agentready.world.rows import gives_one
from pytest_agentready.world.statements import Statement

SORTED = re.compile(
    r"\$?(?:sort(?:ed|ing|s)?(?:_?(?:by|order|field|key|dir|direction))?|order(?:ing)?(?:_?by)?|rank_?by|rerank\w*)", re.IGNORECASE
)
SORTED_IN_TEXT = re.compile(rb"\b(?:order_?by|sort(?:_?by)?)\b\s*:", re.IGNORECASE)  # of a GraphQL query
RANKED_PATH = re.compile(
    r"/(?:latest|recent|top|trending|popular|rank(?:ing|ed)?s?|leaderboard|standings|history|timeline|feed|hot|best)\b", re.IGNORECASE
)
MAIN = re.compile(r"results?|items?|data|hits|records|rows|entries|matches|documents|value|list|objects|elements")
BESIDE = re.compile(
    r"(?:.*_)?(?:total|count|size|limit|offset|page|pages|per_page|next|prev|previous|cursor|more|ok|status|success|error|code|object|kind)"
)
SEARCH = re.compile(r"search|geocod|lookup|suggest|autocomplete|query|nearest|find", re.IGNORECASE)
ASKED_FOR = frozenset({"q", "query", "search", "term", "keyword", "keywords", "text", "name", "address", "location", "city", "place"})
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
DEPTH = 8
# Commands of a Redis whose answers have no order, and where in the answer the list stands.
SETS = frozenset({"SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "HVALS"})
SCANS = frozenset({"SCAN", "SSCAN"})
PAIRS = frozenset({"HGETALL"})


class Order:
    """What came in another order in the course of a run, and what did not."""

    def __init__(self) -> None:
        self.moved: dict[str, None] = {}  # ordered sets
        self.kept: dict[str, None] = {}
        self.short: dict[str, None] = {}  # lists of one part or none, where the answer is about them
        self.held: dict[str, None] = {}  # what could not be brought into another order, and why
        self.searched = False  # something was searched for: the first that is found may be the best, without a word of it

    # -- answers over HTTP

    def of_answer(self, request: IncomingRequest, response: Response) -> Response:
        if not (response.is_json or response.is_xml) or len(response.content) > 1 << 20:
            return response
        try:
            value: Any = json.loads(response.content) if response.is_json else markup.read(response.content.decode())
        except ValueError:
            return response
        if response.is_xml and (value is None or value.is_page):  # which is read from top to bottom
            return response
        address = f"{request.method} {request.url.partition('?')[0]}"
        if why := _asked_for(request):
            self.kept.setdefault(f"{address} ({why})")
            return response
        moved = len(self.moved)
        is_document = isinstance(value, Document)
        changed = self._document(value, value.root, address) if is_document else self._reordered(value, "", address, 0)
        if changed == (value.text if is_document else value):
            return response
        if len(self.moved) > moved and _is_search(request):
            self.searched = True
        if is_document:
            return Response(response.status, body=changed, headers=response.headers, content_type=response.content_type)
        return Response(response.status, json=changed, headers=response.headers, content_type=response.content_type)

    def _document(self, document: Document, element: Element, address: str, *, within: bool = False) -> str:
        """XML with its lists turned round. `within`: the element stands in a list, and its own lists are not what the answer is about."""
        runs = [run for run in element.runs() if element.is_list(run)]
        members = {each for run in runs for each in run}
        places = {child: place for place, child in enumerate(element.children)}
        texts = [self._document(document, child, address, within=within or child in members) for child in element.children]
        for run in runs:
            what = f"the <{run[0].name}> of {address}"
            items = [_as_json(document.fields(each)) for each in run]
            if len(run) < 2:
                if not within and not SEQUENCE.fullmatch(snake(run[0].name)):
                    self.short.setdefault(what)
            elif all(map(is_number, items)) or not any(items):  # numbers, and what has attributes alone
                continue
            elif why := own_order(items, run[0].name) or (any(map(_is_sentence, items)) and "a text"):
                self.kept.setdefault(f"{what} ({why})")
            else:
                self.moved.setdefault(what)
                turned = [texts[places[each]] for each in reversed(run)]
                for each, text_there in zip(run, turned, strict=True):
                    texts[places[each]] = text_there
        return document.rebuilt(element, texts)

    def _reordered(self, value: Any, name: str, address: str, depth: int, *, is_all: bool = False) -> Any:
        """`is_all`: the object around it has lists alone, and what tells about them."""
        if depth > DEPTH:
            return value
        if isinstance(value, dict):
            lists = [len(part) for part in value.values() if isinstance(part, list) and len(part) > 1 and not isinstance(part[0], dict)]
            beside = len(lists) > 1 and len(set(lists)) < len(lists)  # columns: what belongs together stands at the same place in each
            is_all = all(isinstance(part, list) or BESIDE.fullmatch(snake(key)) for key, part in value.items())
            return {
                key: part if beside and isinstance(part, list) else self._reordered(part, key, address, depth + 1, is_all=is_all)
                for key, part in value.items()
            }
        if not isinstance(value, list):
            return value
        what = f"`{name}` of {address}" if name else f"the list of {address}"
        if len(value) < 2:
            if depth == 0 or (depth == 1 and (is_all or MAIN.fullmatch(name)) and not SEQUENCE.fullmatch(snake(name))):
                self.short.setdefault(what)
            return [self._reordered(part, name, address, depth + 1) for part in value]
        if all(is_number(part) or is_numeric_list(part) for part in value):
            return value
        parts = [self._reordered(part, "", address, depth + 1) if isinstance(part, dict) else part for part in value]
        if why := own_order(value, name):
            turned = turned_among_equals(parts, value) if why.startswith("by ") else parts
            told, said = (self.kept, f"{what} ({why})") if turned == parts else (self.moved, f"those of equal score in {what}")
            told.setdefault(said)
            return turned
        if value != value[::-1]:
            self.moved.setdefault(what)
        return parts[::-1]

    # -- rows, sets, directories

    def of_rows(self, statement: Statement, rows: Sequence[Any]) -> tuple[Any, ...]:
        shown = " ".join(statement.sql.split())[:60]
        if len(rows) < 2:
            if ("word", "ORDER") not in text.words(statement.sql) and not gives_one(statement):
                self.short.setdefault(f"the rows of {shown}")
            return tuple(rows)
        if ("word", "ORDER") in text.words(statement.sql):
            self.kept.setdefault(f"the rows of {shown} (ORDER BY)")
            return tuple(rows)
        self.moved.setdefault(f"the rows of {shown}")
        return tuple(reversed(rows))

    def of_reply(self, words: Sequence[bytes], reply: Any) -> Any:
        name = words[0].upper().decode(errors="replace")
        found = reply[1] if name in SCANS and isinstance(reply, list) and len(reply) == 2 else reply
        if not (name in SETS | SCANS | PAIRS and isinstance(found, (list, dict))):
            return reply
        what = f"the answer to {' '.join(word.decode(errors='replace') for word in words[:2])}"
        if len(found) < 2:
            if name not in PAIRS:  # the fields of an object have names
                self.short.setdefault(what)
            return reply
        if isinstance(found, dict):
            changed: Any = dict(reversed(list(found.items())))
        elif name in PAIRS:
            changed = [part for pair in reversed(list(zip(found[::2], found[1::2], strict=False))) for part in pair]
        else:
            changed = found[::-1]
        self.moved.setdefault(what)
        return [reply[0], changed] if found is not reply else changed


def _asked_for(request: IncomingRequest) -> str:
    """The order that the request asks for, or that its address promises; "" for none."""
    for name, value in parse_qsl(urlsplit(request.url).query, keep_blank_values=True):
        if SORTED.fullmatch(name):
            return f"{name}={value}"
    if match := RANKED_PATH.search(urlsplit(request.url).path):
        return match.group()
    if request.body[:1] in (b"{", b"["):
        with contextlib.suppress(ValueError):
            found = next(_names(json.loads(request.body), 0), "")
            if found:
                return found
        if SORTED_IN_TEXT.search(request.body):
            return "an order in the query"
    return next((name for name, _ in parse_qsl(request.body.decode("utf-8", "replace")) if SORTED.fullmatch(name)), "")


def _names(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth < DEPTH:
        for name, part in value.items():
            if SORTED.fullmatch(str(name)) and part not in (None, "", [], {}):
                yield str(name)
            yield from _names(part, depth + 1)


def _as_json(value: Any) -> Any:
    """What stands in an element, with its numbers as numbers, so that scores can be compared."""
    if isinstance(value, dict):
        return {name: _as_json(part) for name, part in value.items()}
    return float(value) if NUMBER.fullmatch(value) else value


def _is_sentence(value: Any) -> bool:
    return isinstance(value, str) and value.rstrip()[-1:] in (".", "!", "?")


def _is_search(request: IncomingRequest) -> bool:
    parts = urlsplit(request.url)
    return bool(SEARCH.search(parts.path)) or any(name.lower() in ASKED_FOR for name, _ in parse_qsl(parts.query))
