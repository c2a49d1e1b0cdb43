"""What a loop's breakers, limiters and caches of libraries hold is put back, whoever has written them; clients and pools are left alone."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import socket
import sqlite3
import ssl
import sys
import threading
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import purgatory
import pybreaker
import pytest
import requests

from pytest_agentready.experiments.memory import Memory

LIBRARY = """
import asyncio, threading
from collections import OrderedDict, deque

class Limiter:
    __slots__ = ("level", "lock", "last", "calls")

    def __init__(self):
        self.level, self.lock, self.calls = 0.0, asyncio.Lock(), deque(maxlen=3)

    def use(self):
        self.level, self.last = self.level + 1, object()
        self.calls.append("call")

class Link:
    def __init__(self, value, after):
        self.value, self.after = value, after

class Cache(dict):
    def __init__(self):
        self.newest, self.order = None, OrderedDict(a=1, b=2)

    def __setitem__(self, key, value):
        self.newest = Link(value, self.newest)
        self.order.move_to_end("a")
        super().__setitem__(key, value)

    def clear(self):
        raise RuntimeError("closed")

class Client:
    def __init__(self, held=None):
        self.held, self.sent, self.headers, self.lock = held, 0, {}, threading.RLock()
"""


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A package that nobody has heard of."""
    module = types.ModuleType("unheard_of")
    exec(LIBRARY, vars(module))
    monkeypatch.setitem(sys.modules, "unheard_of", module)
    return module


@contextlib.contextmanager
def restored(*held: Any) -> Iterator[None]:
    kept = list(held)

    def loop() -> Any:
        return kept

    with Memory([loop], keepers=True).restored():
        yield


def fail() -> None:
    raise OSError("the shop does not answer")


def test_the_breakers_of_libraries_are_closed_again() -> None:
    breaker, factory = pybreaker.CircuitBreaker(fail_max=1), purgatory.SyncCircuitBreakerFactory(default_threshold=1)
    with restored(breaker, factory):
        with pytest.raises(pybreaker.CircuitBreakerError):
            breaker.call(fail)
        with pytest.raises(OSError, match="the shop"), factory.get_breaker("shop"):
            fail()
        assert breaker.current_state == "open"
    assert (breaker.current_state, breaker.fail_counter) == ("closed", 0)
    assert factory.uow.contexts.breakers == {}


def test_so_is_a_limiter_that_keeps_its_numbers_in_slots(library: Any) -> None:
    limiter = library.Limiter()
    with restored(limiter):
        limiter.use()
    assert (limiter.level, limiter.calls, hasattr(limiter, "last")) == (0.0, deque(), False)


def test_so_is_a_cache_with_links_and_an_order_of_its_own(library: Any) -> None:
    cache = library.Cache()
    cache["a"] = 1
    first = cache.newest
    with restored({"cache": cache}):
        cache["b"] = 2
        cache.order["c"] = 3
        cache.hits = 1
    assert (dict(cache), cache.newest, cache.order) == ({"a": 1}, first, OrderedDict(b=2, a=1))
    assert not hasattr(cache, "hits")


TIES: dict[str, Callable[[Path], Any]] = {
    "a socket": lambda _: socket.socket(),
    "a file": lambda folder: (folder / "log").open("w"),
    "a compressed file": lambda folder: gzip.open(folder / "log.gz", "w"),
    "a stream": lambda _: io.BytesIO(),
    "a database": lambda _: sqlite3.connect(":memory:"),
    "a context of TLS": lambda _: ssl.create_default_context(),
    "a generator": lambda _: (number for number in range(3)),
}


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("is_late", [False, True], ids=["before", "meanwhile"])
def test_what_is_tied_to_the_outside_is_left_alone(library: Any, tmp_path: Path, tie: str, is_late: bool) -> None:
    made = TIES[tie](tmp_path)
    client = library.Client(None if is_late else [made])
    with restored(client):
        client.held, client.sent = [made], 1
        client.headers["cookie"] = "a"
    assert (client.held, client.sent, client.headers) == ([made], 1, {"cookie": "a"})
    getattr(made, "close", lambda: None)()


def test_a_session_without_a_connection_forgets_its_cookies() -> None:
    session = requests.Session()
    with restored(session):
        session.cookies.set("sid", "7")
    assert len(session.cookies) == 0


class Listener(pybreaker.CircuitBreakerListener):
    """The user's own."""

    def __init__(self) -> None:
        self.failures = 0
        self.client: Any = None

    def failure(self, cb: Any, exc: BaseException) -> None:
        self.failures += 1
        self.client = self.client or requests.Session()


def test_an_object_of_the_users_in_one_keeps_the_client_that_it_has_made() -> None:
    listener = Listener()
    breaker = pybreaker.CircuitBreaker(fail_max=3, listeners=[listener])
    with restored(breaker), pytest.raises(OSError, match="the shop"):
        breaker.call(fail)
    assert (breaker.fail_counter, listener.failures, type(listener.client)) == (0, 0, requests.Session)


@pytest.mark.parametrize("is_connected", [False, True])
def test_a_thread_counts_by_what_it_is_at_work_on(library: Any, is_connected: bool) -> None:
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        with socket.socket() if is_connected else contextlib.nullcontext() as connection:
            begun.set()
            over.wait(30)
            del connection

    client = library.Client(threading.Thread(target=work, daemon=True))
    client.held.start()
    assert begun.wait(30)
    with restored(client):
        client.sent = 1
    over.set()
    client.held.join()
    assert client.sent == (1 if is_connected else 0)


def test_a_loop_that_waits_is_no_tie(library: Any) -> None:
    begun, over = threading.Event(), threading.Event()

    async def work(client: Any) -> None:
        begun.set()
        while not over.is_set():
            await asyncio.sleep(0.01)

    client = library.Client()
    client.held = threading.Thread(target=lambda: asyncio.run(work(client)), daemon=True)
    client.held.start()
    assert begun.wait(30)
    with restored(client):
        client.sent = 1
    over.set()
    client.held.join()
    assert client.sent == 0


def test_a_tool_keeps_them_as_they_are(library: Any) -> None:
    limiter = library.Limiter()

    def tool() -> Any:
        return limiter

    with Memory([tool]).restored():
        limiter.use()
    assert limiter.level == 1.0
