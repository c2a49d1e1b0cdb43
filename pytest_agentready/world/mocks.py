"""Who stands in for a client: a tool whose requests are answered by a mock never turns to the world, and proves nothing.

responses, requests-mock, respx, pytest-httpx, aioresponses and their like put a function of their own in the place of a
client's. A wrapper that instruments a client keeps the name of the module that it wraps.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from pytest_agentready.world.patching import Patch, Patches

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
    return tuple(dict.fromkeys(name for name, _, _ in _standing()))


@contextlib.contextmanager
def noted() -> Iterator[dict[str, None]]:
    """Those that are turned to while the context is open: that one stands there says nothing of a tool that asks nobody."""
    asked: dict[str, None] = {}
    with Patches(Patch(owner, method, _noting(vars(owner)[method], name, asked)) for name, owner, method in _standing()).in_place():
        yield asked


def _noting(standing: Any, name: str, asked: dict[str, None]) -> Callable[..., Any]:
    def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked.setdefault(name)
        bound = standing.__get__(self, type(self)) if hasattr(standing, "__get__") else standing  # a Mock is not bound to the object
        return bound(*args, **kwargs)

    return ask


def _standing() -> Iterator[tuple[str, type, str]]:
    """The stand-in, the class in which it stands, and the method that it is."""
    for module, cls, method in PLACES:
        client = module.partition(".")[0]
        owner = getattr(sys.modules.get(module), cls, None)
        standing = getattr(owner, method, None)
        if standing is None or not isinstance(owner, type) or method not in vars(owner):
            continue
        home = getattr(standing, "__module__", None)
        if not isinstance(home, str) or home == "builtins":  # a Mock, or a function that one was made to look like
            home = "mock"
        if home.partition(".")[0] != client:
            yield f"{client} (by {home.removeprefix('unittest.').partition('.')[0]})", owner, method


def is_mock(value: object) -> bool:
    """Is it an object of unittest.mock, or a function that one was made to look like?"""
    return _mock_of(value) is not None


def calls_of(value: object) -> int:
    """How often a mock was called, or something of it."""
    return len(getattr(_mock_of(value), "mock_calls", ()))


def _mock_of(value: object) -> object:
    base: Any = getattr(sys.modules.get("unittest.mock"), "NonCallableMock", ())
    if issubclass(type(value), base):
        return value
    behind = vars(value).get("mock") if isinstance(value, FunctionType) else None
    return behind if issubclass(type(behind), base) else None
