"""RESP, the protocol of Redis, in its versions 2 and 3: commands as they come, replies as they go, and as a real server gives them."""

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


def value(data: bytes | bytearray, at: int = 0) -> tuple[Any, int] | None:
    """The reply that begins there, as a value, and where it ends; None where it has not come whole. Raises ProtocolError.

    Error replies are exceptions. What a server says unasked is passed over.
    """
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    kind, text, at = data[at : at + 1], bytes(data[at + 1 : end]), end + 2
    match kind:
        case b"+":
            return text, at
        case b"-":
            return ValueError(text.decode(errors="replace")), at
        case b":" | b"(":
            return int(text), at
        case b",":
            return float(text), at
        case b"#":
            return text == b"t", at
        case b"_":
            return None, at
        case b"$" | b"=" | b"!":
            return _text(kind, data, at, int(text))
        case b"*" | b"~" | b"%" | b">" | b"|":
            return _items(kind, data, at, int(text))
    raise ProtocolError(f"no reply begins with {bytes(kind)!r}")


def _text(kind: bytes | bytearray, data: bytes | bytearray, at: int, length: int) -> tuple[Any, int] | None:
    if length < 0:
        return None, at
    if len(data) < at + length + 2:
        return None
    text = bytes(data[at : at + length])
    if kind == b"!":
        return ValueError(text.decode(errors="replace")), at + length + 2
    return text[4:] if kind == b"=" else text, at + length + 2  # a verbatim text has its format in front: `txt:`


def _items(kind: bytes | bytearray, data: bytes | bytearray, at: int, count: int) -> tuple[Any, int] | None:
    if count < 0:
        return None, at
    items: list[Any] = []
    for _ in range(2 * count if kind in (b"%", b"|") else count):
        found = value(data, at)
        if found is None:
            return None
        items.append(found[0])
        at = found[1]
    if kind in (b">", b"|"):
        return value(data, at)
    if kind == b"%":
        return dict(zip(items[::2], items[1::2], strict=True)), at
    return set(items) if kind == b"~" and all(isinstance(item, bytes) for item in items) else items, at


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
