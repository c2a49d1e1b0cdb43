"""Who stands in for a client: a tool whose requests are answered by a mock never turns to the world, and proves nothing.

responses, requests-mock, respx, pytest-httpx, aioresponses and their like put a function of their own in the place of a
client's. A wrapper that instruments a client keeps the name of the module that it wraps.
"""

from __future__ import annotations

import sys

# Where the mocks of each client stand: its module, class and method.
PLACES = (
    ("requests.adapters", "HTTPAdapter", "send"),
    *(("requests.sessions", "Session", method) for method in ("request", "send", "get_adapter")),
    ("urllib3.connectionpool", "HTTPConnectionPool", "urlopen"),
    ("httpx", "HTTPTransport", "handle_request"),
    ("httpx", "AsyncHTTPTransport", "handle_async_request"),
    ("httpx2", "HTTPTransport", "handle_request"),
    ("httpx2", "AsyncHTTPTransport", "handle_async_request"),
    *((client, cls, "_transport_for_url") for client in ("httpx", "httpx2") for cls in ("Client", "AsyncClient")),
    ("httpcore", "ConnectionPool", "handle_request"),
    ("httpcore", "AsyncConnectionPool", "handle_async_request"),
    ("aiohttp", "ClientSession", "_request"),
    ("http.client", "HTTPConnection", "request"),
)


def stand_ins() -> tuple[str, ...]:
    """Such as `requests (by responses)`, for each client that is replaced at the moment."""
    found: dict[str, None] = {}
    for module, cls, method in PLACES:
        client = module.partition(".")[0]
        owner = getattr(sys.modules.get(module), cls, None)
        standing = getattr(owner, method, None)
        if standing is None:
            continue
        home = getattr(standing, "__module__", None)
        if not isinstance(home, str) or home == "builtins":  # a Mock, or a function that one was made to look like
            home = "mock"
        if home.partition(".")[0] != client:
            found.setdefault(f"{client} (by {home.removeprefix('unittest.').partition('.')[0]})")
    return tuple(found)
