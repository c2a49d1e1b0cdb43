"""Peers that the backend names by a URL: their schemes, their ports, and how a connection is told to be theirs."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from pytest_agentready.domain import nearest

SCHEMES = {  # as it is written -> protocol, port
    "redis": ("redis", 6379),
    "rediss": ("redis", 6379),
    "valkey": ("redis", 6379),
    "unix": ("redis", 0),
    "postgresql": ("postgresql", 5432),
    "postgres": ("postgresql", 5432),
    "mysql": ("mysql", 3306),
    "mariadb": ("mysql", 3306),
    "smtp": ("smtp", 25),
    "smtps": ("smtp", 465),
}
LOCAL = ("localhost", "127.0.0.1", "::1", "")


@dataclass(frozen=True, slots=True)
class Place:
    """`redis://cache.internal:6379/0`; a socket of this machine has its path as host, and the port 0."""

    protocol: str
    host: str
    port: int
    path: str = ""  # the name of the database; "" is any
    tls: bool = False  # TLS from the first byte on

    def is_at(self, host: str, port: int) -> bool:
        if host.startswith("/") and self.host in LOCAL:  # a database of this machine, by its socket
            return True
        same = host.lower() == self.host or (host in LOCAL and self.host in LOCAL)
        return same and self.port == port


def split(key: str, url: str) -> SplitResult:
    """The parts of a URL in a backend's key. Raises ValueError where it is none, or its port is none."""
    try:
        parts = urlsplit(url)
    except ValueError as reason:
        raise ValueError(f"backend key {key!r} is no URL ({reason}): write an address with its colons in brackets, http://[::1]/") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"backend key {key!r} has a port that is no number from 1 to 65535: write such as '{parts.scheme}://host:8080'")
    return parts


def names_a_place(key: str) -> bool:
    """Is it a URL of a protocol beside HTTP, also a mistyped one?"""
    scheme = key.partition("://")[0].lower()
    return "://" in key and " " not in key.strip() and scheme not in ("http", "https", "ws", "wss") and bool(scheme)


def place(key: str) -> Place:
    """Raises ValueError where the scheme is unknown, or there is no host."""
    parts = split(key, key.strip())
    scheme = parts.scheme.lower().partition("+")[0]  # postgresql+asyncpg://
    if scheme not in SCHEMES:
        near = nearest(scheme, SCHEMES)
        known = [name for name in SCHEMES if name not in ("valkey", "mariadb", "postgres")]
        raise ValueError(f"backend key {key!r} has the scheme {scheme!r}: {f'did you mean {near}?' if near else 'use ' + ', '.join(known)}")
    protocol, port = SCHEMES[scheme]
    if scheme == "unix":
        return Place(protocol, unquote(parts.path), 0)
    if not parts.netloc and parts.path.strip("/") and protocol in ("postgresql", "mysql"):
        return Place(protocol, "localhost", port, unquote(parts.path.strip("/")))
    if not parts.hostname:
        raise ValueError(f"backend key {key!r} names no host: write '{scheme}://host'")
    return Place(protocol, parts.hostname.lower(), parts.port or port, unquote(parts.path.strip("/")), scheme in ("smtps", "rediss"))
