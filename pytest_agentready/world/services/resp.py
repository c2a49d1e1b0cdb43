"""RESP, the protocol of Redis, in its versions 2 and 3: commands as they come, replies as they go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIMPLE = (b"OK", b"PONG", b"QUEUED", b"RESET")  # what Redis sends as a status; everything else is a bulk string

NOTHING = object()  # no reply at all


class ProtocolError(ValueError):
    """The client sends something that is no RESP."""


def command(buffer: bytearray) -> list[bytes] | None:
    """Take one command out of the buffer; None where it has not come whole. Raises ProtocolError."""
    if not buffer:
        return None
    end = buffer.find(b"\r\n")
    if end < 0:
        return None
    if buffer[:1] != b"*":  # a command as one types it
        words = bytes(buffer[:end]).split()
        del buffer[: end + 2]
        return words
    try:
        count, position, words = int(buffer[1:end]), end + 2, []
        for _ in range(count):
            end = buffer.find(b"\r\n", position)
            if end < 0:
                return None
            if buffer[position : position + 1] != b"$":
                raise ProtocolError(f"expected '$', got {bytes(buffer[position : position + 1])!r}")
            start, position = end + 2, end + 4 + int(buffer[position + 1 : end])
            if len(buffer) < position:
                return None
            words.append(bytes(buffer[start : position - 2]))
    except ValueError as problem:
        raise ProtocolError(str(problem)) from problem
    del buffer[:position]
    return words


def packed(words: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(_bulk(word) for word in words)


def reply(value: Any, version: int = 2) -> bytes:
    """One reply. What RESP2 has no type for goes as its nearest: a map as a flat list, a double as text."""
    new = version >= 3
    if value is NOTHING:
        return b""
    match value:
        case None:
            return b"_\r\n" if new else b"$-1\r\n"
        case bool():
            return (b"#t\r\n" if value else b"#f\r\n") if new else b":%d\r\n" % value
        case int():
            return b":%d\r\n" % value
        case float():
            return b",%s\r\n" % repr(value).encode() if new else _bulk(repr(value).encode())
        case Exception():
            return b"-%s\r\n" % str(value).replace("\r\n", " ").encode()
        case bytes() | str():
            data = value if isinstance(value, bytes) else value.encode()
            return b"+%s\r\n" % data if data in SIMPLE else _bulk(data)
        case Mapping():
            items = [item for pair in value.items() for item in pair]
            return _several(b"%" if new else b"*", len(value) if new else len(items), items, version)
        case set() | frozenset():
            return _several(b"~" if new else b"*", len(value), sorted(value), version)
        case _:
            return _several(b"*", len(value), list(value), version)


def _several(mark: bytes, count: int, items: list[Any], version: int) -> bytes:
    return mark + b"%d\r\n" % count + b"".join(reply(item, version) for item in items)


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(data), data)
