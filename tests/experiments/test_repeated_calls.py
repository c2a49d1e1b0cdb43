"""Repeated calls: under which circumstances, what is counted after each, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import gc
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
from pytest_agentready.world import FAULTS, IncomingRequest, loops
from pytest_agentready.world.leftovers import collected
from tests.examining import as_tool
from tests.world.entering import line_of

URL = "http://shop.example.com/a"
BACKEND = {"GET http://shop.example.com/{page}": {"next": 1}}
SOME = tuple(fault for fault in FAULTS if fault.slug in ("response-hang", "reset-during-answer", "500"))


def repeat(call: Any, backend: Any = BACKEND, faults: Any = SOME) -> RepeatedCalls:
    tool = as_tool(call, {"backend": backend})
    with collected(tool):
        normal = normal_call.run(tool)
        matrix = fault_matrix.run(tool, normal, faults)
        return repeated_calls.run(tool, normal, matrix, cancelled_call.run(tool, normal, matrix))


def leaks(found: RepeatedCalls) -> dict[str, tuple[str, ...]]:
    return {series.circumstance: series.leaking for series in found.series if series.leaking}


async def fetch() -> Any:
    async with httpx.AsyncClient(timeout=4) as client:
        return (await client.get(URL)).raise_for_status().json()


def get() -> Any:
    response = requests.get(URL, timeout=4)
    response.raise_for_status()
    return response.json()


HEALTHY = "a normal call"
CIRCUMSTANCES = [HEALTHY, "HTTP 500", "the connection is reset in the middle of the answer"]
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
        (keeping_threads, "thread", "Thread (<lambda>)", "threading.Thread"),
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
        result = await fetch()
        heart.cancel()
        return result

    assert leaks(repeat(careless, faults=[fault for fault in SOME if fault.slug == "response-hang"])) == {CANCELLED: ("task",)}


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
