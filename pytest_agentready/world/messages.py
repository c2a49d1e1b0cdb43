"""HTTP's requests and answers, as a backend and the faults know them."""

from __future__ import annotations

import contextlib
import json as _json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pytest_agentready.domain import shortened
from pytest_agentready.world import inflation

JSON = "application/json"
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # of a header
VALUE = re.compile(r"[\t\x20-\x7e]*")
SHOWN = 60  # characters of a value
EMPTY = (b"[]", b"{}", b"null")
SHORT = 500  # bytes of an answer that may say that there is nothing
_UNSET: Any = object()


class Response:
    """An answer of the world. `Response(status=503)`, `Response(json={...})`, `Response(body="<html>", content_type="text/html")`."""

    __slots__ = ("content", "content_type", "flaws", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        *,
        json: Any = _UNSET,
        body: str | bytes = b"",
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> None:
        if json is not _UNSET and body:
            raise TypeError("a Response has either json or a body")
        text, problem = ("", "") if json is _UNSET else as_json(json)
        wrong = [f"json={shortened(repr(json), SHOWN)} {problem}"] if problem else []
        # Told where the answer is put to use, with all else that is wrong there.
        self.flaws = (*wrong, *_flaws(status, body, headers, content_type))
        if self.flaws:
            text, body, headers, content_type = "", b"", None, None
        self.status = status
        self.content = text.encode() or (body.encode() if isinstance(body, str) else bytes(body))
        given = {name.lower(): name for name in headers or {}}
        self.content_type = content_type or (headers or {}).get(given.get("content-type", ""), JSON if json is not _UNSET else "text/plain")
        self.headers = {name: str(value) for name, value in (headers or {}).items() if name.lower() != "content-type"}

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.content_type} {len(self.content)} bytes>"

    @property
    def is_json(self) -> bool:
        return "json" in self.content_type and bool(self.content)

    @property
    def is_xml(self) -> bool:
        """XML for programs: a feed, a result; a page is none, whatever it is written in."""
        kind = self.content_type
        return bool(self.content) and ("xml" in kind or self.content.lstrip()[:5] == b"<?xml") and "html" not in kind

    @property
    def is_text(self) -> bool:
        kind = self.content_type.partition(";")[0].strip().lower()
        return self.is_json or (bool(self.content) and (kind.startswith("text/") or kind.endswith(("/xml", "+xml", "/csv", "/yaml"))))

    @property
    def says_nothing(self) -> bool:
        """Does it tell that there is nothing: a 404, an empty list, an object whose lists are all empty?"""
        if self.status == 404 or self.content in EMPTY:
            return True
        if not self.is_json or len(self.content) > SHORT:
            return False
        with contextlib.suppress(ValueError):
            found = _json.loads(self.content)
            lists = [part for part in found.values() if isinstance(part, list)] if isinstance(found, dict) else []
            return bool(lists) and not any(lists)
        return False

    def inflated(self, size: int) -> Response | None:
        """The same answer, of at least `size` bytes; None where nothing in it can grow."""
        longer = _inflated(self.content, self.is_json, size)
        return None if longer is None else Response(self.status, body=longer, headers=self.headers, content_type=self.content_type)


@lru_cache(maxsize=4)
def _inflated(content: bytes, is_json: bool, size: int) -> bytes | None:
    """Kept, for it takes milliseconds, and a tool may ask its peer for the same several times."""
    text = content.decode(errors="surrogateescape")  # what is no UTF-8 stays as it is
    if is_json:
        with contextlib.suppress(ValueError):  # a stream of JSON lines, say, is a text
            value = inflation.inflated(_json.loads(text), size)
            return None if value is None else _json.dumps(value).encode()
    longer = inflation.inflated_text(text, size)
    return None if longer is None else longer.encode(errors="surrogateescape")


def _flaws(status: object, body: object, headers: object, content_type: object) -> Iterator[str]:
    """What HTTP cannot carry, and what to write."""
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 999:
        yield f"status={status!r} is no status of an answer: write a number from 200 on, such as status=503"
    if not isinstance(body, (str, bytes, bytearray)):
        yield f"body={shortened(repr(body), SHOWN)} is no text and no bytes: write json=... for all else"
    if content_type is not None and (not isinstance(content_type, str) or not VALUE.fullmatch(content_type)):
        yield f"content_type={content_type!r} is none: write a text, such as content_type='text/html'"
    if headers is not None and not isinstance(headers, Mapping):
        yield f"headers={headers!r} are no mapping: write a dict of names and values, such as headers={{'Retry-After': '30'}}"
    elif headers:
        for name, value in headers.items():
            if not isinstance(name, str) or not NAME.fullmatch(name):
                yield f"the header {name!r} has a name that HTTP does not know: write such as 'Retry-After'"
            if not VALUE.fullmatch(str(value)):
                yield f"the header {name!r} has the value {value!r}: write it in one line of ASCII"


def as_json(value: object) -> tuple[str, str]:
    """The value as JSON; "" and what is wrong with it where JSON cannot say it."""
    try:
        return _json.dumps(value, allow_nan=False), ""
    except (TypeError, ValueError, RecursionError) as reason:
        if "JSON compliant" in str(reason):
            nan = "Response(body='{...}', content_type='application/json')"
            return "", f"is no JSON (it has no NaN or infinity): write None, or for a peer that sends such a thing {nan}"
        return "", f"is no JSON ({reason}): give JSON, a Response or a callable"


class Transmission(Response):
    """An answer that comes in chunks, or that breaks off: closed in the middle, or left hanging `in silence`."""

    __slots__ = ("chunks", "ending")

    def __init__(
        self,
        status: int = 200,
        *,
        chunks: Sequence[bytes] = (),
        body: bytes = b"",
        ending: Literal["whole", "closed", "silence"] = "whole",
        headers: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> None:
        super().__init__(status, body=body or b"".join(chunks), headers=headers, content_type=content_type)
        self.chunks = tuple(chunks)
        self.ending = ending

    def inflated(self, size: int) -> Response | None:
        """A stream of events has nothing in it that could grow without breaking them."""
        return None


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A request as the backend sees it."""

    method: str
    url: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)  # the route's {segments}

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def json(self) -> Any:
        return _json.loads(self.body)


NOT_FOUND = Response(404, json={"detail": "Not Found"})


def other_shape(content: bytes) -> Any:
    """JSON that a client of the old schema does not expect."""
    return [{"schema": 2}] if content.lstrip()[:1] == b"{" else {"schema": 2, "page": None}
