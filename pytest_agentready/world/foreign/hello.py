"""Whom a client that begins TLS wants to talk to: the name in its first message."""

from __future__ import annotations

HANDSHAKE = 22
SERVER_NAME = 0


def server_name(data: bytes) -> str | None:
    """The name in a ClientHello; "" where there is none, or the bytes are no ClientHello, and None while it is incomplete."""
    if not data.startswith(bytes([HANDSHAKE, 3])):
        return ""
    length = int.from_bytes(data[3:5], "big")
    if len(data) < 5 or len(data) < 5 + length:
        return None
    try:
        return _name_in(data[5 : 5 + length])
    except IndexError:
        return ""


def _name_in(hello: bytes) -> str:
    at = 4 + 2 + 32  # type and length, version, random
    at += 1 + hello[at]  # session
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher suites
    at += 1 + hello[at]  # compression
    end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 2
    while at + 4 <= end:
        kind, size = int.from_bytes(hello[at : at + 2], "big"), int.from_bytes(hello[at + 2 : at + 4], "big")
        if kind == SERVER_NAME:
            return hello[at + 9 : at + 4 + size].decode("ascii", "replace")
        at += 4 + size
    return ""
