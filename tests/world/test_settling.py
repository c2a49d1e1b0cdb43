"""What a call hands to other threads, and does not wait for, happens in its world all the same: nothing of it is left for real life."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_agentready.domain import Run, effects_of
from pytest_agentready.world import Backend, observe
from pytest_agentready.world.installation import prepare

BACKEND = Backend.parse({"DELETE https://shop.example.com/orders/{id}": {"deleted": True}})
JOBS: queue.Queue[str] = queue.Queue()
TASKS: set[asyncio.Future[None]] = set()
POOL = concurrent.futures.ThreadPoolExecutor(2)


def delete(order_id: str) -> None:
    httpx.delete(f"https://shop.example.com/orders/{order_id}", timeout=5)


def work() -> None:
    while True:
        delete(JOBS.get())


threading.Thread(target=work, daemon=True).start()


def queued(order_id: str) -> None:
    JOBS.put(order_id)


def pooled(order_id: str) -> None:
    POOL.submit(delete, order_id)


def in_a_thread(order_id: str) -> None:
    threading.Thread(target=delete, args=(order_id,)).start()


def in_a_while(order_id: str) -> None:
    threading.Timer(3, delete, (order_id,)).start()


async def in_a_task(order_id: str) -> None:
    async def later() -> None:
        await asyncio.sleep(2)
        async with httpx.AsyncClient(timeout=5) as client:
            await client.delete(f"https://shop.example.com/orders/{order_id}")

    TASKS.add(asyncio.ensure_future(later()))


def called(tool: Callable[[str], Any]) -> Run:
    prepare(tool)
    return observe(tool, {"order_id": "7"}, backend=BACKEND)


@pytest.mark.parametrize("tool", [queued, pooled, in_a_thread, in_a_while, in_a_task])
def test_what_is_handed_over_is_carried_out_in_the_same_world(tool: Callable[[str], Any]) -> None:
    for _ in range(2):
        run = called(tool)
        assert [effect.story for effect in effects_of(run)] == ["DELETE https://shop.example.com/orders/7"]
        assert run.virtual < 1  # the call itself did not wait for it
        assert run.finished


def test_a_file_that_a_pool_writes_later_is_written_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path.parent)
    name = f"{tmp_path.name}-later.txt"

    def write() -> None:
        time.sleep(2)
        Path(name).write_text("done")

    def later(order_id: str) -> None:
        POOL.submit(write)

    run = called(later)
    assert [(effect.kind, effect.verb) for effect in effects_of(run)] == [("file", "create")]
    assert not Path(name).exists()


def test_work_that_goes_on_without_end_is_left_behind_and_no_ending_of_the_call() -> None:
    def heartbeat() -> None:
        while True:
            time.sleep(0.01)

    def begin(order_id: str) -> None:
        threading.Thread(target=heartbeat, daemon=True).start()

    assert called(begin).ending is None
