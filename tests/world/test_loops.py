"""Loops in loops, loops of other makers, and loops beside the run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import redis.asyncio

from pytest_agentready.domain import Run
from pytest_agentready.world import loops, stay
from tests.world.entering import HTTP, ORDER, enter, exception

STORE = redis.asyncio.Redis(host="redis.internal")


async def fetch(seconds: float | None = 3) -> Any:
    async with httpx.AsyncClient(timeout=seconds) as session:
        return (await session.get(HTTP)).json()


def gave_up_after(run: Run, seconds: float) -> None:
    assert exception(run) in ("ReadTimeout", "TimeoutError")
    assert run.virtual == pytest.approx(seconds, abs=0.1)


async def in_a_thread_of_a_coroutine() -> Any:
    return await asyncio.to_thread(asyncio.run, fetch())


async def in_a_pool_that_blocks_the_loop() -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, fetch()).result()


def three_deep() -> Any:
    return asyncio.run(in_a_thread_of_a_coroutine())


def in_a_new_loop_by_hand() -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(fetch())
    finally:
        loop.close()


def nested_by_nest_asyncio() -> Any:
    import nest_asyncio

    async def outer() -> Any:
        return asyncio.get_running_loop().run_until_complete(fetch())

    loop = asyncio.new_event_loop()
    nest_asyncio.apply(loop)
    try:
        return loop.run_until_complete(outer())
    finally:
        loop.close()


@pytest.mark.parametrize(
    "tool",
    [in_a_thread_of_a_coroutine, in_a_pool_that_blocks_the_loop, three_deep, in_a_new_loop_by_hand],
    ids=lambda tool: tool.__name__,
)
def test_a_loop_in_a_loop_lives_in_the_same_time(tool: Callable[[], Any]) -> None:
    assert enter(tool).value == ORDER
    gave_up_after(enter(tool, "response-hang"), 3)


# --- uvloop, whose sockets and clock are libuv's

uvloop = pytest.importorskip("uvloop")


@pytest.mark.parametrize("run", [lambda main: uvloop.run(main), lambda main: uvloop.new_event_loop().run_until_complete(main)])
def test_a_uvloop_of_the_run_is_a_loop_that_can_be_seen(run: Callable[[Any], Any]) -> None:
    assert enter(lambda: run(fetch())).value == ORDER
    gave_up_after(enter(lambda: run(fetch()), "response-hang"), 3)
    gave_up_after(enter(lambda: run(asyncio.wait_for(fetch(None), 4)), "connect-hang"), 4)


def test_a_uvloop_that_is_older_than_the_run_is_refused_and_said() -> None:
    older = uvloop.new_event_loop()
    try:
        run = enter(lambda: older.run_until_complete(fetch()))
    finally:
        older.close()
    assert run.ending is not None
    assert run.ending.kind == "blind"
    assert len(run.refused) == 1
    assert run.refused[0].startswith("a connection of a uvloop event loop that is older than the run")


def test_a_uvloop_in_a_thread_that_is_older_than_the_run_is_refused_and_said() -> None:
    older = uvloop.new_event_loop()
    thread = threading.Thread(target=older.run_forever, daemon=True)
    thread.start()
    coroutine = fetch()
    try:
        run = enter(lambda: asyncio.run_coroutine_threadsafe(coroutine, older).result(timeout=20))
    finally:
        coroutine.close()
        older.call_soon_threadsafe(older.stop)
        thread.join()
        older.close()
    assert run.value is None
    assert run.refused[0].startswith("work for a uvloop event loop that is older than the run")


def test_a_connection_that_a_pool_has_kept_from_an_earlier_world_is_made_anew() -> None:
    async def ask() -> int:
        return int(await STORE.incrby("a", 1))

    for _ in range(3):
        assert stay(lambda world: world.call(ask, {}).value) == 1
        loops.loop().run_until_complete(asyncio.sleep(0.01))  # it hears that its connection is lost
