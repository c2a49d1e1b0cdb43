"""Ways around the replaced functions, through clients in C: a server of this machine hears nothing of any of them."""

from __future__ import annotations

import multiprocessing.pool
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import psycopg
import psycopg2
import pycurl
import pytest
from curl_cffi import Curl as CffiCurl
from curl_cffi import CurlOpt, requests
from psycopg2 import extensions
from psycopg2.extensions import connection as early_connection
from pycurl import Curl as EarlyCurl

from pytest_agentready.domain import Outcome
from pytest_agentready.world import Limits
from tests.examining import examine
from tests.world.entering import HTTP, SHOP, enter

PATIENCE = 1.0  # real seconds
SESSION: Any = requests.Session()
OLD_HANDLE, OLD_MULTI = pycurl.Curl(), pycurl.CurlMulti()
OLD_CFFI = CffiCurl()


class DerivedCurl(EarlyCurl):  # type: ignore[misc]
    pass


class DerivedConnection(early_connection):
    pass


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        yield listener


def prepared(curl: Any, url: str) -> Any:
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.TIMEOUT_MS, 300)
    curl.setopt(pycurl.WRITEFUNCTION, lambda data: None)
    return curl


def by_multi(multi: Any, curl: Any) -> None:
    multi.add_handle(curl)
    try:
        while multi.perform()[1]:
            multi.select(0.1)
    finally:
        multi.remove_handle(curl)


def by_cffi(url: str) -> None:
    OLD_CFFI.setopt(CurlOpt.URL, url.encode())
    OLD_CFFI.setopt(CurlOpt.TIMEOUT_MS, 300)
    OLD_CFFI.perform()


def reset_and_perform(url: str) -> None:
    OLD_HANDLE.reset()
    prepared(OLD_HANDLE, url).perform()


def database(port: int, more: str = "") -> str:
    return f"host=127.0.0.1 port={port} dbname=shop connect_timeout=2 {more}"


WAYS: dict[str, Callable[[str, int], object]] = {
    "an early Curl": lambda url, _: prepared(EarlyCurl(), url).perform(),
    "a class derived from Curl": lambda url, _: prepared(DerivedCurl(), url).perform(),
    "a copy of a handle": lambda url, _: prepared(pycurl.Curl(), url).duphandle().perform(),
    "an older handle": lambda url, _: prepared(OLD_HANDLE, url).perform(),
    "an older handle that is reset": lambda url, _: reset_and_perform(url),
    "an older handle in a new multi": lambda url, _: by_multi(pycurl.CurlMulti(), prepared(OLD_HANDLE, url)),
    "a new handle in an older multi": lambda url, _: by_multi(OLD_MULTI, prepared(pycurl.Curl(), url)),
    "an older session of curl_cffi": lambda url, _: SESSION.get(url, timeout=0.3),
    "an older handle of curl_cffi": lambda url, _: by_cffi(url),
    "psycopg2's type": lambda _, port: extensions.connection(database(port)),
    "psycopg2's type, early": lambda _, port: early_connection(database(port)),
    "psycopg2's type, by its address": lambda _, port: early_connection(database(port, "hostaddr=127.0.0.1")),
    "a class derived from psycopg2's type": lambda _, port: DerivedConnection(database(port)),
    "psycopg2's replication": lambda _, port: extensions.ReplicationConnection(database(port)),  # type: ignore[call-arg]
    "libpq by psycopg": lambda _, port: psycopg.pq.PGconn.connect(database(port).encode()),
    "libpq by psycopg, begun": lambda _, port: psycopg.pq.PGconn.connect_start(database(port).encode()),
    "libpq by psycopg, asked": lambda _, port: psycopg.pq.PGconn.ping(database(port).encode()),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_server_of_this_machine_hears_nothing(server: socket.socket, way: str) -> None:
    port = server.getsockname()[1]
    run = enter(lambda: WAYS[way](f"http://127.0.0.1:{port}/orders/7", port), limits=Limits(patience=PATIENCE))
    assert run.went_out or run.raised is not None, "it can neither be led into the world nor be let go on as if nothing were"
    with pytest.raises(TimeoutError):
        server.accept()


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("an older handle", "a connection of a client in C that was made before the run"),
        ("an older handle in a new multi", "a pycurl handle that was made before the run"),
        ("a class derived from Curl", "a transfer of DerivedCurl"),
        ("a class derived from psycopg2's type", "made from DerivedConnection (use psycopg2.connect(connection_factory=...))"),
        ("libpq by psycopg", "PGconn.connect (use psycopg.connect)"),
    ],
)
def test_what_cannot_be_led_in_is_refused_and_named(way: str, told: str) -> None:
    run = enter(lambda: WAYS[way](HTTP, 5432), limits=Limits(patience=PATIENCE))
    assert told in run.refused[0]


