"""AR102: exceptions that reach the model, beside exceptions that are met on their way."""

from __future__ import annotations

import asyncio
import functools
import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any

import aiohttp
import httpx
import httpx2
import requests

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "42"},
    backend={"GET https://api.example.com/orders/{order_id}": {"id": "42", "status": "shipped"}},
    AR102="failed",  # the article's own repair: Timeout is caught, ConnectionError and JSONDecodeError are not
    # AR103 passes: the tool relays what the peer sends and has no idea of its own what an order looks like.
)
def get_order_status(order_id: str) -> ToolResult:
    """Look up an order."""
    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5.0)
        if response.status_code == 200:
            return ToolResult(status="success", data=response.json())
        if response.status_code == 429:
            return ToolResult(status="error", error_type="rate_limit", retry_safe=True, message="Rate limit hit. Retry after 60s.")
        if response.status_code >= 500:
            return ToolResult(status="error", error_type="transient", retry_safe=True, message=f"Server error: {response.status_code}")
        return ToolResult(status="error", error_type="permanent", message=f"Order {order_id} not found or access denied.")
    except requests.Timeout:
        return ToolResult(status="error", error_type="transient", retry_safe=True, message="Request timed out.")


@labelled(
    args={"number": "1Z999"},
    backend={"GET https://track.example.net/v3/shipments/{number}": {"events": [{"at": "2026-11-20", "what": "departed"}]}},
    AR102="failed",  # KeyError when the carrier renames "events"
)
def tracking_events(number: str) -> ToolResult:
    """What happened to a shipment so far."""
    try:
        response = httpx.get(f"https://track.example.net/v3/shipments/{number}", timeout=5)
        response.raise_for_status()
        shipment = response.json()
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()
    return ToolResult.success([event["what"] for event in shipment["events"]])


@labelled(
    args={"domain": "acme.example"},
    backend={"GET https://enrich.example.io/companies/{domain}": {"name": "Acme", "employees": 120}},
    AR102="failed",  # JSONDecodeError on a login page: httpx's is a ValueError, and no HTTPError
)
def company_profile(domain: str) -> ToolResult:
    """Name and size of the company behind a domain."""
    with httpx2.Client(base_url="https://enrich.example.io", timeout=4.0) as client:
        try:
            response = client.get(f"/companies/{domain}")
            response.raise_for_status()
            profile = response.json()
            return ToolResult.success({"name": profile["name"], "employees": profile["employees"]})
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except (KeyError, TypeError):
            return unreadable()


