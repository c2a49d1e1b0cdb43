"""Threads, executors and loops: younger and older than the run, in its time while it lasts, and in real time after it."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import Run
from pytest_agentready.world import crowd
from pytest_agentready.world.crowd import Crowd
from tests.world import clients
from tests.world.entering import HTTP, enter, exception, verdicts


def fetch() -> Any:
    return requests.get(HTTP, timeout=3).json()


async def fetch_async() -> Any:
    async with httpx.AsyncClient(timeout=3) as session:
        return (await session.get(HTTP)).json()


def gave_up_after(run: Run, seconds: float) -> None:
    assert exception(run) in ("ReadTimeout", "ConnectTimeout")
    assert run.virtual == pytest.approx(seconds, abs=0.1)


# --- what the tool starts


def test_a_thread_that_the_tool_leaves_behind_is_ended() -> None:
    left: list[threading.Thread] = []

    def tool() -> None:
        left.append(threading.Thread(target=lambda: requests.get(HTTP), daemon=True))
        left[0].start()
        time.sleep(1)

    enter(tool, "response-hang")
    left[0].join(1)
    assert not left[0].is_alive()


def test_a_thread_that_is_left_behind_at_work_is_ended_without_a_word() -> None:
    left: list[threading.Thread] = []

    def busy() -> None:
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            sum(range(1000))
        requests.get(HTTP)

    def tool() -> None:
        left.append(threading.Thread(target=busy, daemon=True))
        left[0].start()

    enter(tool, "response-hang")
    left[0].join(1)
    assert not left[0].is_alive()


def test_a_thread_that_the_tool_leaves_behind_in_a_pause_is_ended() -> None:
    left: list[threading.Thread] = []

    def forever() -> None:
        while True:
            time.sleep(1)

    def tool() -> None:
        left.append(threading.Thread(target=forever, daemon=True))
        left[0].start()

    enter(tool)
    left[0].join(1)
    assert not left[0].is_alive()


def test_an_exception_in_a_thread_of_the_tool_is_not_reported_to_the_user() -> None:
    def tool() -> None:
        thread = threading.Thread(target=fetch)
        thread.start()
        thread.join()

    assert enter(tool, "refused").returned


def test_threads_of_one_run_wait_side_by_side() -> None:
    def tool() -> list[str]:
        with ThreadPoolExecutor(8) as pool:
            return [type(future.exception()).__name__ for future in as_completed([pool.submit(fetch) for _ in range(8)])]

    run = enter(tool, "response-hang")
    assert run.value == ["ReadTimeout"] * 8
    assert run.virtual == pytest.approx(3, abs=0.1)


def test_work_that_stands_in_line_waits_for_its_turn() -> None:
    def tool() -> list[str]:
        with ThreadPoolExecutor(1) as pool:
            return [type(future.exception()).__name__ for future in [pool.submit(fetch) for _ in range(3)]]

    run = enter(tool, "response-hang")
    assert run.value == ["ReadTimeout"] * 3
    assert run.virtual == pytest.approx(9, abs=0.1)


def test_a_loop_in_an_executor_of_a_loop_has_the_same_time() -> None:
    async def tool() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(fetch_async()))

    gave_up_after(enter(tool, "response-hang"), 3)


def test_an_event_between_threads_is_waited_for_in_virtual_time() -> None:
    def tool() -> bool:
        done = threading.Event()
        threading.Thread(target=lambda: (time.sleep(20), done.set()), daemon=True).start()
        return done.wait(timeout=30)

    run = enter(tool)
    assert run.value is True
    assert run.virtual == pytest.approx(20, abs=0.1)


def test_real_work_in_a_thread_takes_no_virtual_time() -> None:
    def work() -> int:
        end = time.thread_time() + 0.3
        while time.thread_time() < end:
            sum(range(1000))
        return 7

    def tool() -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result(timeout=5)

    run = enter(tool)
    assert run.value == 7
    assert run.virtual < 0.1


# --- the same every time


@pytest.mark.filterwarnings("ignore:The executor did not finishing joining:RuntimeWarning")  # asyncio.run after its 300 s
@pytest.mark.parametrize("fault", ["", "response-hang", "connect-hang"])
@pytest.mark.parametrize(
    "call",
    [
        clients.thread_and_queue,
        clients.future_of_a_pool_that_is_left_alone,
        clients.future_of_a_pool_that_is_waited_for,
        clients.future_of_a_call_that_gives_up_itself,
        clients.wait_for_around_a_thread,
        clients.wait_for_around_a_thread_that_gives_up_itself,
        clients.thread_in_a_loop_of_its_own,
    ],
    ids=lambda call: call.__name__,
)
def test_a_call_in_a_thread_is_the_same_every_time(call: Callable[..., Any], fault: str) -> None:
    assert len(verdicts(call, fault)) == 1


def test_what_a_thread_held_that_was_left_behind_is_collected_with_its_run() -> None:
    gc.collect()
    for _ in range(5):
        enter(clients.wait_for_around_a_thread, "connect-hang")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def test_a_member_that_ends_while_it_is_looked_at_was_running(monkeypatch: pytest.MonkeyPatch) -> None:
    members = {1, 2}
    blocked: Any = {1: SimpleNamespace(cut=False, deadline=5.0, ready=lambda: False)}
    watched = Crowd(members, blocked, lambda: 0.0)

    def look(ident: int) -> tuple[bool, int]:
        watched.forget(ident)  # looking lets go of the interpreter: the thread does its last step, and is gone
        return True, 0

    monkeypatch.setattr(crowd, "_state", look)
    assert watched.anyone_running(1)
    assert not watched.anyone_running(1)
