"""Another order for all that has none of its own: lists in answers, rows without ORDER BY, sets of a Redis, the names in a directory.

A peer may give them in any order, and does: from another node, after a vacuum, on another file system. What was asked for in an order
(`sort=`, ORDER BY), is ranked (a score, a position), goes by time, or is a sequence by its nature (steps, coordinates, the messages of a
conversation) stays as it is.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from pytest_agentready.domain import sql as text
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.patching import Patch, Patches

if TYPE_CHECKING:
    from pytest_agentready.world.statements import Statement

SORTED = re.compile(
    r"\$?(?:sort(?:ed|ing|s)?(?:_?(?:by|order|field|key|dir|direction))?|order(?:ing)?(?:_?by)?|rank_?by|rerank\w*)", re.IGNORECASE
)
SORTED_IN_TEXT = re.compile(rb"\b(?:order_?by|sort(?:_?by)?)\b\s*:", re.IGNORECASE)  # of a GraphQL query
RANKED_PATH = re.compile(
    r"/(?:latest|recent|top|trending|popular|rank(?:ing|ed)?s?|leaderboard|standings|history|timeline|feed|hot|best)\b", re.IGNORECASE
)
# Lists that are sequences, by their names.
SEQUENCE = re.compile(
    r"(?:.*_)?(?:messages?|choices|steps?|lines?|path|route|waypoints?|legs|stops|coordinates|points|vertices|values|series|data_?points|candles|history"
    r"|timeline|forecasts?|hourly|daily|weekly|monthly|days|hours|chunks|segments|parts|pages|paragraphs|sentences|words|tokens|instructions"
    r"|breadcrumbs|rankings?|ranked|leaderboard|standings|columns|headers|content|output|embeddings?|vectors?|args|arguments|sequence|playlist"
    r"|queue|turns|transcript)|(?:top|best|recent|latest|trending|popular|ranked|sorted|ordered|nearest|closest)(?:_.*)?"
)
DESCENDING = re.compile(r"(?:.*_)?(?:score|relevance|similarity|confidence|probability|popularity|weight|stars|votes|rating|priority)")
ASCENDING = re.compile(
    r"(?:.*_)?(?:rank|ranking|position|pos|index|idx|order|ordinal|sequence|seq|distance|priority|place|step|line|page|level|row)"
)
TIMES = re.compile(
    r"(?:.*_)?(?:at|time|timestamp|date|datetime|created|updated|published|modified|starts?|ends?|begins?|due|day|hour|month|year|since|when|ts|epoch)"
)
MOMENT = re.compile(r"\d{4}-\d\d(?:-\d\d)?|\d{1,2}:\d\d")
MAIN = re.compile(r"results?|items?|data|hits|records|rows|entries|matches|documents|value|list|objects|elements")
SEARCH = re.compile(r"search|geocod|lookup|suggest|autocomplete|query|nearest|find", re.IGNORECASE)
ASKED_FOR = frozenset({"q", "query", "search", "term", "keyword", "keywords", "text", "name", "address", "location", "city", "place"})
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
        self.searched = False  # something was searched for: the first that is found may be the best, without a word of it

    # -- answers over HTTP

    def of_answer(self, request: IncomingRequest, response: Response) -> Response:
        if not response.is_json or len(response.content) > 1 << 20:
            return response
        try:
            value = json.loads(response.content)
        except ValueError:
            return response
        address = f"{request.method} {request.url.partition('?')[0]}"
        if why := _asked_for(request):
            self.kept.setdefault(f"{address} ({why})")
            return response
        moved = len(self.moved)
        changed = self._reordered(value, "", address, 0)
        if changed == value:
            return response
        if len(self.moved) > moved and _is_search(request):
            self.searched = True
        return Response(response.status, json=changed, headers=response.headers, content_type=response.content_type)

    def _reordered(self, value: Any, name: str, address: str, depth: int) -> Any:
        if depth > DEPTH:
            return value
        if isinstance(value, dict):
            lists = [len(part) for part in value.values() if isinstance(part, list) and len(part) > 1 and not isinstance(part[0], dict)]
            beside = len(lists) > 1 and len(set(lists)) < len(lists)  # columns: what belongs together stands at the same place in each
            return {
                key: part if beside and isinstance(part, list) else self._reordered(part, key, address, depth + 1)
                for key, part in value.items()
            }
        if not isinstance(value, list):
            return value
        what = f"`{name}` of {address}" if name else f"the list of {address}"
        if len(value) < 2:
            if depth == 0 or (depth == 1 and MAIN.fullmatch(name)):
                self.short.setdefault(what)
            return [self._reordered(part, name, address, depth + 1) for part in value]
        if all(_is_number(part) or _is_numeric_list(part) for part in value):
            return value
        parts = [self._reordered(part, "", address, depth + 1) if isinstance(part, dict) else part for part in value]
        if why := _own_order(value, name):
            self.kept.setdefault(f"{what} ({why})")
            return parts
        if value != value[::-1]:
            self.moved.setdefault(what)
        return parts[::-1]

    # -- rows, sets, directories

    def of_rows(self, statement: Statement, rows: Sequence[Any]) -> tuple[Any, ...]:
        shown = " ".join(statement.sql.split())[:60]
        if len(rows) < 2:
            return tuple(rows)
        if ("word", "ORDER") in text.words(statement.sql):
            self.kept.setdefault(f"the rows of {shown} (ORDER BY)")
            return tuple(rows)
        self.moved.setdefault(f"the rows of {shown}")
        return tuple(reversed(rows))

    def of_reply(self, words: Sequence[bytes], reply: Any) -> Any:
        name = words[0].upper().decode(errors="replace")
        found = reply[1] if name in SCANS and isinstance(reply, list) and len(reply) == 2 else reply
        if not (name in SETS | SCANS | PAIRS and isinstance(found, (list, dict)) and len(found) > 1):
            return reply
        if isinstance(found, dict):
            changed: Any = dict(reversed(list(found.items())))
        elif name in PAIRS:
            changed = [part for pair in reversed(list(zip(found[::2], found[1::2], strict=False))) for part in pair]
        else:
            changed = found[::-1]
        self.moved.setdefault(f"the answer to {' '.join(word.decode(errors='replace') for word in words[:2])}")
        return [reply[0], changed] if found is not reply else changed

    def of_names(self, directory: Any, names: list[Any]) -> list[Any]:
        if len(names) > 1:
            self.moved.setdefault(f"the names in {os.fspath(directory) if isinstance(directory, (str, os.PathLike)) else 'a directory'}")
        return names[::-1]

    def of_connection(self, connection: Any) -> None:
        """From here on SQLite gives rows the other way round, where the statement leaves that to it."""
        with contextlib.suppress(Exception):  # it may be closed, or another thread's
            connection.execute("PRAGMA reverse_unordered_selects = ON")
            self.moved.setdefault("the rows of SQLite")

    def let_go(self, connection: Any) -> None:
        with contextlib.suppress(Exception):
            connection.execute("PRAGMA reverse_unordered_selects = OFF")

    def in_place(self) -> contextlib.AbstractContextManager[None]:
        """For `os.listdir`, `scandir` and all that is made of them, and for connections to SQLite that are made from here on."""
        listdir, scandir = os.listdir, os.scandir

        def listed(path: Any = ".") -> list[Any]:
            return self.of_names(path, listdir(path))

        def scanned(path: Any = ".") -> _Entries:
            with scandir(path) as entries:
                return _Entries(self.of_names(path, list(entries)))

        patches = [Patch(os, "listdir", listed), Patch(os, "scandir", scanned)]
        accessor = getattr(pathlib, "_NormalAccessor", None)  # Python 3.10
        if accessor is not None:
            patches += [Patch(accessor, "listdir", staticmethod(listed)), Patch(accessor, "scandir", staticmethod(scanned))]
        for name in ("sqlite3", "sqlite3.dbapi2"):
            if (module := sys.modules.get(name)) is not None:
                patches.append(Patch(module, "connect", self._connecting(module.connect)))
        return Patches(patches).in_place()

    def _connecting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(*args: Any, **kwargs: Any) -> Any:
            connection = original(*args, **kwargs)
            self.of_connection(connection)
            return connection

        return connect


class _Entries:
    """As `os.scandir` gives them: an iterator that can be closed."""

    def __init__(self, entries: list[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())


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


def _is_search(request: IncomingRequest) -> bool:
    parts = urlsplit(request.url)
    return bool(SEARCH.search(parts.path)) or any(name.lower() in ASKED_FOR for name, _ in parse_qsl(parts.query))


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, float))


def _is_numeric_list(value: Any) -> bool:
    return isinstance(value, list) and all(_is_number(part) or _is_numeric_list(part) for part in value)


def _own_order(items: list[Any], name: str) -> str:
    """By what the items are in order; "" where they have no order of their own."""
    plain = _snake(name)
    if plain and SEQUENCE.fullmatch(plain):
        return "a sequence"
    if all(isinstance(item, str) and MOMENT.match(item) for item in items) and items in (sorted(items), sorted(items, reverse=True)):
        return "in the order of time"
    if not all(isinstance(item, dict) for item in items):
        return "a sequence" if any(not isinstance(item, (str, list)) for item in items) else ""
    for field in items[0]:
        if all(field in item for item in items):
            values = [item[field] for item in items]
            if _orders(_snake(field), values):
                return f"by {field}"
            if all(isinstance(value, dict) for value in values):  # {"document": {...}, "scores": {"total": 0.9}}
                for inner in values[0]:
                    if all(inner in value for value in values) and _orders(_snake(inner), [value[inner] for value in values]):
                        return f"by {field}.{inner}"
    return ""


def _orders(field: str, values: list[Any]) -> bool:
    """Is this a field by which they are ranked, or in the order of time?"""
    falls, rises = DESCENDING.fullmatch(field) is not None, ASCENDING.fullmatch(field) is not None
    by_time = TIMES.fullmatch(field) is not None
    if not (falls or rises or by_time) or len(set(map(repr, values))) < 2:
        return False
    try:
        up = all(one <= other for one, other in itertools.pairwise(values))
        down = all(one >= other for one, other in itertools.pairwise(values))
    except TypeError:
        return False
    return (down and (falls or by_time)) or (up and (rises or by_time))


def _snake(name: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
