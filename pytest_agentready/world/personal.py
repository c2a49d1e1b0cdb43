"""Peers that tell each user something else: a word, and numbers, that stand in nobody else's answers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pytest_agentready.world.backend import Backend
from pytest_agentready.world.echo import TELLING
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.wrapped import Wrapped

# A date, a number, an address, an id: what follows rules of its own, and is not to be changed.
FORMAL = re.compile(r"\d[\d.,:T+Z-]*|\S+@\S+|\w+://\S*|[\da-f]{8}-[\da-f-]{27}|[A-Z]{2,4}|", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """Who is known by these ids, and is told this."""

    ids: tuple[str, ...]
    word: str
    number: int


class PersonalBackend(Wrapped):
    """A backend whose answers are other ones for each of these users, where the request says for whom it is."""

    def __init__(self, inner: Backend, users: Sequence[Known]) -> None:
        super().__init__(inner)
        self._users = users

    def answer(self, request: IncomingRequest) -> Response | None:
        response = self._inner.answer(request)
        if response is None or not response.is_json or response.status >= 400:
            return response
        asked = f"{unquote(request.url)} {request.body.decode('utf-8', 'replace')} {' '.join(request.headers.values())}"
        users = [user for user in self._users if any(id in asked for id in user.ids)]
        if len(users) != 1:
            return response
        try:
            value = _of(json.loads(response.content), "", users[0])
        except ValueError:
            return response
        return Response(response.status, json=value, headers=response.headers, content_type=response.content_type)


def _of(value: Any, name: str, user: Known) -> Any:
    if isinstance(value, dict):
        return {key: _of(part, str(key), user) for key, part in value.items()}
    if isinstance(value, list):
        return [_of(part, name, user) for part in value]
    if isinstance(value, str):
        return value if FORMAL.fullmatch(value) or any(id in value for id in user.ids) else f"{value} ({user.word})"
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or TELLING.search(plain):
        return value
    return type(value)(user.number)
