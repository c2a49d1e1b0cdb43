"""Threads that the first call starts and keeps: they serve every later run, and real time. Those that each call leaves behind end."""

from __future__ import annotations

import asyncio
import functools
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.world import residents
from tests.world.entering import HTTP, ORDER, enter, exception


class Worker:
    """A thread with a queue, as a library starts it at the first call."""

    def __init__(self) -> None:
        self.jobs: queue.Queue[Any] = queue.Queue()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while True:
            job, answers = self.jobs.get()
            try:
                answers.put(job())
            except Exception as error:
                answers.put(error)

    def ask(self, job: Callable[[], Any]) -> Any:
        answers: queue.Queue[Any] = queue.Queue()
        self.jobs.put((job, answers))
        found = answers.get()  # trusts that the worker lives
        if isinstance(found, Exception):
            raise found
        return found


class Loop:
    """A loop in a thread of its own, for synchronous callers of an async client."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def ask(self, job: Callable[[], Any]) -> Any:
        async def fetch() -> Any:
            async with httpx.AsyncClient(timeout=3) as session:
                return (await session.get(HTTP)).json()

        return asyncio.run_coroutine_threadsafe(fetch(), self.loop).result()


@pytest.fixture
def lazy(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return functools.lru_cache(maxsize=None)(request.param)


def fetch() -> Any:
    return requests.get(HTTP, timeout=3).json()


each = pytest.mark.parametrize("lazy", [Worker, Loop], indirect=True)


@each
def test_what_the_first_call_starts_serves_every_later_run(lazy: Callable[[], Any]) -> None:
    tool = lambda: lazy().ask(fetch)  # noqa: E731
    for _ in range(3):
        assert enter(tool).value == ORDER
        silent = enter(tool, "response-hang")
        assert (exception(silent), round(silent.virtual, 1)) == ("ReadTimeout", 3.0)
        assert exception(enter(tool, "refused")) in ("ConnectionError", "ConnectError")
    assert lazy().thread.is_alive()


@each
def test_what_the_first_call_starts_works_in_real_time_afterwards(lazy: Callable[[], Any], real_server: Any) -> None:
    enter(lambda: lazy().ask(fetch))
    start = time.monotonic()
    if isinstance(lazy(), Worker):
        assert lazy().ask(lambda: (time.sleep(0.05), requests.get(real_server.url, timeout=5).text)[1]) == "real"
    else:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), lazy().loop).result(timeout=5)
    assert 0.04 <= time.monotonic() - start < 5


@each
def test_what_every_call_starts_anew_is_ended_from_the_second_run_on(lazy: Callable[[], Any]) -> None:
    started: list[threading.Thread] = []

    def tool() -> Any:
        anew = lazy.__wrapped__()  # type: ignore[attr-defined]
        started.append(anew.thread)
        return anew.ask(fetch)

    for _ in range(4):
        assert enter(tool).value == ORDER
    for thread in started[1:]:
        thread.join(1)
    assert [thread.is_alive() for thread in started] == [True, False, False, False]


def test_a_thread_that_wakes_by_itself_is_ended_with_its_run() -> None:
    left: list[threading.Thread] = []

    def flush() -> None:
        while True:
            threading.Event().wait(30)  # between the runs it would send for real

    def tool() -> None:
        left.append(threading.Thread(target=flush, daemon=True))
        left[0].start()

    enter(tool)
    left[0].join(1)
    assert not left[0].is_alive()


def test_a_timer_of_a_kept_loop_is_as_far_off_as_it_was() -> None:
    kept: list[Loop] = []
    rang = threading.Event()

    def tool() -> Any:
        kept.append(Loop())
        kept[0].loop.call_soon_threadsafe(lambda: kept[0].loop.call_later(0.3, rang.set))
        return kept[0].ask(fetch)

    start = time.monotonic()
    assert enter(tool).value == ORDER
    assert rang.wait(5)
    assert time.monotonic() - start >= 0.25


def test_an_origin_goes_as_far_as_the_tool() -> None:
    def call() -> list[str]:
        return [code.co_name for code, _ in residents.origin(0)]

    assert enter(call).value == ["call"]
