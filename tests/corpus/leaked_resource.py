"""Tools of which each call leaves something behind, beside tools that keep what they need once."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

import aiohttp
import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_requests, from_status, unreadable

RATE = {"GET https://rates.example.com/{currency}": {"rate": 11.4}, "GET http://rates.example.com/{currency}": {"rate": 11.4}}
ARGS = {"currency": "NOK"}
URL = "https://rates.example.com"


def rate_with(session: requests.Session, currency: str) -> ToolResult:
    try:
        response = session.get(f"{URL}/{currency}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["rate"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


async def rate_by(client: httpx.AsyncClient, currency: str) -> ToolResult:
    try:
        response = await client.get(f"{URL}/{currency}")
        response.raise_for_status()
        return ToolResult.success(response.json()["rate"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


logger = logging.getLogger(__name__)


@labelled(args=ARGS, backend=RATE, AR207="passed")
def rate_that_logs_its_failure(currency: str) -> ToolResult:
    """What is logged is held by nobody but a test: pytest keeps it with the exception, and with the response that hangs on that."""
    try:
        response = requests.get(f"{URL}/{currency}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["rate"])
    except requests.RequestException as error:
        logger.exception("no rate of %s: %s", currency, error)
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


clients: list[httpx.AsyncClient] = []


@labelled(args=ARGS, backend=RATE, AR207="failed")
async def rate_by_a_kept_client(currency: str) -> ToolResult:
    """A list of clients, for a shutdown hook that never comes."""
    client = httpx.AsyncClient(timeout=4)
    clients.append(client)
    return await rate_by(client, currency)


sessions: dict[float, requests.Session] = {}


@labelled(args=ARGS, backend=RATE, AR207="failed")
def rate_by_a_session_for_each_call(currency: str) -> ToolResult:
    """A cache of sessions whose key is never the same."""
    session = sessions.setdefault(time.monotonic(), requests.Session())
    return rate_with(session, currency)


open_sessions: list[aiohttp.ClientSession] = []


@labelled(args=ARGS, backend=RATE, AR207="failed")
async def rate_by_an_open_session(currency: str) -> ToolResult:
    """The response is closed, the session is not."""
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4))
    open_sessions.append(session)
    try:
        async with session.get(f"{URL}/{currency}") as response:
            response.raise_for_status()
            return ToolResult.success((await response.json(content_type=None))["rate"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


broken: list[HTTPConnection] = []


@labelled(args=ARGS, backend=RATE, AR207="failed")  # on the way out of an error status alone
def rate_by_a_connection_closed_at_the_end(currency: str) -> ToolResult:
    connection = HTTPConnection("rates.example.com", timeout=4)
    try:
        connection.request("GET", f"/{currency}")
        response = connection.getresponse()
        if response.status != 200:
            broken.append(connection)  # for a look at it, some day
            return from_status(response.status)
        rate = json.load(response)["rate"]
        connection.close()
        return ToolResult.success(rate)
    except (OSError, HTTPException):
        connection.close()
        return ToolResult.transient("The exchange could not be reached.")
    except (ValueError, KeyError, TypeError):
        connection.close()
        return unreadable()


journal: list[IO[str]] = []


@labelled(args=ARGS, backend=RATE, AR207="failed")
def rate_with_a_journal(currency: str) -> ToolResult:
    """Its journal is opened for each entry."""
    journal.append(open(Path(tempfile.gettempdir()) / "agentready-corpus-journal.txt", "a", encoding="utf-8"))
    journal[-1].write(f"{currency}\n")
    with requests.Session() as session:
        return rate_with(session, currency)


@labelled(args=ARGS, backend=RATE, AR207="failed")
def rate_with_a_ticker(currency: str) -> ToolResult:
    """A thread for each call that renews the rate, and nobody who ends it."""

    def renew() -> None:
        while True:
            time.sleep(60)

    threading.Thread(target=renew, daemon=True).start()
    with requests.Session() as session:
        return rate_with(session, currency)


pools: list[ThreadPoolExecutor] = []


@labelled(args=ARGS, backend=RATE, AR207="failed")
async def rate_by_a_pool_for_each_call(currency: str) -> ToolResult:
    pool = ThreadPoolExecutor(max_workers=2)
    pools.append(pool)
    return await asyncio.get_running_loop().run_in_executor(pool, rate_by_requests, currency)


def rate_by_requests(currency: str) -> ToolResult:
    with requests.Session() as session:
        return rate_with(session, currency)


@labelled(args=ARGS, backend=RATE, AR207="failed")
async def rate_with_a_watch(currency: str) -> ToolResult:
    """A task for each call that watches the rate for as long as the process lives."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(30)

    asyncio.create_task(watch())  # noqa: RUF006
    async with httpx.AsyncClient(timeout=4) as client:
        return await rate_by(client, currency)


