"""Deadlines of asyncio, anyio and trio around clients that have none, and their own sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import anyio
import anyio.to_thread
import httpx
import requests
import trio

from tests.world.clients import client, requests_plain
from tests.world.entering import HTTP

HOST = "api.example.com"
GET = f"GET /orders/7 HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode()


def body(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


async def impatient() -> Any:
    async with httpx.AsyncClient(timeout=5) as session:
        return (await session.get(HTTP)).json()


async def patient() -> Any:
    async with httpx.AsyncClient(timeout=None) as session:
        return (await session.get(HTTP)).json()


# --- asyncio

if sys.version_info >= (3, 11):

    @client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
    async def timeout_of_asyncio() -> Any:
        async with asyncio.timeout(5):
            return await patient()

    @client(connect="ExceptionGroup 5.0", response="ExceptionGroup 5.0", trickle="endless")
    async def task_group_of_asyncio() -> Any:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(impatient())
        return task.result()


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
def wait_for_in_a_loop_of_its_own() -> Any:
    return asyncio.run(asyncio.wait_for(patient(), 5))


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
async def gather_that_returns_exceptions() -> Any:
    (found,) = await asyncio.gather(impatient(), return_exceptions=True)
    if isinstance(found, BaseException):
        raise found
    return found


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
async def as_completed_of_asyncio() -> Any:
    for first in asyncio.as_completed([patient()], timeout=5):
        return await first


@client(connect="LookupError 5.0", response="LookupError 5.0", trickle="LookupError 5.0")
async def wait_of_asyncio() -> Any:
    done, pending = await asyncio.wait([asyncio.ensure_future(patient())], timeout=5)
    for task in pending:
        task.cancel()
    if not done:
        raise LookupError("nothing came")
    return done.pop().result()


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
async def executor_of_the_loop() -> Any:
    return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, requests_plain), 5)


@client(connect="TimeoutError 127.0", response="stuck", trickle="endless")
async def streams_of_asyncio() -> Any:
    reader, writer = await asyncio.open_connection(HOST, 80)
    writer.write(GET)
    try:
        return body(await reader.read())
    finally:
        writer.close()


@client(connect="TimeoutError 2.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
async def streams_of_asyncio_with_deadlines() -> Any:
    reader, writer = await asyncio.wait_for(asyncio.open_connection(HOST, 80), 2)
    writer.write(GET)
    try:
        return body(await asyncio.wait_for(reader.read(), 5))
    finally:
        writer.close()


@client(connect="TimeoutError 4.0", response="TimeoutError 4.0", trickle="TimeoutError 4.0")
async def queue_of_asyncio() -> Any:
    answers: asyncio.Queue[Any] = asyncio.Queue()

    async def work() -> None:
        await answers.put(await patient())

    task = asyncio.create_task(work())
    try:
        return await asyncio.wait_for(answers.get(), 4)
    finally:
        task.cancel()


# --- anyio, in the loop at hand


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
async def fail_after_of_anyio() -> Any:
    with anyio.fail_after(5):
        return await patient()


@client(connect="LookupError 5.0", response="LookupError 5.0", trickle="LookupError 5.0")
async def move_on_after_of_anyio() -> Any:
    with anyio.move_on_after(5):
        return await patient()
    raise LookupError("nothing came")


@client(connect="ExceptionGroup 5.0", response="ExceptionGroup 5.0", trickle="endless")
async def task_group_of_anyio() -> Any:
    found: list[Any] = []

    async def fetch() -> None:
        found.append(await impatient())

    async with anyio.create_task_group() as group:
        group.start_soon(fetch)
    return found[0]


@client(connect="ConnectTimeout 127.0", response="stuck", trickle="endless")  # a thread cannot be cancelled
async def thread_of_anyio() -> Any:
    with anyio.fail_after(5):
        return await anyio.to_thread.run_sync(requests_plain)


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
async def thread_of_anyio_that_is_abandoned() -> Any:
    with anyio.fail_after(5):
        return await anyio.to_thread.run_sync(requests_plain, abandon_on_cancel=True)


@client(connect="ConnectTimeout 3.0", response="ReadTimeout 3.0", trickle="endless")
def thread_of_anyio_that_gives_up_itself() -> Any:
    async def main() -> Any:
        return await anyio.to_thread.run_sync(lambda: requests.get(HTTP, timeout=3).json())

    return anyio.run(main)


# --- trio


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
def fail_after_in_trio() -> Any:
    async def main() -> Any:
        with anyio.fail_after(5):
            return await patient()

    return anyio.run(main, backend="trio")


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx_in_trio() -> Any:
    return trio.run(impatient)


@client(connect="ConnectError 127.0", response="stuck", trickle="endless")
def httpx_in_trio_without_a_timeout() -> Any:
    return trio.run(patient)


@client(connect="TooSlowError 5.0", response="TooSlowError 5.0", trickle="TooSlowError 5.0")
def socket_of_trio() -> Any:
    async def main() -> Any:
        with trio.fail_after(5):
            stream = await trio.open_tcp_stream(HOST, 80)
            async with stream:
                await stream.send_all(GET)
                return body(b"".join([part async for part in stream]))

    return trio.run(main)


@client(connect="ConnectTimeout 3.0", response="ReadTimeout 3.0", trickle="endless")
def thread_of_trio() -> Any:
    async def main() -> Any:
        return await trio.to_thread.run_sync(lambda: requests.get(HTTP, timeout=3).json())

    return trio.run(main)


@client(connect="TooSlowError 5.0", response="TooSlowError 5.0", trickle="TooSlowError 5.0")
def thread_of_trio_that_is_abandoned() -> Any:
    async def main() -> Any:
        with trio.fail_after(5):
            return await trio.to_thread.run_sync(requests_plain, abandon_on_cancel=True)

    return trio.run(main)
