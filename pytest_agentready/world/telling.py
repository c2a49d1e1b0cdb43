"""Peers whose answers tell what was asked for: a static backend would answer everything alike."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from pytest_agentready.world import markup
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.wrapped import Wrapped

# What a mark goes behind: words, and no id, date or address, which have to stay as they are; ids where there is nothing else.
WORDS = re.compile(r"[^\W\d_][^\d_@:/]*")
NAMES = re.compile(r"[^\W\d][^@:/]*")


class Telling(Wrapped):
    """A backend that puts a mark behind the words of its answers, the same one for the same request."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)

    def answer(self, request: IncomingRequest) -> Response | None:
        response = self._inner.answer(request)
        if response is None or not response.is_text:
            return response
        mark = f" ({zlib.crc32(request.url.encode() + request.body) % 1_000})"
        if not response.is_json:
            body = _marked_text(response.content.decode(errors="surrogateescape"), mark).encode(errors="surrogateescape")
            return Response(response.status, body=body, headers=response.headers, content_type=response.content_type)
        try:
            value = json.loads(response.content)
        except ValueError:
            return response
        for pattern in (WORDS, NAMES):
            if (told := _marked(value, mark, pattern)) != value:
                break
        else:
            told = {**value, "answers": mark.strip()} if isinstance(value, dict) else value
        return Response(response.status, json=told, headers=response.headers, content_type=response.content_type)


def _marked_text(text: str, mark: str) -> str:
    """In XML and in a page behind the words that stand there, for nothing can follow XML; else behind it all."""
    if (document := markup.read(text)) is None:
        return text + mark
    for pattern in (WORDS, NAMES):
        if spans := [span for span in document.texts() if pattern.fullmatch(text[span.start : span.end])]:
            return document.changed((span, text[span.start : span.end] + mark) for span in spans)
    return text + mark if document.is_page else text


def _marked(value: Any, mark: str, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {key: _marked(part, mark, pattern) for key, part in value.items()}
    if isinstance(value, list):
        return [_marked(part, mark, pattern) for part in value]
    return value + mark if isinstance(value, str) and pattern.fullmatch(value) else value
