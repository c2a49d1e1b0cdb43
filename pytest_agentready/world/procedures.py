"""Remote procedures of a backend: `{"grpc://pricing.internal:50051/shop.Pricing/GetPrice": message}`."""

from __future__ import annotations

import re
from typing import Any

from pytest_agentready.world import backend_calls
from pytest_agentready.world.places import split

SCHEME = "grpc://"


class Procedures:
    """What they answer: a message, a list of them for a stream, or a callable of the request's message."""

    def __init__(self) -> None:
        self._answers: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._answers)

    def add(self, key: str, answer: Any) -> None:
        """Raises ValueError for a key that names no procedure."""
        parts = split(key, key.strip())
        if not parts.netloc or not re.fullmatch(r"/[\w.]+/\w+", parts.path):
            raise ValueError(f"backend key {key!r} names no procedure: write '{SCHEME}pricing.internal:50051/shop.Pricing/GetPrice'")
        self._answers[f"{SCHEME}{parts.netloc if parts.port else f'{parts.netloc}:443'}{parts.path}"] = answer

    def knows(self, url: str) -> bool:
        return url in self._answers

    def answer(self, url: str, message: Any) -> Any:
        """Of a procedure that is known. Raises BackendFailed."""
        answer = self._answers[url]
        return backend_calls.call(repr(url), answer, message, "the request's message") if callable(answer) else answer
