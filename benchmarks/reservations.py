"""How many reservations a second the breaker of the patterns makes on a local redis-server, and how many round trips a call costs.

python benchmarks/reservations.py

Each way of calling is a way in which a service would: its workers are processes, with some threads or tasks in each that share one breaker.
Every reservation is of another session of one of 1,000 users, below all three limits. The server counts the commands.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import redis
import redis.asyncio

from pytest_agentready.patterns.breaker import AsyncCostBreaker, CostBreaker
from tests.real_redis import NOT_INSTALLED, program, started

ROUNDS = 5
EACH = 10_000  # reservations of one round
LIMITS = {"session": 0.50, "user_daily": 1_000.0, "global_hourly": 1_000_000.0}
TARGET = 5_000


@contextmanager
def server() -> Iterator[int]:
    """The port of a redis-server that keeps nothing."""
    found = program()
    if found is None:
        sys.exit(NOT_INSTALLED)
    with started(found) as port:
        yield port


def in_threads(port: int, threads: int, number: int, name: str) -> None:
    breaker = CostBreaker(redis.Redis(port=port), LIMITS)

    def one(thread: int) -> None:
        for turn in range(number // threads):
            breaker.reserve(f"user-{turn % 1_000}", f"{name}-{thread}-{turn}", 0.01)

    workers = [threading.Thread(target=one, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def in_tasks(port: int, tasks: int, number: int, name: str) -> None:
    async def all_of_them() -> None:
        async with redis.asyncio.Redis(port=port) as client:
            breaker = AsyncCostBreaker(client, LIMITS)

            async def one(task: int) -> None:
                for turn in range(number // tasks):
                    await breaker.reserve(f"user-{turn % 1_000}", f"{name}-{task}-{turn}", 0.01)

            await asyncio.gather(*(one(task) for task in range(tasks)))

    asyncio.run(all_of_them())


def worker(way: Callable[..., None], port: int, width: int, number: int, name: str, ready: Any) -> None:
    way(port, width, width, f"warm-{name}")
    ready.wait()
    way(port, width, number, name)


def rate(way: Callable[..., None], port: int, processes: int, width: int) -> float:
    """Reservations a second, from the moment at which all workers are ready to that at which the last one is done."""
    redis.Redis(port=port).flushall()
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    workers = [
        context.Process(target=worker, args=(way, port, width, EACH // processes, str(number), ready)) for number in range(processes)
    ]
    for each in workers:
        each.start()
    ready.wait()
    start = time.perf_counter()
    for each in workers:
        each.join()
    return EACH / (time.perf_counter() - start)


def round_trips(port: int) -> float:
    """Commands that the server carries out for one call of a model: reserve, and settle."""
    client = redis.Redis(port=port)
    breaker = CostBreaker(client, LIMITS)

    def calls() -> int:
        found: Any = client.info("commandstats")
        return sum(stats["calls"] for command, stats in found.items() if command in ("cmdstat_evalsha", "cmdstat_eval"))

    breaker.settle(breaker.reserve("ada", "warm", 0.01), 0.005)
    before = calls()
    for turn in range(100):
        breaker.settle(breaker.reserve("ada", f"chat-{turn}", 0.01), 0.005)
    return (calls() - before) / 100


def processor_time(port: int) -> tuple[float, float]:
    """Microseconds of a core for one reservation, of the client and of the server: they do not depend on what else the machine does."""
    client = redis.Redis(port=port)

    def server_seconds() -> float:
        found: Any = client.info("cpu")
        return float(found["used_cpu_user"] + found["used_cpu_sys"])

    in_threads(port, 1, 100, "warm")
    before, start = server_seconds(), time.process_time()
    in_threads(port, 1, EACH, "timed")
    return (time.process_time() - start) / EACH * 1e6, (server_seconds() - before) / EACH * 1e6


def main() -> None:
    ways: list[tuple[str, Callable[..., None], int, int]] = [
        ("1 process, 1 thread", in_threads, 1, 1),
        ("1 process, 8 threads", in_threads, 1, 8),
        ("2 processes, 4 threads each", in_threads, 2, 4),
        ("2 processes, 16 tasks each", in_tasks, 2, 16),
    ]
    best = 0.0
    with server() as port:
        print(f"Median of {ROUNDS} rounds of {EACH:,} reservations, server and workers on the same {os.cpu_count()} cores\n")
        print("| how | reservations a second | slowest, fastest | load average |\n|---|---|---|---|")
        for name, way, processes, width in ways:
            found = [rate(way, port, processes, width) for _ in range(ROUNDS)]
            best = max(best, statistics.median(found))
            spread = f"{min(found):,.0f}, {max(found):,.0f}"
            print(f"| {name} | {statistics.median(found):,.0f} | {spread} | {os.getloadavg()[0]:.1f} |", flush=True)
        print(f"\nthe best of them: {best:,.0f} a second (target: {TARGET:,})")
        client, store = processor_time(port)
        print(f"processor time of one: {client:.0f} us in the client, {store:.0f} us in the server")
        print(f"round trips for a call of the model: {round_trips(port):g} (target: 2)")


if __name__ == "__main__":
    main()