@labelled(args=ARGS, backend=RATE, AR207="failed", AR208="passed")  # only when it is called off
async def rate_with_a_heartbeat(currency: str) -> ToolResult:
    """The heartbeat ends with the look-up, unless that is cancelled."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(5)

    heart = asyncio.create_task(beat())
    async with httpx.AsyncClient(timeout=4) as client:
        result = await rate_by(client, currency)
    heart.cancel()
    return result


# --- look-alikes -------------------------------------------------------------------------------------------------------

shared = requests.Session()


@labelled(args=ARGS, backend=RATE, AR207="passed")
def rate_by_a_shared_session(currency: str) -> ToolResult:
    """One session for all calls keeps one connection."""
    return rate_with(shared, currency)


shared_client = httpx.AsyncClient(timeout=4)


@labelled(args=ARGS, backend=RATE, AR207="passed")
async def rate_by_a_shared_client(currency: str) -> ToolResult:
    return await rate_by(shared_client, currency)


@labelled(args=ARGS, backend=RATE, AR207="passed")
async def rate_by_a_client_for_each_call(currency: str) -> ToolResult:
    async with httpx.AsyncClient(timeout=4) as client:
        return await rate_by(client, currency)


@labelled(args=ARGS, backend=RATE, AR207="passed")
async def rate_by_a_session_that_is_closed(currency: str) -> ToolResult:
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4))
    try:
        async with session.get(f"{URL}/{currency}") as response:
            response.raise_for_status()
            return ToolResult.success((await response.json(content_type=None))["rate"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()
    finally:
        await session.close()


@labelled(args=ARGS, backend=RATE, AR207="passed")
def rate_without_with(currency: str) -> ToolResult:
    """Nothing is closed, and nothing is kept: the end of the call is the end of the connection."""
    session = requests.Session()
    return rate_with(session, currency)


@labelled(args=ARGS, backend=RATE, AR207="passed")
async def rate_by_a_forgotten_session(currency: str) -> ToolResult:
    """Nothing closes the session, and nothing holds it: its end is that of its last name, with a warning of aiohttp's own."""
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4))
    try:
        response = await session.get(f"{URL}/{currency}")
        response.raise_for_status()
        return ToolResult.success((await response.json(content_type=None))["rate"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


class Pool:
    """Hands out its sessions in turn, and makes a new one until it has four."""

    def __init__(self) -> None:
        self.sessions: list[requests.Session] = []
        self.turn = 0

    def session(self) -> requests.Session:
        self.turn += 1
        if len(self.sessions) < 4:
            self.sessions.append(requests.Session())
            return self.sessions[-1]
        return self.sessions[self.turn % 4]


pool = Pool()


@labelled(args=ARGS, backend=RATE, AR207="passed")
def rate_by_a_bounded_pool(currency: str) -> ToolResult:
    return rate_with(pool.session(), currency)


workers = ThreadPoolExecutor(max_workers=8)


@labelled(args=ARGS, backend=RATE, AR207="passed")
def rate_by_a_shared_executor(currency: str) -> ToolResult:
    return workers.submit(rate_by_requests, currency).result()


refresher: threading.Thread | None = None


@labelled(args=ARGS, backend=RATE, AR207="passed")
def rate_with_one_ticker(currency: str) -> ToolResult:
    """The thread that renews the rate is started once."""
    global refresher
    if refresher is None or not refresher.is_alive():
        refresher = threading.Thread(target=lambda: time.sleep(100_000), daemon=True)
        refresher.start()
    return rate_by_requests(currency)


@labelled(args=ARGS, backend=RATE, AR207="passed")
async def rate_with_an_afterthought(currency: str) -> ToolResult:
    """A task that outlives the call by half a minute, and ends."""
    asyncio.create_task(asyncio.sleep(35))  # noqa: RUF006
    async with httpx.AsyncClient(timeout=4) as client:
        return await rate_by(client, currency)


@labelled(args=ARGS, backend=RATE, AR207="passed")
def rate_with_a_journal_that_is_closed(currency: str) -> ToolResult:
    with open(os.devnull, "a", encoding="utf-8") as entries:
        entries.write(f"{currency}\n")
    return rate_by_requests(currency)
