"""JSON in other shapes: of an unexpected schema, or far larger."""

from __future__ import annotations

import json
from typing import Any


def other_shape(content: bytes) -> Any:
    """JSON that a client of the old schema does not expect."""
    return [{"schema": 2}] if content.lstrip()[:1] == b"{" else {"schema": 2, "page": None}


def inflate(value: Any, size: int) -> Any:
    """A copy in which the first list or text is repeated up to `size` bytes; None where there is none."""
    if isinstance(value, str) and value:
        return value * (size // len(value) + 1)
    if isinstance(value, list) and value:
        return value * (size // max(1, len(json.dumps(value))) + 1)
    if isinstance(value, dict):
        for want in (list, str, dict):
            for key, item in value.items():
                if isinstance(item, want):
                    grown = inflate(item, size)
                    if grown is not None:
                        return {**value, key: grown}
    return None
