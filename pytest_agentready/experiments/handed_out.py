"""What a refusal hands out: words by which a model might open the gate, because it was told them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from pytest_agentready.arguments.self_service import is_token

QUOTED = re.compile(r"\"([^\"\n]{2,80})\"|(?<!\w)'([^'\n]{2,80})'(?!\w)|`([^`\n]{2,80})`")  # Type "DELETE drafts" to confirm
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{3,}")
DEPTH = 4  # of parts in parts


def words_of_refusal(value: object) -> list[str]:
    """What a refusal hands out, what is named like a token first."""
    named: list[str] = []
    rest: list[str] = []
    _gather(value, "", named, rest, DEPTH)
    return list(dict.fromkeys([*named, *rest]))


def _gather(value: Any, name: str, named: list[str], rest: list[str], depth: int) -> None:
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        with contextlib.suppress(Exception):
            value = dump()
    elif hasattr(value, "__dict__") and not isinstance(value, (str, Mapping, list, tuple)):
        value = vars(value)
    if isinstance(value, Mapping) and depth:
        for key, part in value.items():
            _gather(part, str(key), named, rest, depth - 1)
    elif isinstance(value, (list, tuple)) and depth:
        for part in value:
            _gather(part, name, named, rest, depth - 1)
    elif isinstance(value, str):
        is_named = is_token(name) or name in ("token", "code", "id", "key", "nonce")
        if is_named:
            named.append(value)
        named += [next(filter(None, groups)) for groups in QUOTED.findall(value)]
        rest += [word for word in TOKEN.findall(value) if any(char.isdigit() for char in word)]
    elif isinstance(value, int) and not isinstance(value, bool) and is_token(name):
        named.append(str(value))
