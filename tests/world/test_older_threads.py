"""Pools, workers and loops that are older than the run: in its time while it lasts, and in real time before and after."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import Run
from tests.world.entering import HTTP, ORDER, enter, exception, verdicts


def fetch() -> Any:
    return requests.get(HTTP, timeout=3).json()


async def fetch_async() -> Any:
    async with httpx.AsyncClient(timeout=3) as session:
        return (await session.get(HTTP)).json()


def gave_up_after(run: Run, seconds: float) -> None:
    assert exception(run) in ("ReadTimeout", "ConnectTimeout")
    assert run.virtual == pytest.approx(seconds, abs=0.1)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as found:
        found.submit(int).result()
        yield found


@pytest.fixture
def worker() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Hands a job to a thread with a queue, and waits for what comes back."""
    jobs: queue.Queue[Any] = queue.Queue()
    results: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        while job := jobs.get():
            try:
                results.put(job())
            except Exception as error:
                results.put(error)

    def ask(job: Callable[[], Any]) -> Any:
        jobs.put(job)
        found = results.get(timeout=10)
        if isinstance(found, Exception):
            raise found
        return found

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield ask
    jobs.put(None)
    thread.join()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    found = asyncio.new_event_loop()
    thread = threading.Thread(target=found.run_forever, daemon=True)
    thread.start()
    yield found
    found.call_soon_threadsafe(found.stop)
    thread.join()
    found.close()


Ask = Callable[[Callable[[], Any]], Any]
OLDER = ["pool", "worker", "loop"]


@pytest.fixture
def older(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """The same call, made by something that was there before the run."""
    found = request.getfixturevalue(request.param)
    match request.param:
        case "pool":
            return lambda: found.submit(fetch).result(timeout=10)
        case "worker":
            return lambda: found(fetch)
        case _:
            return lambda: asyncio.run_coroutine_threadsafe(fetch_async(), found).result(timeout=10)


each_older = pytest.mark.parametrize("older", OLDER, indirect=True)


@each_older
def test_what_is_older_than_the_run_works_in_its_time(older: Callable[[], Any]) -> None:
    for _ in range(2):
        assert enter(older).value == ORDER
        gave_up_after(enter(older, "response-hang"), 3)
        gave_up_after(enter(older, "connect-hang"), 3)


def test_a_thread_that_is_no_member_reads_the_real_clock() -> None:
    found: list[Any] = []
    go = threading.Lock()  # its waits and wakings cannot be seen, as those of an Event can
    go.acquire()

    def bystander() -> None:
        go.acquire()
        try:
            found.append(time.monotonic())
        except RecursionError as error:
            found.append(error)

    def tool() -> None:
        time.sleep(1_000)
        go.release()
        while not found:
            sum(range(100))

    thread = threading.Thread(target=bystander)
    thread.start()
    enter(tool)
    thread.join()
    assert found == [pytest.approx(time.monotonic(), abs=60)]


def test_a_pool_that_is_older_works_in_real_time_afterwards(pool: ThreadPoolExecutor) -> None:
    enter(lambda: pool.submit(fetch).result(timeout=10), "response-hang")
    start = time.monotonic()
    pool.submit(time.sleep, 0.05).result(timeout=5)
    assert 0.05 <= time.monotonic() - start < 5


def test_a_worker_that_is_older_works_in_real_time_afterwards(worker: Ask) -> None:
    enter(lambda: worker(fetch), "response-hang")
    start = time.monotonic()
    worker(lambda: time.sleep(0.05))
    assert 0.05 <= time.monotonic() - start < 5


def test_a_loop_that_is_older_works_in_real_time_afterwards(loop: asyncio.AbstractEventLoop) -> None:
    enter(lambda: asyncio.run_coroutine_threadsafe(fetch_async(), loop).result(timeout=10), "response-hang")
    start = time.monotonic()
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result(timeout=5)
    assert 0.04 <= time.monotonic() - start < 5


def test_a_timer_of_an_older_loop_rings_after_the_run(loop: asyncio.AbstractEventLoop) -> None:
    armed, rang = threading.Event(), threading.Event()
    loop.call_soon_threadsafe(lambda: (loop.call_later(0.2, rang.set), armed.set()))
    armed.wait()
    time.sleep(0.05)  # until the loop waits
    enter(lambda: asyncio.run_coroutine_threadsafe(fetch_async(), loop).result(timeout=10), "response-hang")
    assert rang.wait(5)


@pytest.mark.parametrize("fault", ["", "response-hang"])
@each_older
def test_what_is_older_than_the_run_is_the_same_every_time(older: Callable[[], Any], fault: str) -> None:
    assert verdicts(older, fault) == ({("ReadTimeout", "", 3.0)} if fault else {("", "", 0.0)})
