"""What a simulated WebSocket says: the backend's routes `GET wss://host/path`.

A list is what the server sends by itself, before it closes the connection; a callable is asked for the reply to each message:
one, a list of several, or None. A message is text, bytes, or JSON, which goes as its text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_agentready.world import backend_calls

Message = str | bytes


@dataclass(frozen=True)
class Stream:
    key: str = ""
    messages: tuple[Message, ...] | None = None
    reply: Callable[[Message], Any] | None = None

    @classmethod
    def parse(cls, key: str, answer: object) -> Stream:
        """Raises ValueError."""
        if callable(answer):
            return cls(key, reply=answer)
        if not isinstance(answer, (list, tuple)):
            raise ValueError(  # noqa: TRY004  (all problems are ValueErrors)
                f"the answer of backend route {key!r} is {answer!r}: give a list of messages, or a callable of each message that it is sent"
            )
        try:
            return cls(key, tuple(_message(each) for each in answer))
        except (TypeError, ValueError) as reason:
            raise ValueError(f"backend route {key!r} has a message that is no text, bytes or JSON ({reason})") from None

    def replies(self, message: Message) -> list[Message]:
        """Raises BackendFailed."""
        if self.reply is None:
            return []
        found = backend_calls.call(repr(self.key), self.reply, message, "the message")
        if found is None:
            return []
        try:
            return [_message(each) for each in (found if isinstance(found, (list, tuple)) else [found])]
        except (TypeError, ValueError) as reason:
            raise backend_calls.answered(repr(self.key), self.reply, f"gives a message that is no text, bytes or JSON ({reason})") from None


def _message(value: object) -> Message:
    return value if isinstance(value, (str, bytes)) else json.dumps(value, allow_nan=False)
