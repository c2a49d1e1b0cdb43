"""Peers whose answers have words in them that somebody else has planted: in the texts of JSON, pages, rows, and what a Redis holds."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytest_agentready.world.backend import Backend
from pytest_agentready.world.inflation import is_prose
from pytest_agentready.world.messages import IncomingRequest, Response, Transmission
from pytest_agentready.world.statements import Answer, Database, Statement
from pytest_agentready.world.stores import Store
from pytest_agentready.world.wrapped import Wrapped

PROSE, TEXTS, STRINGS = DEPTHS = range(3)  # in prose alone; in all that is no code, date or address; in every string
# Fields that are no text for a reader.
CODES = re.compile(
    r"(?:^|_)(?:id|ids|uuid|guid|key|type|kind|code|slug|sku|cursor|etag|sha|hash|version|encoding|currency|locale|lang|language|format"
    r"|url|uri|href|link|links|src|path|email|phone|date|time|timestamp|at|on|tz|timezone)$",
    re.IGNORECASE,
)
# Nobody else writes these: what opens doors, and what a project tells its own models.
OWN = re.compile(r"token|secret|password|api_?key|credential|cursor|signature|prompt|instruction|template|persona|system", re.IGNORECASE)
# What is said in a conversation is kept there, by the loop itself.
MEMORY = re.compile(r"histor|messages?\b|conversation|chat|session|memor|thread|checkpoint|transcript", re.IGNORECASE)
TABLE = re.compile(r"\b(?:FROM|JOIN)\s+[\"`\[]?([\w.]+)", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]{2,}")
CODE = re.compile(r"\S*[\d@/:._-]\S*|\S{33,}")  # an id, a date, an address: one word with more than letters
NODE = re.compile(r"(<(script|style|title)\b.*?</\2\s*>|<!--.*?-->|<[^>]*>)", re.DOTALL | re.IGNORECASE)
BASE64 = re.compile(r"[A-Za-z0-9+/_\-\n]{16,}={0,2}\n?")
DEEP = 12


@dataclass(frozen=True, slots=True)
class Seed:
    """Words that are planted, in which texts, and where not: nobody else writes what a project keeps for itself."""

    words: str
    depth: int = PROSE
    addresses: frozenset[str] = frozenset()  # that are spared: "GET https://api.example.com/customers/7"
    stores: frozenset[str] = frozenset()  # likewise: files, tables, keys of a Redis
    by_itself: bool = False  # what the loop asks for by itself is planted in: there its memory may be at any peer

    def suits(self, address: str) -> bool:
        return address not in self.addresses and not (self.by_itself and MEMORY.search(urlsplit(address.partition(" ")[2]).path))

    def suits_store(self, name: str) -> bool:
        return name not in self.stores and not MEMORY.search(name) and not OWN.search(name)


class Planted(Wrapped):
    """A backend whose answers begin their texts with these words; `sources` says whose had any."""

    def __init__(self, inner: Backend, seed: Seed) -> None:
        super().__init__(inner)
        self.sources: dict[str, None] = {}  # an ordered set
        self._seed = seed
        self._words = seed.words
        self._depth = seed.depth

    def answer(self, request: IncomingRequest) -> Response | None:
        found = self._inner.answer(request)
        readable = found is not None and found.is_text and not isinstance(found, Transmission)
        address = f"{request.method} {request.url.partition('?')[0]}"
        if found is None or found.status >= 400 or not readable or not self._seed.suits(address):
            return found
        changed = self._changed(found)
        if changed is not found:
            self.sources.setdefault(address)
        return changed

    def _changed(self, response: Response) -> Response:
        text = response.content.decode(errors="replace")
        if response.is_json:
            try:
                value = json.loads(text)
            except ValueError:
                return response
            changed = planted(value, self._words, self._depth)
            if changed == value:
                return response
            return Response(response.status, json=changed, headers=response.headers, content_type=response.content_type)
        told = in_text(text, self._words, self._depth)
        return (
            response if told == text else Response(response.status, body=told, headers=response.headers, content_type=response.content_type)
        )

    def stores(self, host: str, port: int) -> list[Store]:
        found = []
        for store in self._inner.stores(host, port):
            contents = {
                name: _of_a_store(name, value, self._words, self._depth) if self._seed.suits_store(_text(name)) else value
                for name, value in store.contents.items()
            }
            if contents != store.contents:
                self.sources.setdefault(f"what the Redis at {host} holds")
            found.append(Store(store.number, contents))
        return found

    def database(self, protocol: str, host: str, port: int, name: str) -> Database | None:
        found = self._inner.database(protocol, host, port, name)
        return None if found is None else _Rows(found.key, found.answers, found.patterns, self._seed, self.sources)


@dataclass(frozen=True)
class _Rows(Database):
    seed: Seed = Seed("")
    sources: dict[str, None] | None = None

    def answer(self, statement: Statement) -> Answer | None:
        found = super().answer(statement)
        tables = TABLE.findall(statement.sql)
        if not isinstance(found, (list, tuple)) or statement.verb != "SELECT" or not all(map(self.seed.suits_store, tables)):
            return found
        rows = planted(list(found), self.seed.words, self.seed.depth)
        if self.sources is not None and rows != list(found):
            self.sources.setdefault(f"the rows of {self.key}")
        return rows  # type: ignore[no-any-return]


def planted(value: Any, words: str, depth: int, name: str = "", deep: int = 0) -> Any:
    """A copy of a JSON value, with the words in its texts."""
    if deep > DEEP:
        return value
    if isinstance(value, str):
        return _of_a_text(name, value, words, depth, deep)
    if isinstance(value, Mapping):
        return {key: part if OWN.search(str(key)) else planted(part, words, depth, str(key), deep + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [planted(part, words, depth, name, deep + 1) for part in value]
    return value


def in_text(text: str, words: str, depth: int) -> str:
    """A page, a feed, or lines."""
    if "<" in text and NODE.search(text):
        parts = NODE.split(text)  # what stands between, then the tag or what it holds, then its name, which is a part of that
        parts[::3] = [_begun(part, words) if WORD.search(part) else part for part in parts[::3]]
        return "".join(part for place, part in enumerate(parts) if place % 3 < 2)
    if depth == PROSE:
        return _begun(text, words) if WORD.search(text) else text
    return "\n".join(_begun(line, words) if WORD.search(line) else line for line in text.split("\n"))


def _begun(text: str, words: str) -> str:
    """The words come first, for texts are cut short; but behind what makes a heading or an item of a list."""
    start = re.match(r"\W*", text)
    end = start.end() if start else 0
    return f"{text[:end]}{words} {text[end:]}"


def _of_a_text(name: str, text: str, words: str, depth: int, deep: int) -> str:
    if text[:1] in ("{", "["):
        try:
            return json.dumps(planted(json.loads(text), words, depth, name, deep + 1))
        except ValueError:
            pass
    if (decoded := _decoded(text)) is not None:
        alphabet = base64.urlsafe_b64encode if "-" in text or "_" in text else base64.b64encode
        return alphabet(in_text(decoded, words, depth).encode()).decode()
    if "<" in text and NODE.search(text) and WORD.search(text):
        return in_text(text, words, depth)
    if depth == PROSE:
        wanted = is_prose(name, text) and not _is_code(name, text)
    elif depth == TEXTS:
        wanted = WORD.search(text) is not None and not _is_code(name, text)
    else:
        wanted = bool(text.strip())
    return f"{words} {text}" if wanted else text


def _is_code(name: str, text: str) -> bool:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return CODES.search(plain) is not None or CODE.fullmatch(text) is not None


def _decoded(text: str) -> str | None:
    """The text that this is the Base64 of, as a mail or a file is handed out; None where it is none."""
    if not BASE64.fullmatch(text) or not re.search(r"[A-Z].*[a-z]|[a-z].*[A-Z]", text, re.DOTALL):
        return None
    plain = text.replace("\n", "").replace("-", "+").replace("_", "/")
    try:
        found = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return found if found.isprintable() or re.fullmatch(r"[\s\x20-\x7e\u00a0-\U0010ffff]+", found) else None


def _of_a_store(key: str | bytes, value: Any, words: str, depth: int) -> Any:
    """A value of Redis, of whatever type."""
    name = _text(key).rpartition(":")[2]
    if isinstance(value, bytes):
        try:
            return planted(value.decode(), words, depth, name).encode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, (set, frozenset)):
        return {_of_a_store(key, part, words, depth) for part in value}
    if isinstance(value, (list, tuple)):
        return [_of_a_store(key, part, words, depth) for part in value]
    if isinstance(value, Mapping):
        return {part: _of_a_store(part, inner, words, depth) for part, inner in value.items()}
    return planted(value, words, depth, name)


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
