"""AR202: tools that a silent peer holds for ever, beside tools whose limit stands where one does not look for it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from http.client import HTTPException
from typing import Any

import aiohttp
import httpx
import httpx2
import requests
from requests.adapters import HTTPAdapter

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

logger = logging.getLogger(__name__)
ORDER = {"GET https://api.example.com/orders/{order_id}": {"id": "42", "status": "shipped"}}

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "42"},
    backend=ORDER,
    AR101="failed",
    AR102="failed",  # the article's tool: whatever goes wrong escapes
    AR103="not_applicable",
    AR104="not_applicable",
    AR202="failed",
    AR203="not_applicable",
)
def naive_order_status(order_id: str) -> str:
    """Look up an order's status."""
    response = requests.get(f"https://api.example.com/orders/{order_id}")
    return response.json()["status"]


api = httpx.Client(base_url="https://api.example.com", timeout=None)


@labelled(args={"order_id": "42"}, backend=ORDER, AR202="failed", AR203="not_applicable")  # somebody switched the deadline off
def patient_order_status(order_id: str) -> ToolResult:
    """Look up an order, however long it takes."""
    try:
        response = api.get(f"/orders/{order_id}")
        response.raise_for_status()
        return ToolResult.success(response.json()["status"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


class Ledger:
    """A client that logs in first. The second call has no timeout."""

    def __init__(self, url: str) -> None:
        self.url = url

    def balance(self, account: str) -> float:
        with requests.Session() as session:
            login = session.post(f"{self.url}/login", json={"user": "agent"}, timeout=4)
            login.raise_for_status()
            session.headers["Authorization"] = f"Bearer {login.json()['token']}"
            answer = session.get(f"{self.url}/accounts/{account}")
            answer.raise_for_status()
            return float(answer.json()["balance"])


@labelled(
    args={"account": "A-1"},
    backend={
        "POST https://ledger.example.com/login": {"token": "t0k3n"},
        "GET https://ledger.example.com/accounts/{account}": {"balance": 12.5},
    },
    AR202="failed",  # only a peer that falls silent after the login shows it
    AR203="not_applicable",
)
def account_balance(account: str) -> ToolResult:
    """The balance of an account."""
    try:
        return ToolResult.success(Ledger("https://ledger.example.com").balance(account))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(args={"order_id": "42"}, backend=ORDER, AR202="failed", AR203="not_applicable")  # only the connect has a deadline
def half_bounded_order_status(order_id: str) -> ToolResult:
    """Look up an order."""
    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=(5, None))
        response.raise_for_status()
        return ToolResult.success(response.json()["status"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"job_id": "J-1"},
    backend={"GET https://jobs.example.com/{job_id}": {"state": "done"}},
    AR202="failed",  # every attempt has a deadline, the attempts have none
    AR203="not_applicable",
    AR205="failed",
)
def job_state(job_id: str) -> ToolResult:
    """The state of a job."""
    while True:
        try:
            with httpx2.Client(timeout=3) as client:
                response = client.get(f"https://jobs.example.com/{job_id}")
            break
        except Exception:
            logger.warning("the job server does not answer, trying again")
            time.sleep(1)
    if response.status_code != 200:
        return from_status(response.status_code)
    try:
        return ToolResult.success(response.json()["state"])
    except (ValueError, KeyError, TypeError):
        return unreadable()


def _download(url: str) -> Any:
    with urllib.request.urlopen(url) as response:
        return json.load(response)


@labelled(
    args={"city": "Bergen"},
    backend={"GET https://tides.example.org/{city}": {"high": "14:05"}},
    AR202="failed",  # result(timeout=4) gives up in time, then leaving the pool waits for the thread that never ends
    AR203="not_applicable",
)
def high_tide(city: str) -> ToolResult:
    """When the tide is high today."""
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            return ToolResult.success(pool.submit(_download, f"https://tides.example.org/{city}").result(timeout=4)["high"])
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException, FutureTimeout):
        return ToolResult.transient("The tide tables could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"sku": "MUG-1"},
    backend={"GET https://images.example.com/{sku}": {"url": "https://cdn.example.com/mug.png"}},
    AR202="failed",  # a ClientTimeout, and nothing in it
    AR203="not_applicable",
)
async def image_url(sku: str) -> ToolResult:
    """Where an article's picture is."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            async with session.get(f"https://images.example.com/{sku}") as response:
                if not response.ok:
                    return from_status(response.status)
                return ToolResult.success((await response.json(content_type=None))["url"])
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return ToolResult.transient("The image service could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"order_id": "42"}, backend=ORDER)  # no timeout is written anywhere: httpx has one of 5 s by itself
def default_order_status(order_id: str) -> ToolResult:
    """Look up an order."""
    try:
        response = httpx.get(f"https://api.example.com/orders/{order_id}").raise_for_status()
        return ToolResult.success(response.json()["status"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"order_id": "42"}, backend=ORDER)  # the client has no deadline, the caller has
async def impatient_order_status(order_id: str) -> ToolResult:
    """Look up an order."""
    async with httpx2.AsyncClient(timeout=None) as client:
        try:
            response = await asyncio.wait_for(client.get(f"https://api.example.com/orders/{order_id}"), timeout=4)
            response.raise_for_status()
            return ToolResult.success(response.json()["status"])
        except asyncio.TimeoutError:
            return ToolResult.transient("The order service took longer than 4 seconds.")
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


class DeadlineAdapter(HTTPAdapter):
    """Gives every request of a session a deadline, unless it brings its own."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (2, 4)
        return super().send(request, *args, **kwargs)


shop = requests.Session()
shop.mount("https://", DeadlineAdapter())


@labelled(args={"sku": "MUG-1"}, backend={"GET https://shop.example.com/api/articles/{sku}": {"cents": 1200}})
def article_price(sku: str) -> ToolResult:
    """The price of an article, in cents. The session's adapter sets the deadline."""
    try:
        response = shop.get(f"https://shop.example.com/api/articles/{sku}")
        response.raise_for_status()
        return ToolResult.success(int(response.json()["cents"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


workers = ThreadPoolExecutor(max_workers=4)


def _read_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=8) as response:
        return json.load(response)


@labelled(args={"ticker": "ACME"}, backend={"GET https://stocks.example.com/{ticker}": {"price": 101.5}})
def share_price(ticker: str) -> ToolResult:
    """The price of a share. The pool outlives the call, so giving up on the future is enough."""
    try:
        quote = workers.submit(_read_json, f"https://stocks.example.com/{ticker}").result(timeout=4)
        return ToolResult.success(float(quote["price"]))
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException, FutureTimeout):
        return ToolResult.transient("The exchange could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()
