"""HTTP's requests and answers, as a backend and the faults know them."""

from __future__ import annotations

import contextlib
import json as _json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pytest_agentready.world import inflation

JSON = "application/json"
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

    def inflated(self, size: int) -> Response | None:
        """The same answer, of at least `size` bytes; None where nothing in it can grow."""
        text = self.content.decode(errors="replace")
        if self.is_json:
            with contextlib.suppress(ValueError):  # a stream of JSON lines, say, is a text
                value = inflation.inflated(_json.loads(text), size)
                return None if value is None else Response(self.status, json=value, headers=self.headers, content_type=self.content_type)
        longer = inflation.inflated_text(text, size)
        return None if longer is None else Response(self.status, body=longer, headers=self.headers, content_type=self.content_type)


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
