"""HTTP's requests and answers, as a backend and the faults know them."""

from __future__ import annotations

import contextlib
import json as _json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_agentready.world import inflation

JSON = "application/json"
EMPTY = (b"[]", b"{}", b"null")
SHORT = 500  # bytes of an answer that may say that there is nothing
_UNSET: Any = object()


class Response:
    """An answer of the world. `Response(status=503)`, `Response(json={...})`, `Response(body="<html>", content_type="text/html")`."""

    __slots__ = ("content", "content_type", "headers", "status")

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
        self.status = status
        self.content = _json.dumps(json).encode() if json is not _UNSET else body.encode() if isinstance(body, str) else bytes(body)
        given = {name.lower(): name for name in headers or {}}
        self.content_type = content_type or (headers or {}).get(given.get("content-type", ""), JSON if json is not _UNSET else "text/plain")
        self.headers = {name: str(value) for name, value in (headers or {}).items() if name.lower() != "content-type"}

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.content_type} {len(self.content)} bytes>"

    @property
    def is_json(self) -> bool:
        return "json" in self.content_type and bool(self.content)

    @property
    def is_text(self) -> bool:
        return self.is_json or (self.content_type.startswith("text/") and bool(self.content))

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
        text = self.content.decode(errors="replace")
        if self.is_json:
            with contextlib.suppress(ValueError):  # a stream of JSON lines, say, is a text
                value = inflation.inflated(_json.loads(text), size)
                return None if value is None else Response(self.status, json=value, headers=self.headers, content_type=self.content_type)
        longer = inflation.inflated_text(text, size)
        return None if longer is None else Response(self.status, body=longer, headers=self.headers, content_type=self.content_type)


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
