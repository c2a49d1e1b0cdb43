"""Peers that answer two callers otherwise, each with what it has asked for: a static backend would answer both alike."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pytest_agentready.world.backend import Backend
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.wrapped import Wrapped

# Numbers that say which, or of which kind, and not how much.
TELLING = re.compile(
    r"(?:^|_)(?:id|ids|status|code|version|count|total|page|limit|offset|size|number|no|key|expires_in|year|month|day|ok)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Caller:
    """Who is known by words of its own, in whose answers other values stand than in the backend's."""

    marks: tuple[str, ...]
    instead: Mapping[str, str]  # what stands in the backend's answers, and what in this caller's
    shift: int  # added to the numbers


class Echo(Wrapped):
    """A backend that tells its callers apart."""

    def __init__(self, inner: Backend, callers: Sequence[Caller]) -> None:
        super().__init__(inner)
        self._callers = callers

    def answer(self, request: IncomingRequest) -> Response | None:
        response = self._inner.answer(request)
        if response is None or not response.is_json:
            return response
        asked = f"{unquote(request.url)} {request.body.decode('utf-8', 'replace')} {' '.join(request.headers.values())}"
        callers = [caller for caller in self._callers if any(mark in asked for mark in caller.marks)]
        if len(callers) != 1:
            return response
        try:
            value = _of(json.loads(response.content), "", callers[0])
        except ValueError:
            return response
        return Response(response.status, json=value, headers=response.headers, content_type=response.content_type)


def _of(value: Any, name: str, caller: Caller) -> Any:
    if isinstance(value, dict):
        return {key: _of(part, str(key), caller) for key, part in value.items()}
    if isinstance(value, list):
        return [_of(part, name, caller) for part in value]
    if isinstance(value, str):
        return caller.instead.get(value, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if (other := caller.instead.get(str(value))) is not None and other.isdigit():
            return int(other)
        plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
        return value if TELLING.search(plain) else value + caller.shift
    return value
