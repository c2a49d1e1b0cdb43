"""Thread-heavy tools under busy processors, many times over: every repetition has to give the same record.

    python benchmarks/stress.py [repetitions] [hogs]     100 and 4 unless told

A clock that jumps while a thread is still about to act would show here first: as a timeout that never was.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from typing import Any

import httpx
import requests
import trio

from pytest_agentready.world import FAULTS, Backend, observe

URL = "http://api.example.com/orders/7"
BACKEND = Backend.parse({f"GET {URL}": {"state": "shipped"}})
FAULT = {fault.slug: fault for fault in FAULTS}


def in_a_pool() -> Any:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [future.result(timeout=8) for future in [pool.submit(_get, 3) for _ in range(4)]]


def in_an_impatient_pool() -> Any:
    pool = concurrent.futures.ThreadPoolExecutor(1)
    try:
        return pool.submit(_get, None).result(timeout=4)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def in_a_thread_with_a_queue() -> Any:
    answers: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=lambda: answers.put(_get(3)), daemon=True).start()
    return answers.get(timeout=5)


def in_a_joined_thread() -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(_get(3)))
    thread.start()
    thread.join()
    return found


def in_a_loop_of_its_own() -> Any:
    async def main() -> Any:
        async with httpx.AsyncClient(timeout=None) as client:
            return (await asyncio.wait_for(client.get(URL), 4)).json()

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(main())))
    thread.start()
    thread.join()
    return found


async def off_the_loop() -> Any:
    return await asyncio.wait_for(asyncio.to_thread(_get, 4), 5)


async def fanned_out() -> Any:
    async with httpx.AsyncClient(timeout=3) as client:
        return [type(found).__name__ for found in await asyncio.gather(*(client.get(URL) for _ in range(10)), return_exceptions=True)]


def after_some_computing() -> Any:
    def compute_and_get() -> Any:
        end = time.process_time() + 0.02
        while time.process_time() < end:
            sum(range(1000))
        return _get(3)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(compute_and_get).result(timeout=5)


def in_an_older_pool() -> Any:
    futures = [OLDER_POOL.submit(_get, 3) for _ in range(3)]
    return [future.result(timeout=8) for future in concurrent.futures.as_completed(futures, timeout=20)]


def in_an_older_worker() -> Any:
    answers: queue.Queue[Any] = queue.Queue()
    JOBS.put(answers)
    found = answers.get(timeout=10)
    if isinstance(found, Exception):
        raise found
    return found


def in_an_older_loop() -> Any:
    return asyncio.run_coroutine_threadsafe(_get_async(3), OLDER_LOOP).result(timeout=10)


def with_an_event_and_a_barrier() -> Any:
    together, done = threading.Barrier(4), threading.Event()
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(_get(3))
        except requests.RequestException as error:
            found.append(type(error).__name__)
        together.wait(timeout=10)
        done.set()

    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    together.wait(timeout=5)
    return sorted(map(str, found)), done.wait(timeout=5)


def producer_and_consumers() -> Any:
    jobs: queue.Queue[Any] = queue.Queue()
    found: queue.Queue[str] = queue.Queue()

    def consume() -> None:
        while (pause := jobs.get()) is not None:
            time.sleep(pause)
            try:
                found.put(str(_get(3)))
            except requests.RequestException as error:
                found.put(type(error).__name__)

    threads = [threading.Thread(target=consume, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for pause in (0.1, 0.2, 0.3, 0.1, 0.2, 0.3, None, None, None):
        jobs.put(pause)
    for thread in threads:
        thread.join(timeout=30)
    return sorted(found.queue)


def in_a_thread_pool_of_multiprocessing() -> Any:
    with ThreadPool(2) as pool:
        return pool.map_async(_get, [3, 3]).get(timeout=10)


def in_threads_of_trio() -> Any:
    async def main() -> Any:
        with trio.fail_after(5):
            return await trio.to_thread.run_sync(_get, 3)

    return trio.run(main)


async def gathered_threads() -> Any:
    return await asyncio.gather(*(asyncio.to_thread(_get, 3) for _ in range(4)))


async def _get_async(timeout: float | None) -> Any:
    async with httpx.AsyncClient(timeout=timeout) as client:
        return (await client.get(URL)).json()


def _serve() -> None:
    while True:
        answers = JOBS.get()
        try:
            answers.put(_get(3))
        except Exception as error:
            answers.put(error)


OLDER_POOL = concurrent.futures.ThreadPoolExecutor(2)
JOBS: queue.Queue[Any] = queue.Queue()
OLDER_LOOP = asyncio.new_event_loop()
for serve in (_serve, OLDER_LOOP.run_forever):
    threading.Thread(target=serve, daemon=True).start()


def _get(timeout: float | None) -> Any:
    return requests.get(URL, timeout=timeout).json()


TOOLS: tuple[Callable[[], Any], ...] = (
    in_a_pool,
    in_an_impatient_pool,
    in_a_thread_with_a_queue,
    in_a_joined_thread,
    in_a_loop_of_its_own,
    off_the_loop,
    fanned_out,
    after_some_computing,
    in_an_older_pool,
    in_an_older_worker,
    in_an_older_loop,
    with_an_event_and_a_barrier,
    producer_and_consumers,
    in_a_thread_pool_of_multiprocessing,
    in_threads_of_trio,
    gathered_threads,
)


def outcome(tool: Callable[[], Any], fault: str | None) -> str:
    run = observe(tool, {}, backend=BACKEND, fault=FAULT[fault] if fault else None)
    end = run.raised.kind if run.raised else repr(run.value)[:40]
    return f"{end}, {run.ending.kind if run.ending else 'ended'}, {run.virtual:.1f} s"


def hog() -> None:
    while True:
        sum(range(10_000))


def main(arguments: list[str]) -> int:
    repetitions = int(arguments[0]) if arguments else 100
    processes = [
        multiprocessing.get_context("spawn").Process(target=hog, daemon=True) for _ in range(int(arguments[1]) if arguments[1:] else 4)
    ]
    for tool in TOOLS:
        outcome(tool, None)  # imports
    for process in processes:
        process.start()
    odd = runs = 0
    start = time.perf_counter()
    try:
        for tool in TOOLS:
            for fault in (None, "response-hang", "refused"):
                found = Counter(outcome(tool, fault) for _ in range(repetitions))
                usual, often = found.most_common(1)[0]
                runs += repetitions
                odd += repetitions - often
                print(
                    f"{tool.__name__:26} {fault or 'healthy':14} {usual}{'' if len(found) == 1 else f'   ODD: {dict(found)}'}", flush=True
                )
    finally:
        for process in processes:
            process.terminate()
    print(f"{runs} runs, {odd} odd, {time.perf_counter() - start:.0f} s, {len(processes)} hogs")
    return odd > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
