"""What the user of a loop gets to read: the text in whatever the loop returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Where the answer stands in a result, in the order in which it is looked for: frameworks' names, then the providers'.
FIELDS = (
    *("final_output", "output", "answer", "response", "reply", "final_answer", "result", "text", "content", "message", "messages"),
    *("output_text", "choices", "data", "error", "reason", "raw", "body"),
)
DEPTH = 6
PLAIN = (bool, int, float, complex)


def said(value: object) -> str | None:
    """The text that the user gets; "" where it is empty, None where there is none to be found.

    Of a list of parts (a stream, blocks of content) it is all of them together; of a list of messages the last of the assistant's.
    """
    return _text(value, 0)


def is_mute(value: object) -> bool:
    """Is there no word in it that anybody could read? None, an empty text, a result whose fields are such; of what hides its fields, no."""
    return _is_mute(value, 0)


def _is_mute(value: Any, depth: int) -> bool:
    if isinstance(value, (str, bytes)):
        return not value.strip()
    if value is None or isinstance(value, PLAIN):
        return not isinstance(value, bool)  # a number of steps is no word; a flag may tell somebody all
    if depth > DEPTH or isinstance(value, type) or callable(value):
        return False
    if isinstance(value, Mapping):
        return all(_is_mute(part, depth + 1) for part in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(_is_mute(part, depth + 1) for part in value)
    fields = getattr(value, "__dict__", {})
    return bool(fields) and all(_is_mute(part, depth + 1) for part in fields.values())


def _text(value: Any, depth: int) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or depth > DEPTH:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, PLAIN):
        return str(value) if not isinstance(value, bool) else None
    if isinstance(value, Mapping):
        return _of_fields(value.get, depth)
    if isinstance(value, (list, tuple)):
        return _of_list(value, depth)
    if isinstance(value, type) or callable(value):
        return None
    return _of_fields(lambda name: getattr(value, name, None), depth)


def _of_fields(field: Any, depth: int) -> str | None:
    empty = None
    for name in FIELDS:
        try:
            found = _text(field(name), depth + 1)
        except Exception:  # a property of the user's own
            continue
        if found:
            return found
        empty = found if empty is None else empty
    return empty


def _of_list(parts: Any, depth: int) -> str | None:
    roles = [_role(part) for part in parts]
    if any(roles):
        spoken = [part for part, role in zip(parts, roles, strict=True) if role in ("assistant", "ai", "model")]
        return _text(spoken[-1], depth + 1) if spoken else None
    texts = [text for part in parts if (text := _text(part, depth + 1)) is not None]
    return "".join(texts) if texts else ("" if not parts else None)


def _role(part: Any) -> str:
    found = part.get("role", part.get("type")) if isinstance(part, Mapping) else getattr(part, "role", getattr(part, "type", ""))
    return found if isinstance(found, str) and found in ("user", "assistant", "system", "tool", "developer", "ai", "human", "model") else ""
