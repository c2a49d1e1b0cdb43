"""Async tools that keep the event loop from everybody else, beside tools that only look as if they did."""

from __future__ import annotations

import asyncio
import json
import queue
import smtplib
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from http.client import HTTPException
from typing import Any

import aiohttp
import anyio.to_thread
import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_requests, from_status, unreadable

STOCK = {"GET https://stock.example.com/items/{sku}": {"left": 3}}
ARGS = {"sku": "MUG-1"}
URL = "https://stock.example.com/items"


def read_stock(sku: str) -> ToolResult:
    try:
        response = requests.get(f"{URL}/{sku}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["left"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args=ARGS, backend=STOCK, AR206="failed", AR208="not_applicable")
async def stock_by_requests(sku: str) -> ToolResult:
    """An async signature around a sync client."""
    return read_stock(sku)


def _load(sku: str) -> Any:
    with urllib.request.urlopen(f"{URL}/{sku}", timeout=4) as response:
        return json.load(response)


@labelled(args=ARGS, backend=STOCK, AR206="failed", AR208="not_applicable")
async def stock_by_future(sku: str) -> ToolResult:
    """The work is in a thread, and the loop waits for it all the same."""
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return ToolResult.success(pool.submit(_load, sku).result(timeout=4)["left"])
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException, FutureTimeout):
        return ToolResult.transient("The stock service could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()
    finally:
        pool.shutdown(wait=False)


@labelled(args=ARGS, backend=STOCK, AR206="failed")  # only under an error status does it pause, and then everybody does
async def stock_with_backoff(sku: str) -> ToolResult:
    """How many of an article are left."""
    async with httpx.AsyncClient(timeout=1) as client:
        for attempt in range(3):
            try:
                response = await client.get(f"{URL}/{sku}")
                if response.status_code >= 500 and attempt < 2:
                    time.sleep(0.2 * 2**attempt)
                    continue
                response.raise_for_status()
                return ToolResult.success(response.json()["left"])
            except httpx.HTTPError as error:
                return from_httpx(error)
            except (ValueError, KeyError, TypeError):
                return unreadable()
    return ToolResult.transient("The stock service is down.")


@labelled(args=ARGS, backend=STOCK, AR206="failed", AR208="not_applicable")
async def stock_in_another_loop(sku: str) -> ToolResult:
    """`asyncio.run` inside a loop is an error; in a thread that is joined it is none, and worse."""
    answers: queue.Queue[ToolResult] = queue.Queue()
    worker = threading.Thread(target=lambda: answers.put(asyncio.run(stock_by_aiohttp(sku))))
    worker.start()
    worker.join()
    return answers.get()


@labelled(args=ARGS, backend=STOCK, AR206="failed")  # the look-up, and nothing else
async def stock_after_check(sku: str) -> ToolResult:
    """How many of an article are left, unless the host's name is wrong."""
    try:
        socket.getaddrinfo("stock.example.com", 443)
    except OSError:
        return ToolResult.transient("The stock service's name cannot be resolved.")
    return await stock_by_aiohttp(sku)


@labelled(
    args={"to": "ada@example.com"},
    backend={"GET https://stock.example.com/low": {"skus": []}},
    AR206="failed",
)
async def low_stock_report(to: str) -> ToolResult:
    """A report of what runs low, by mail where there is anything. Its client is sync."""
    try:
        skus = requests.get("https://stock.example.com/low", timeout=4)
        skus.raise_for_status()
        if skus.json()["skus"]:
            with smtplib.SMTP("mail.example.com", timeout=4) as mail:
                mail.sendmail("stock@example.com", [to], str(skus.json()))
        return ToolResult.success("sent")
    except (requests.RequestException, smtplib.SMTPException) as error:
        if isinstance(error, requests.RequestException):
            return from_requests(error)
        return ToolResult.transient("The mail could not be sent.")
    except (KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args=ARGS, backend=STOCK, AR206="passed", AR208="passed")
async def stock_by_aiohttp(sku: str) -> ToolResult:
    """How many of an article are left."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.get(f"{URL}/{sku}") as response:
                response.raise_for_status()
                return ToolResult.success((await response.json(content_type=None))["left"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args=ARGS, backend=STOCK, AR206="passed", AR208="passed")
async def stock_aside(sku: str) -> ToolResult:
    """The sync client again, in a thread."""
    return await asyncio.to_thread(read_stock, sku)


@labelled(args=ARGS, backend=STOCK, AR206="passed", AR208="passed")
async def stock_aside_by_anyio(sku: str) -> ToolResult:
    """Likewise, by anyio. What it waits for cannot be called off, so that a cancellation comes late."""
    return await anyio.to_thread.run_sync(read_stock, sku)


@labelled(args=ARGS, backend=STOCK, AR206="passed")
async def stock_from_own_pool(sku: str) -> ToolResult:
    """A pool that is left only when its work is done, and a future that is awaited."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, read_stock, sku)


@labelled(args=ARGS, backend=STOCK, AR206="passed", AR208="passed")
async def stock_with_a_short_nap(sku: str) -> ToolResult:
    """Ten milliseconds, which nobody notices, and a pause that is awaited."""
    time.sleep(0.01)
    await asyncio.sleep(0.2)
    return await stock_by_aiohttp(sku)


background = asyncio.new_event_loop()
threading.Thread(target=background.run_forever, daemon=True, name="stock-loop").start()


@labelled(args=ARGS, backend=STOCK, AR206="passed", AR208="passed")
async def stock_from_a_background_loop(sku: str) -> ToolResult:
    """A loop of its own in a thread, whose future is awaited and not waited for."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(stock_by_aiohttp(sku), background))


@labelled(args=ARGS, backend=STOCK, AR206="not_applicable", AR208="not_applicable")
def stock_of_a_sync_tool(sku: str) -> ToolResult:
    """The same blocking calls, where nobody has a loop."""
    time.sleep(0.2)
    return read_stock(sku)
