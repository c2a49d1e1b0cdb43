"""Waits on one another that have no end, and ends of threads that nobody waits for."""

from __future__ import annotations

import asyncio
import gc
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests

from pytest_agentready.world import Limits
from tests.world.entering import HTTP, ORDER, enter, exception, line_of


def ending_of(call: Any, fault: str = "", limits: Limits | None = None) -> tuple[str, str]:
    ending = enter(call, fault, limits=limits).ending
    assert ending is not None
    return ending.kind, ending.where


# --- nobody will ever wake


def test_two_threads_that_wait_for_each_other_are_stuck() -> None:
    def tool() -> Any:
        mine: queue.Queue[Any] = queue.Queue()
        theirs: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=lambda: mine.put(theirs.get()), daemon=True).start()
        return mine.get()

    assert ending_of(tool)[0] == "stuck"


def test_two_coroutines_that_wait_for_each_other_are_stuck() -> None:
    async def tool() -> None:
        one, other = asyncio.Event(), asyncio.Event()

        async def first() -> None:
            await one.wait()
            other.set()

        async def second() -> None:
            await other.wait()
            one.set()

        await asyncio.gather(first(), second())

    assert ending_of(tool)[0] == "stuck"


def test_a_pool_whose_threads_wait_for_work_that_stands_behind_them_is_stuck() -> None:
    def tool() -> Any:
        pool = ThreadPoolExecutor(1)

        def outer() -> Any:
            return pool.submit(requests.get, HTTP).result()

        return pool.submit(outer).result()

    assert ending_of(tool) == ("stuck", line_of(tool, "return pool.submit(outer)"))


def test_a_pool_full_of_threads_that_wait_with_a_timeout_frees_itself() -> None:
    def tool() -> str:
        with ThreadPoolExecutor(1) as pool:
            return str(pool.submit(lambda: type(pool.submit(int).exception(timeout=4)).__name__).exception())

    run = enter(tool)
    assert run.ending is None
    assert run.virtual == pytest.approx(4, abs=0.1)


def test_a_condition_that_a_dead_thread_should_have_notified_is_waited_for_for_ever() -> None:
    def tool() -> Any:
        answer: Future[Any] = Future()

        def work() -> None:
            answer.set_result(requests.get(HTTP, timeout=3).json())  # under a fault it dies, and tells nobody

        threading.Thread(target=work, daemon=True).start()
        return answer.result()

    assert enter(tool).value == ORDER
    assert ending_of(tool, "refused") == ("stuck", line_of(tool, "return answer.result()"))


def test_a_lock_that_a_dead_thread_holds_is_a_wait_that_cannot_be_seen() -> None:
    def tool() -> None:
        held = threading.Lock()
        thread = threading.Thread(target=held.acquire)
        thread.start()
        thread.join()
        held.acquire(timeout=2)  # C lets nobody interrupt it

    assert ending_of(tool, limits=Limits(real=1))[0] == "blind"


def test_two_threads_that_hold_each_others_lock_are_a_wait_that_cannot_be_seen() -> None:
    def tool() -> None:
        one, other = threading.Lock(), threading.Lock()
        held = threading.Event()

        def work() -> None:
            with other:
                held.set()
                one.acquire(timeout=2)

        with one:
            threading.Thread(target=work, daemon=True).start()
            held.wait()
            other.acquire(timeout=2)

    assert ending_of(tool, limits=Limits(real=1))[0] == "blind"


def test_what_was_broken_out_of_is_no_context_of_later_exceptions() -> None:
    def tool() -> None:
        lock = threading.Lock()
        with threading.Lock():
            lock.acquire()
            lock.acquire(timeout=2)

    assert ending_of(tool, limits=Limits(real=1))[0] == "blind"
    with pytest.raises(KeyError) as raised:
        raise KeyError
    assert raised.value.__context__ is None
    try:
        raise ValueError("of the caller's")
    except ValueError:
        before = sys.exc_info()[1]
        kind, _ = ending_of(tool, limits=Limits(real=1))
        after = sys.exc_info()[1]
    assert (kind, after) == ("blind", before)


def test_a_daemon_thread_that_waits_for_ever_does_not_hold_the_tool() -> None:
    def tool() -> int:
        threading.Thread(target=queue.Queue().get, daemon=True).start()
        return 7

    assert (enter(tool).value, enter(tool).ending) == (7, None)


# --- ends, signals and collections


def test_a_thread_that_leaves_by_system_exit_ends_alone() -> None:
    def tool() -> int:
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()
        return 7

    run = enter(tool)
    assert (run.value, run.raised, run.ending) == (7, None, None)


def test_a_collection_of_garbage_in_the_middle_of_a_run_changes_nothing() -> None:
    def tool() -> Any:
        session = requests.Session()
        before = session.get(HTTP, timeout=5).json()
        del session
        gc.collect()
        return before, requests.get(HTTP, timeout=5).json()

    assert enter(tool).value == (ORDER, ORDER)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals of POSIX")
def test_a_handler_that_returns_does_not_end_the_wait() -> None:
    rang: list[float] = []

    def tool() -> Any:
        before = signal.signal(signal.SIGALRM, lambda *_: rang.append(time.monotonic()))
        signal.alarm(2)
        start = time.monotonic()
        try:
            return requests.get(HTTP, timeout=5)
        finally:
            rang[:] = [moment - start for moment in rang]
            signal.signal(signal.SIGALRM, before)

    run = enter(tool, "response-hang")
    assert exception(run) == "ReadTimeout"
    assert rang == [pytest.approx(2, abs=0.01)]
    assert run.virtual == pytest.approx(5, abs=0.1)


# --- processes: their time cannot be made virtual, and what they do cannot be seen


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_fork_is_refused_and_said() -> None:
    run = enter(os.fork)
    assert run.refused == ("a process (fork)",)
    assert run.ending is not None
    assert run.ending.kind == "blind"


@pytest.mark.parametrize("timeout", [None, 5])
def test_a_process_is_refused_and_said_with_a_timeout_too(timeout: float | None) -> None:
    run = enter(lambda: subprocess.run(["sleep", "60"], timeout=timeout))
    assert run.refused == ("a process (sleep)",)
    assert run.ending is not None
    assert run.ending.kind == "blind"


def test_a_process_of_a_loop_is_refused_and_said() -> None:
    async def tool() -> Any:
        process = await asyncio.create_subprocess_exec("sleep", "60")
        return await asyncio.wait_for(process.wait(), 5)

    assert enter(tool).refused == ("a process (sleep)",)
