"""Calls as users write them, with the truth about each: what comes of it when its peer is silent.

A truth is "EXCEPTION SECONDS" for a call that gives up by itself, "EXCEPTION FROM-TO" where its pauses are random, or the
kind of ending for one that never would. Those of `requests`, `httpx`, `urllib` and `aiohttp` were measured in real
time against a real server. More calls stand in the modules `clients_*`, by family; `every()` has them all.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import queue
import sys
import threading
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import httpx
import httpx2
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from tests.world.entering import HTTP, HTTPS, ORDER, SHOP

Function = TypeVar("Function", bound=Callable[..., Any])
CONNECT, ACCEPT, RESPONSE, TRICKLE = "connect-hang", "accept-hang", "response-hang", "trickle"


@dataclass(frozen=True)
class Client:
    call: Callable[..., Any]
    truths: dict[str, str]  # by fault
    backend: object
    healthy: object  # what the call returns where nothing fails

    @property
    def name(self) -> str:
        return self.call.__name__


CLIENTS: list[Client] = []


def client(
    *, connect: str, response: str, trickle: str, accept: str = "", backend: object = SHOP, healthy: object = ORDER
) -> Callable[[Function], Function]:
    """Without a truth of its own, a peer that takes the connection and says nothing is as one that never answers."""

    def keep(call: Function) -> Function:
        truths = {CONNECT: connect, ACCEPT: accept or response, RESPONSE: response, TRICKLE: trickle}
        CLIENTS.append(Client(call, truths, backend, healthy))
        return call

    return keep


def every() -> list[Client]:
    """All calls of this module and of those beside it."""
    for module in sorted(Path(__file__).parent.glob("clients_*.py")):
        importlib.import_module(f"tests.world.{module.stem}")
    return CLIENTS


# --- requests


@client(connect="ConnectTimeout 127.0", response="stuck", trickle="endless")
def requests_plain() -> Any:
    return requests.get(HTTP).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def requests_with_a_timeout() -> Any:
    return requests.get(HTTP, timeout=5).json()


@client(connect="ConnectTimeout 3.05", response="ReadTimeout 27.0", trickle="endless")
def requests_with_two_timeouts() -> Any:
    return requests.get(HTTP, timeout=(3.05, 27)).json()


@client(connect="ConnectTimeout 127.0", response="stuck", trickle="endless")
def requests_with_timeout_none() -> Any:
    return requests.get(HTTP, timeout=None).json()


@client(connect="ConnectTimeout 26.0", response="ConnectionError 26.0", trickle="endless")  # four tries, pauses of 0, 2 and 4 s
def requests_with_retries() -> Any:
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(total=3, backoff_factor=1)))
        return session.get(HTTP, timeout=5).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def requests_over_tls() -> Any:
    return requests.get(HTTPS, timeout=5).json()


@client(connect="ConnectTimeout 3.05", accept="ReadTimeout 3.05", response="ReadTimeout 27.0", trickle="endless")
def requests_over_tls_with_two_timeouts() -> Any:
    return requests.get(HTTPS, timeout=(3.05, 27)).json()


# --- httpx


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx_default() -> Any:
    return httpx.get(HTTP).json()


@client(connect="ConnectTimeout 127.0", response="stuck", trickle="endless")
def httpx_with_timeout_none() -> Any:
    return httpx.get(HTTP, timeout=None).json()


@client(connect="ConnectTimeout 5.0", accept="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx_over_tls() -> Any:
    return httpx.get(HTTPS).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
async def httpx_async_default() -> Any:
    async with httpx.AsyncClient() as session:
        return (await session.get(HTTP)).json()


@client(connect="ConnectError 127.0", response="stuck", trickle="endless")
async def httpx_async_with_timeout_none() -> Any:
    async with httpx.AsyncClient(timeout=None) as session:
        return (await session.get(HTTP)).json()


@client(connect="ConnectTimeout 5.0", accept="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
async def httpx_async_over_tls() -> Any:
    async with httpx.AsyncClient() as session:
        return (await session.get(HTTPS)).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx_in_a_loop_of_its_own() -> Any:
    return asyncio.run(httpx_async_default())


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx2_default() -> Any:
    return httpx2.get(HTTP).json()


@client(connect="ConnectTimeout 127.0", response="stuck", trickle="endless")
def httpx2_with_timeout_none() -> Any:
    return httpx2.get(HTTP, timeout=None).json()


@client(connect="ConnectTimeout 5.0", accept="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx2_over_tls() -> Any:
    return httpx2.get(HTTPS).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
async def httpx2_async_default() -> Any:
    async with httpx2.AsyncClient() as session:
        return (await session.get(HTTP)).json()


# --- urllib


@client(connect="URLError 127.0", response="stuck", trickle="endless")
def urllib_plain() -> Any:
    with urllib.request.urlopen(HTTP) as answer:
        return json.load(answer)


@client(connect="URLError 5.0", response="TimeoutError 5.0", trickle="endless")
def urllib_with_a_timeout() -> Any:
    with urllib.request.urlopen(HTTP, timeout=5) as answer:
        return json.load(answer)


# --- aiohttp, which rounds its deadlines up to whole seconds of the loop's clock


@client(connect="TimeoutError 6.0", response="TimeoutError 6.0", trickle="TimeoutError 6.0")
async def aiohttp_with_a_total() -> Any:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session, session.get(HTTP) as answer:
        return await answer.json()


@client(connect="ConnectionTimeoutError 31.0", response="TimeoutError 301.0", trickle="TimeoutError 301.0")
async def aiohttp_default() -> Any:
    async with aiohttp.ClientSession() as session, session.get(HTTP) as answer:
        return await answer.json()


@client(connect="ClientConnectorError 127.0", response="stuck", trickle="endless")
async def aiohttp_without_a_total() -> Any:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session, session.get(HTTP) as answer:
        return await answer.json()


# --- deadlines around a client that has none


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
async def wait_for_around_httpx() -> Any:
    async with httpx.AsyncClient(timeout=None) as session:
        return (await asyncio.wait_for(session.get(HTTP), 5)).json()


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
def future_of_a_pool_that_is_left_alone() -> Any:
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(requests_plain).result(timeout=5)
    finally:
        pool.shutdown(wait=False)


@client(connect="TimeoutError 127.0", response="stuck", trickle="endless")  # leaving the `with` waits for the thread
def future_of_a_pool_that_is_waited_for() -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(requests_plain).result(timeout=5)


@client(connect="ConnectTimeout 3.0", response="ReadTimeout 3.0", trickle="endless")
def future_of_a_call_that_gives_up_itself() -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: requests.get(HTTP, timeout=3).json()).result(timeout=5)


@client(connect="Empty 5.0", response="Empty 5.0", trickle="Empty 5.0")
def thread_and_queue() -> Any:
    answers: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=lambda: answers.put(requests_plain()), daemon=True).start()
    return answers.get(timeout=5)


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
async def wait_for_around_a_thread() -> Any:
    return await asyncio.wait_for(asyncio.to_thread(requests_plain), 5)


@client(connect="ConnectTimeout 4.0", response="ReadTimeout 4.0", trickle="TimeoutError 5.0")
async def wait_for_around_a_thread_that_gives_up_itself() -> Any:
    return await asyncio.wait_for(asyncio.to_thread(lambda: requests.get(HTTP, timeout=4).json()), 5)


# `asyncio.run` joins the threads of its loop: for ever, and from 3.13 on for 300 s.
JOINED = "TimeoutError 305.0" if sys.version_info >= (3, 13) else "stuck"


@client(connect="TimeoutError 127.0", response=JOINED, trickle="TimeoutError 305.0" if JOINED != "stuck" else "endless")
def thread_in_a_loop_of_its_own() -> Any:
    return asyncio.run(wait_for_around_a_thread())


# --- clients that are older than the run, and keep their connections from one to the next

SESSION = requests.Session()
HTTPX = httpx.Client()
HTTPX_ASYNC = httpx.AsyncClient()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def session_of_the_module() -> Any:
    return SESSION.get(HTTP, timeout=5).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx_of_the_module() -> Any:
    return HTTPX.get(HTTP).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
async def httpx_async_of_the_module() -> Any:
    return (await HTTPX_ASYNC.get(HTTP)).json()
