"""Waits during which the tools' event loop stands still, told from the loop's own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import Run
from pytest_agentready.world.run import awaited
from tests.world.entering import HTTP, HTTPS, enter


def blocks(run: Run) -> set[str]:
    return {wait.primitive for wait in run.waits if wait.in_loop}


async def get_in_loop(url: str) -> Any:
    return requests.get(url, timeout=5).json()


async def sleep() -> None:
    time.sleep(0.3)


async def result() -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 0.3).result()


async def join() -> None:
    thread = threading.Thread(target=time.sleep, args=(0.3,))
    thread.start()
    thread.join()


async def from_queue() -> None:
    answers: queue.Queue[int] = queue.Queue()
    threading.Timer(0.3, lambda: answers.put(1)).start()
    answers.get()


async def in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(time.sleep, 0.3)
    await asyncio.sleep(1)


@pytest.mark.parametrize(
    ("call", "expected"), [(sleep, "sleep"), (result, "wait"), (join, "join"), (from_queue, "wait"), (in_a_callback, "sleep")]
)
def test_a_wait_for_a_thread_or_the_clock_holds_the_loop(call: Callable[..., Any], expected: str) -> None:
    run = enter(call)
    assert run.raised is None
    (longest,) = (wait for wait in run.waits if wait.in_loop and wait.seconds)
    assert (longest.primitive, longest.seconds) == (expected, pytest.approx(0.3, abs=0.01))


@pytest.mark.parametrize(("url", "primitives"), [(HTTP, {"look-up", "recv"}), (HTTPS, {"look-up", "TLS read"})])
def test_a_sync_client_holds_the_loop(url: str, primitives: set[str]) -> None:
    run = enter(get_in_loop, arguments={"url": url})
    assert run.raised is None
    assert blocks(run) == primitives


def test_a_poll_of_a_clients_own_holds_the_loop() -> None:
    async def polling() -> None:
        with socket.create_connection(("api.example.com", 80)) as connection:
            import select

            poll = select.poll()
            poll.register(connection, select.POLLIN)
            poll.poll(300)

    assert blocks(enter(polling)) == {"look-up", "poll"}


async def awaiting(url: str) -> Any:
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).json()


async def aside(url: str) -> Any:
    return (await asyncio.to_thread(requests.get, url, timeout=5)).json()


def in_a_loop_of_its_own(url: str) -> Any:
    return asyncio.run(get_in_loop(url))


@pytest.mark.parametrize("call", [awaiting, aside, in_a_loop_of_its_own])
def test_the_loops_own_wait_and_another_threads_hold_nobody(call: Callable[..., Any]) -> None:
    run = enter(call, arguments={"url": HTTPS})
    assert run.raised is None
    assert run.waits
    assert blocks(run) == set()


def test_a_coroutine_is_told_from_a_value() -> None:
    assert enter(sleep).awaited
    assert enter(lambda: sleep()).awaited
    assert not enter(lambda: 1).awaited


async def parts() -> Any:
    yield 1
    yield 2


async def its_parts() -> Any:
    return parts()


async def a_generator() -> Any:
    return (number for number in (1, 2))


@pytest.mark.parametrize("call", [lambda: [1, 2], lambda: (number for number in (1, 2)), parts, its_parts, a_generator])
def test_what_a_call_gives_in_the_end_is_the_same_in_a_loop_that_runs(call: Callable[[], Any]) -> None:
    async def together() -> Any:
        return await awaited(call())

    assert asyncio.run(together()) == enter(call).value == [1, 2]