@labelled(
    args={"account": "acme"},
    backend={"GET https://usage.example.com/accounts/{account}/quota": {"left": 900}},
    AR102="failed",  # SystemExit under 401 and 403: it takes the agent's whole process along
)
def quota_left(account: str) -> ToolResult:
    """How many calls an account may still make this month."""
    try:
        response = requests.get(f"https://usage.example.com/accounts/{account}/quota", timeout=5)
        if response.status_code in (401, 403):
            raise SystemExit("The API key was rejected: set USAGE_API_KEY")
        response.raise_for_status()
        return ToolResult.success(int(response.json()["left"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(
    args={"isbn": "9780140449136"},
    backend={"GET https://books.example.org/prices/{isbn}": {"cents": 1299}},
    AR102="failed",  # the deadline of aiohttp is an asyncio.TimeoutError, and no ClientError
)
async def book_price(isbn: str) -> ToolResult:
    """The price of a book, in cents."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
        try:
            async with session.get(f"https://books.example.org/prices/{isbn}", raise_for_status=True) as response:
                return ToolResult.success(int((await response.json())["cents"]))
        except aiohttp.ClientResponseError as error:
            return from_status(error.status) if error.status >= 400 else unreadable()
        except aiohttp.ClientError:
            return ToolResult.transient("The book shop could not be reached.")
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"plugin": "calendar"},
    backend={"GET https://registry.example.com/plugins/{plugin}.json": {"version": "2.4.1"}},
    AR102="failed",  # urllib wraps only what happens up to the request: read timeouts, resets, short bodies come bare
)
def latest_version(plugin: str) -> ToolResult:
    """The latest version of a plugin."""
    try:
        with urllib.request.urlopen(f"https://registry.example.com/plugins/{plugin}.json", timeout=5) as response:
            return ToolResult.success(str(json.load(response)["version"]))
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except urllib.error.URLError as error:
        return ToolResult.transient(f"The registry could not be reached: {error.reason}")
    except (ValueError, KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"version": "3.1"},
    backend={"GET https://releases.example.com/{version}": {"notes": "Faster."}},
    # One clause is enough here: what requests raises for unreadable JSON is a RequestException.
)
def release_notes(version: str) -> ToolResult:
    """The notes of a release."""
    try:
        response = requests.get(f"https://releases.example.com/{version}", timeout=5)
        response.raise_for_status()
        body = response.json()
    except requests.RequestException as error:
        return from_requests(error)
    if not isinstance(body, dict) or "notes" not in body:
        return unreadable()
    return ToolResult.success(body["notes"])


def _quote(host: str, sku: str) -> int:
    response = httpx.get(f"https://{host}/quote/{sku}", timeout=3)
    response.raise_for_status()
    return int(response.json()["cents"])


@labelled(
    args={"sku": "BOLT-8"},
    backend={
        "GET https://north.supplier.example/quote/{sku}": {"cents": 310},
        "GET https://south.supplier.example/quote/{sku}": {"cents": 295},
    },
    # The workers raise in their threads; the pool carries it to the one place where it is caught.
)
def best_quote(sku: str) -> ToolResult:
    """The lower price of two suppliers, in cents."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(_quote, host, sku) for host in ("north.supplier.example", "south.supplier.example")]
        try:
            return ToolResult.success(min(future.result() for future in futures))
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


def never_raises(tool: Callable[..., Awaitable[ToolResult]]) -> Callable[..., Awaitable[ToolResult]]:
    """The project's decorator for tools: whatever goes wrong comes back as a result."""

    @functools.wraps(tool)
    async def wrapper(*args: Any, **kwargs: Any) -> ToolResult:
        try:
            return await tool(*args, **kwargs)
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except Exception as error:
            return ToolResult.permanent(f"The tool has a fault of its own: {type(error).__name__}")

    return wrapper


@labelled(
    args={"customer_id": "C-1"},
    backend={"GET https://api.example.com/customers/{customer_id}/orders": {"orders": [{"id": "42"}, {"id": "43"}]}},
)
@never_raises
async def order_history(customer_id: str) -> ToolResult:
    """The ids of a customer's orders. It lets everything fly: the decorator catches it."""
    async with httpx2.AsyncClient(base_url="https://api.example.com", timeout=5) as client:
        response = await client.get(f"/customers/{customer_id}/orders")
        response.raise_for_status()
        return ToolResult.success([order["id"] for order in response.json()["orders"]])


class JsonTool:
    """Base class of the tools that read one JSON document."""

    url: str

    def run(self, **arguments: str) -> ToolResult:
        """Fetch the document and hand it to the subclass."""
        request = urllib.request.Request(self.url.format(**arguments), headers={"Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=4) as response:
                return ToolResult.success(self.pick(json.load(response)))
        except urllib.error.HTTPError as error:
            return from_status(error.code)
        except (OSError, HTTPException):
            return ToolResult.transient("The document could not be fetched.")
        except (ValueError, KeyError, TypeError):
            return unreadable()

    def pick(self, document: Any) -> Any:
        """The part that the model needs."""
        raise NotImplementedError


class AirQuality(JsonTool):
    """The air quality of a city."""

    url = "https://air.example.org/cities/{city}"

    def pick(self, document: Any) -> Any:
        return {"pm25": float(document["pm25"])}


labelled(args={"city": "lyon"}, backend={"GET https://air.example.org/cities/{city}": {"pm25": 8.1}})(AirQuality().run)


async def _fetch_score(url: str) -> float:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session, session.get(url) as response:
        response.raise_for_status()
        return float((await response.json())["score"])


@labelled(args={"user": "ada"}, backend={"GET https://risk.example.com/score/{user}": {"score": 0.2}})
def risk_score(user: str) -> ToolResult:
    """How risky a user's payment is. A sync tool with an async inside."""
    try:
        return ToolResult.success(asyncio.run(_fetch_score(f"https://risk.example.com/score/{user}")))
    except aiohttp.ClientResponseError as error:
        return from_status(error.status)
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return ToolResult.transient("The risk service could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()