def test_names_that_were_bound_early_are_led_in() -> None:
    run = enter(lambda: WAYS["an early Curl"](HTTP, 0), limits=Limits(patience=PATIENCE))
    assert [request.url for request in run.requests] == [HTTP]
    run = enter(lambda: early_connection("host=db.internal dbname=shop").closed, backend={"postgresql://db.internal/shop": [{"id": 7}]})
    assert (run.value, run.peers) == (0, ("db.internal:5432",))
    assert EarlyCurl.__mro__[1] is object
    assert early_connection.__mro__[1] is object


def test_types_in_c_pass_for_what_stands_in_for_them() -> None:
    def tool() -> tuple[bool, ...]:
        made = psycopg2.connect("host=db.internal dbname=shop", connection_factory=DerivedConnection)
        kinds = isinstance(made, early_connection), type(made) is DerivedConnection, isinstance(OLD_HANDLE, EarlyCurl)
        made.close()
        return kinds

    assert enter(tool, backend={"postgresql://db.internal/shop": [{"id": 7}]}).value == (True, True, True)


def test_a_tool_that_hides_an_older_handle_is_unproven() -> None:
    """As in a library: nothing that the tool itself names leads to it, and it swallows whatever happens."""
    library = SimpleNamespace(get=prepared(OLD_HANDLE, HTTP).perform)

    def tool() -> dict[str, str]:
        try:
            library.get()
        except pycurl.error:
            return {"status": "unknown"}
        return {"status": "shipped"}

    verdict = examine(tool, {"backend": SHOP})["AR103"]
    assert verdict.outcome is Outcome.UNPROVEN
    assert "a connection of a client in C that was made before the run" in verdict.reason


def test_a_handle_that_was_made_in_a_run_is_the_users_own_afterwards(server: socket.socket) -> None:
    kept: list[Any] = []
    enter(lambda: kept.append(prepared(pycurl.Curl(), HTTP)) or kept[0].perform(), limits=Limits(patience=PATIENCE))
    prepared(kept[0], f"http://127.0.0.1:{server.getsockname()[1]}/")
    with pytest.raises(pycurl.error):
        kept[0].perform()
    server.accept()[0].close()


def test_an_older_channel_of_grpc_reaches_nobody(server: socket.socket) -> None:
    channel = grpc.insecure_channel(f"127.0.0.1:{server.getsockname()[1]}")
    call = channel.unary_unary("/shop.Pricing/GetPrice", lambda message: message, lambda message: message)
    run = enter(lambda: call(b"7", timeout=1), backend=SHOP)
    assert len(run.requests) == 1
    with pytest.raises(TimeoutError):
        server.accept()
    channel.close()


def test_the_environment_of_the_system_is_put_back(monkeypatch: pytest.MonkeyPatch, server: socket.socket) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:{1}".format(*server.getsockname()))
    enter(lambda: None)
    with pytest.raises(pycurl.error):
        prepared(pycurl.Curl(), "http://nobody.invalid/").perform()
    server.accept()[0].close()


# -- processes that are older than the run


def test_an_older_pool_of_processes_gets_no_work() -> None:
    with ProcessPoolExecutor(1) as executor:
        assert executor.submit(abs, -7).result(10) == 7
        run = enter(lambda: executor.submit(abs, -7).result(1))
        assert run.refused == ("work for a pool of processes that are older than the run",)
        assert executor.submit(abs, -7).result(10) == 7


def test_an_older_pool_of_multiprocessing_gets_no_work() -> None:
    with multiprocessing.pool.Pool(1) as pool:
        assert pool.apply(abs, (-7,)) == 7
        run = enter(lambda: pool.apply_async(abs, (-7,)).get(1))
        assert run.refused == ("work for a pool of processes that are older than the run",)


def test_a_pool_of_threads_is_none_of_processes() -> None:
    def tool() -> int:
        with multiprocessing.pool.ThreadPool(1) as pool:
            return int(pool.apply(abs, (-7,)))

    with multiprocessing.pool.ThreadPool(1) as pool:
        assert pool.apply(abs, (-7,)) == 7
    run = enter(tool)
    assert (run.value, run.refused) == (7, ())
