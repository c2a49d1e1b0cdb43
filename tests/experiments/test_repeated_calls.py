"""Repeated calls: under which circumstances, what is counted after each, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import RepeatedCalls
from pytest_agentready.experiments import cancelled_call, fault_matrix, normal_call, repeated_calls
from pytest_agentready.experiments.repeated_calls import MANY, TWO
from pytest_agentready.world import FAULTS, IncomingRequest, loops, real
from pytest_agentready.world.leftovers import collected
from pytest_agentready.world.run import interrupted
from tests.examining import as_tool
from tests.world.entering import line_of

URL = "http://shop.example.com/a"
BACKEND = {"GET http://shop.example.com/{page}": {"next": 1}}
SOME = tuple(fault for fault in FAULTS if fault.slug in ("response-hang", "reset-during-answer", "500", "404"))


def repeat(call: Any, backend: Any = BACKEND, faults: Any = SOME) -> RepeatedCalls:
    tool = as_tool(call, {"backend": backend})
    with collected(tool):
        normal = normal_call.run(tool)
        matrix = fault_matrix.run(tool, normal, faults)
        return repeated_calls.run(tool, normal, matrix, cancelled_call.run(tool, normal, matrix))


def leaks(found: RepeatedCalls) -> dict[str, tuple[str, ...]]:
    return {series.circumstance: series.leaking for series in found.series if series.leaking}


async def fetch() -> Any:  # which makes no difference between HTTP 404 and 500
    async with httpx.AsyncClient(timeout=4) as client:
        return (await client.get(URL)).raise_for_status().json()


def get() -> Any:
    response = requests.get(URL, timeout=4)
    response.raise_for_status()
    return response.json()


HEALTHY = "a normal call"
SILENT = "the peer reads the request and never answers"
CIRCUMSTANCES = [HEALTHY, "HTTP 500", "the connection is reset in the middle of the answer", SILENT]
CANCELLED = "the peer reads the request and never answers, and the call is cancelled"


@pytest.mark.parametrize(("call", "circumstances"), [(get, CIRCUMSTANCES), (fetch, [*CIRCUMSTANCES, CANCELLED])])
def test_a_tool_that_closes_everything_is_called_twice_in_each_circumstance(call: Any, circumstances: list[str]) -> None:
    found = repeat(call)
    assert [series.circumstance for series in found.series] == circumstances
    assert [len(series.left) for series in found.series] == [TWO] * len(circumstances)
    assert {held for series in found.series for left in series.left for held in left} == set()
    assert all(series.run.requests for series in found.series)
    assert found.gap == ""


kept: list[Any] = []


def release() -> None:
    while kept:
        with contextlib.suppress(Exception):  # a client may want to say goodbye to a peer that is gone
            getattr(kept.pop(), "close", int)()


def keeping_sessions() -> Any:
    kept.append(requests.Session())
    return kept[-1].get(URL, timeout=4).json()


def keeping_files() -> None:
    kept.append(open(__file__, encoding="utf-8"))


def keeping_threads() -> None:
    threading.Thread(target=lambda: [time.sleep(60) for _ in range(1000)], daemon=True).start()


def keeping_pools() -> None:
    kept.append(ThreadPoolExecutor(1))
    kept[-1].submit(int).result()


async def keeping_tasks() -> None:
    kept.append(asyncio.create_task(asyncio.Event().wait()))


async def keeping_generators() -> None:
    async def numbers() -> Any:
        yield 1
        yield 2

    kept.append(numbers())
    await kept[-1].__anext__()


@pytest.mark.parametrize(
    ("call", "kind", "what", "line"),
    [
        (keeping_sessions, "connection", "shop.example.com:80", ".get("),
        (keeping_files, "file", __file__, "open("),
        (keeping_threads, "thread", "<lambda>", "threading.Thread"),
        (keeping_pools, "thread", "ThreadPoolExecutor", "submit"),
        (keeping_tasks, "task", "Event.wait", ""),
        (keeping_generators, "generator", "keeping_generators.<locals>.numbers", "async def numbers"),
    ],
)
def test_what_each_call_leaves_is_counted_and_named(call: Any, kind: str, what: str, line: str) -> None:
    healthy = repeat(call).series[0]
    release()
    assert healthy.leaking == (kind,)
    assert healthy.counts(kind) == list(range(1, MANY + 1))  # type: ignore[arg-type]
    (held,) = set(healthy.left[-1])
    assert (held.what, held.where) == (what, line_of(call, line) if line else "")
    assert healthy.freed == frozenset()


def test_what_hangs_in_a_cycle_is_freed_by_the_collector_alone() -> None:
    def tied() -> Any:
        session = requests.Session()
        session.owner = session  # type: ignore[attr-defined]
        return session.get(URL, timeout=4).json()

    healthy = repeat(tied).series[0]
    assert (healthy.leaking, healthy.freed) == (("connection",), frozenset({"connection"}))


def test_a_leak_under_an_error_alone_is_told_from_one_in_good_health() -> None:
    def careless() -> Any:
        session = requests.Session()
        response = session.get(URL, timeout=4)
        if response.status_code == 500:
            kept.append(session)
        return response.json()

    assert leaks(repeat(careless)) == {"HTTP 500": ("connection",)}
    release()


def test_a_leak_of_a_cancelled_call_alone_is_told_from_one_in_good_health() -> None:
    async def careless() -> Any:
        heart = asyncio.ensure_future(asyncio.Event().wait())
        try:
            return await fetch()
        except Exception:  # CancelledError is none
            return {}
        finally:
            if sys.exc_info()[0] is None:
                heart.cancel()

    assert leaks(repeat(careless, faults=[fault for fault in SOME if fault.slug == "response-hang"])) == {CANCELLED: ("task",)}


@pytest.mark.parametrize(("status", "other"), [(404, 500), (500, 404)])
def test_two_statuses_of_which_a_tool_makes_a_difference_are_both_tried(status: int, other: int) -> None:
    def careless() -> Any:
        session = requests.Session()
        response = session.get(URL, timeout=4)
        if response.status_code == status:
            kept.append(session)
        return response.status_code

    assert leaks(repeat(careless)) == {f"HTTP {status}": ("connection",)}
    release()


def test_a_call_that_is_given_up_on_and_goes_on_for_ever_is_a_leak_under_a_silent_peer() -> None:
    async def impatient() -> Any:
        async with httpx.AsyncClient(timeout=None) as client:
            asking = asyncio.ensure_future(client.get(URL))
            await asyncio.wait({asking}, timeout=3)
            return asking.result().json() if asking.done() else "down"

    async def with_an_unbounded_client() -> Any:
        async def ask() -> Any:
            async with httpx.AsyncClient(timeout=None) as client:
                return await client.get(URL)

        asking = asyncio.ensure_future(ask())
        await asyncio.wait({asking}, timeout=3)
        return asking.result().json() if asking.done() else "down"

    assert SILENT not in leaks(repeat(impatient))  # the client's end is that of its connection
    assert leaks(repeat(with_an_unbounded_client))[SILENT] == ("connection", "task")


DATABASES = {
    "postgresql://db.example.com/shop": {"SELECT": [{"id": 1}]},
    "mysql://db.example.com/shop": {"SELECT": [{"id": 1}]},
    "redis://db.example.com:6379": {"stock": "3"},
}


def of_postgres() -> Any:
    import pg8000.dbapi

    connection = pg8000.dbapi.connect(user="shop", host="db.example.com", database="shop", timeout=3)
    try:
        connection.cursor().execute("SELECT id FROM stock")
        connection.close()
    except pg8000.dbapi.DatabaseError:
        kept.append(connection)


def of_mysql() -> Any:
    import pymysql

    connection = pymysql.connect(host="db.example.com", user="shop", database="shop", connect_timeout=3, read_timeout=3)
    try:
        connection.cursor().execute("SELECT id FROM stock")
        connection.close()
    except pymysql.MySQLError:
        kept.append(connection)


def of_redis() -> Any:
    import redis

    client = redis.Redis(host="db.example.com", socket_timeout=3)
    try:
        client.get("stock")
        client.close()
    except redis.ResponseError:
        kept.append(client)


@pytest.mark.parametrize("call", [of_postgres, of_mysql, of_redis])
def test_a_statement_that_fails_is_a_circumstance_of_its_own(call: Any) -> None:
    found = repeat(call, DATABASES, [])
    assert leaks(found) == {"the server answers with an error": ("connection",)}
    assert not any(
        request.committed for series in found.series[1:] for request in series.run.requests if request.method in ("SELECT", "GET")
    )
    release()


def test_a_server_that_has_no_word_for_an_error_is_not_tried() -> None:
    import pymysql

    def pinging() -> None:
        connection = pymysql.connect(host="db.example.com", user="shop", database="shop", connect_timeout=3, read_timeout=3)
        connection.ping(reconnect=False)
        connection.close()

    assert [series.circumstance for series in repeat(pinging, DATABASES, []).series] == [HEALTHY]


STREAM = {"GET ws://feed.example.com/prices": ["11.4", "11.5"]}


async def hears_one(close: bool) -> Any:
    import websockets

    feed = await websockets.connect("ws://feed.example.com/prices", open_timeout=3, close_timeout=1)
    price = await asyncio.wait_for(feed.recv(), 3)
    if close:
        await feed.close()
    return price


async def never_closed() -> Any:
    return await hears_one(close=False)


async def closed() -> Any:
    return await hears_one(close=True)


async def heard_to_its_end() -> Any:
    import websockets

    async with websockets.connect("ws://feed.example.com/prices", open_timeout=3, close_timeout=1) as feed:
        return [price async for price in feed]


@pytest.mark.parametrize(("call", "leaking"), [(never_closed, ("connection", "task")), (closed, ()), (heard_to_its_end, ())])
def test_a_server_that_would_take_its_leave_hides_no_client_that_is_left_open(call: Any, leaking: tuple[str, ...]) -> None:
    assert repeat(call, STREAM, []).series[0].leaking == leaking


def test_a_pool_that_is_being_filled_is_no_leak() -> None:
    pool: list[requests.Session] = []

    def pooled() -> Any:
        if len(pool) < 8:
            pool.append(requests.Session())
        return pool[-1].get(URL, timeout=4).json()

    found = repeat(pooled)
    assert leaks(found) == {}


def test_work_that_goes_on_after_a_call_and_ends_is_no_leak() -> None:
    async def with_an_afterthought() -> Any:
        asyncio.create_task(asyncio.sleep(60))  # noqa: RUF006
        return await fetch()

    found = repeat(with_an_afterthought)
    assert found.series[0].growing == ("task",)
    assert leaks(found) == {}


def test_what_each_call_but_the_first_leaves_is_found() -> None:
    calls: list[int] = []

    def keeping_later() -> None:
        calls.append(1)
        if len(calls) > 2:  # the normal call, and the first of the series
            kept.append(open(__file__, encoding="utf-8"))

    (found,) = repeat(keeping_later).series
    release()
    assert found.leaking == ("file",)
    assert found.counts("file") == list(range(MANY))


def test_a_backend_that_fails_in_a_repeated_call_is_a_gap() -> None:
    calls: list[int] = []

    def twice(request: IncomingRequest) -> Any:
        calls.append(1)
        if len(calls) > 2:
            raise LookupError("already sold")
        return {}

    assert "already sold" in repeat(get, {f"GET {URL}": twice}, []).gap


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("call", [fetch, keeping_tasks, keeping_sessions])
def test_the_process_is_as_it_was(call: Any, enabled: bool) -> None:
    repeat(get)
    before = set(threading.enumerate())
    (gc.enable if enabled else gc.disable)()
    try:
        repeat(call)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert asyncio.all_tasks(loops.loop()) == set()
    assert not loops.loop().is_running()
    assert {thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("agentready")} == set()
    release()


def test_the_collector_is_on_again_after_a_failure_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_calls, "_series", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        repeat(get)
    assert gc.isenabled()


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_the_users_interrupt_ends_the_session_at_once(is_async: bool, swallows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    last = 10**9

    def ask() -> Any:
        calls.append(1)
        try:
            if len(calls) == last:
                signal.raise_signal(signal.SIGINT)
            return get()
        except KeyboardInterrupt:
            if not swallows:
                raise
            return {}

    async def ask_async() -> Any:
        return ask()

    def begin(*observations: Any) -> Any:
        nonlocal last
        last = len(calls) + 2
        return run(*observations)

    run = repeated_calls.run
    monkeypatch.setattr(repeated_calls, "run", begin)
    with pytest.raises(KeyboardInterrupt):
        repeat(ask_async if is_async else ask)
    assert len(calls) == last


@pytest.mark.parametrize("in_a_runner", [False, True])  # which has a handler of its own, that raises nothing at first
def test_so_it_does_in_an_async_test_whose_runs_are_in_another_thread(in_a_runner: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    last = 10**9

    def ask() -> Any:
        calls.append(1)
        if len(calls) == last:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            while not interrupted():
                real.sleep(0.001)
        return get()

    def begin(*observations: Any) -> Any:
        nonlocal last
        last = len(calls) + 2
        return run(*observations)

    async def test() -> None:
        repeat(ask)

    run = repeated_calls.run
    monkeypatch.setattr(repeated_calls, "run", begin)
    with pytest.raises(KeyboardInterrupt):
        if in_a_runner:
            asyncio.run(test())
        else:
            loop = asyncio.new_event_loop()
            try:
                loop.run_until_complete(test())
            finally:
                loop.close()
    assert last <= len(calls) <= last + 1


def test_an_interrupt_that_the_tool_itself_raises_ends_nothing() -> None:
    def ask() -> Any:
        try:
            return get()
        except requests.RequestException:
            raise KeyboardInterrupt from None

    assert [len(series.left) for series in repeat(ask).series] == [TWO] * 4
