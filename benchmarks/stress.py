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
from typing import Any

import httpx
import requests

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
