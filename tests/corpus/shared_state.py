"""AR305: tools whose calls get in each other's way, beside tools that share what may be shared."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import random
import threading
from typing import Any

import aiohttp
import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_requests, unreadable

ACCOUNTS = {
    "GET https://bank.example.com/accounts/{id}": {"id": "4711", "owner": "ada", "balance": 120.5},
    "GET https://bank.example.com/me": {"ok": True},
}
ARGS = {"account": "4711", "user_id": "ada"}

# --- the fault ---------------------------------------------------------------------------------------------------------

shared = requests.Session()


@labelled(args=ARGS, backend=ACCOUNTS, user="user_id", AR305="failed")
def balance(account: str, user_id: str) -> ToolResult:
    """The balance of an account."""
    shared.headers["X-User"] = user_id
    try:
        response = shared.get(f"https://bank.example.com/accounts/{account}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["balance"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


current: dict[str, str] = {}


@labelled(args=ARGS, backend=ACCOUNTS, user="user_id", AR305="failed")
async def balance_of_current(account: str, user_id: str) -> ToolResult:
    """The balance of an account, after a look whether its user is still there."""
    current["account"] = account
    try:
        async with httpx.AsyncClient(timeout=2) as client:
            response = await client.get("https://bank.example.com/me", headers={"X-User": user_id})
            response.raise_for_status()
            response = await client.get(f"https://bank.example.com/accounts/{current['account']}", headers={"X-User": user_id})
            response.raise_for_status()
            return ToolResult.success(response.json()["balance"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"account": "4711"}, backend=ACCOUNTS, AR305="failed")
def report(account: str, lines: list[str] = []) -> ToolResult:
    """The balance of an account, as a report."""
    try:
        response = requests.get(f"https://bank.example.com/accounts/{account}", timeout=4)
        response.raise_for_status()
        lines.append(f"{account}: {response.json()['balance']}")
        return ToolResult.success("\n".join(lines))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


class Bank:
    """Keeps its last answer."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}

    async def fetch(self, account: str) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.get(f"https://bank.example.com/accounts/{account}") as response:
                response.raise_for_status()
                self.last = await response.json(content_type=None)


bank = Bank()


@labelled(args={"account": "4711"}, backend=ACCOUNTS, AR305="failed")
async def last_balance(account: str) -> ToolResult:
    """The balance of an account, with what its client remembers of it."""

    try:
        await bank.fetch(account)
        await asyncio.sleep(0.1)
        return ToolResult.success(bank.last["balance"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


ENCYCLOPAEDIAS = {
    f"GET https://{language}.pedia.example.com/page": {"text": f"A town ({language})."} for language in ("en", "de")
}  # fmt: skip
PAGES = [{"title": "Oslo", "language": "en"}, {"title": "Bremen", "language": "de"}]
address = {"host": "https://en.pedia.example.com"}


@labelled(args=PAGES, backend=ENCYCLOPAEDIAS, AR305="failed")  # as the client libraries do that have a `set_language()`
def page_in_language(title: str, language: str) -> ToolResult:
    """A page of the encyclopaedia."""
    address["host"] = f"https://{language}.pedia.example.com"
    try:
        response = requests.get(f"{address['host']}/page", params={"title": title}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["text"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


ORDERS = {"POST https://shop.example.com/quotes": {"price": 12.5}}
draft: dict[str, Any] = {"currency": "EUR"}


@labelled(
    args=[{"sku": "MUG-1", "customer": "ada-lovelace"}, {"sku": "CUP-2", "customer": "lin-tao"}],
    backend=ORDERS,
    conduct={"reads": ["POST https://shop.example.com/quotes"]},
    AR305="failed",
)
def quote(sku: str, customer: str) -> ToolResult:
    """What a thing costs this customer; the draft of the question is everybody's."""
    draft["customer"] = customer
    try:
        response = requests.post("https://shop.example.com/quotes", json={**draft, "sku": sku}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["price"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args=PAGES, backend=ENCYCLOPAEDIAS, AR305="passed")
def page_by_language(title: str, language: str) -> ToolResult:
    """A page of the encyclopaedia."""
    try:
        response = requests.get(f"https://{language}.pedia.example.com/page", params={"title": title}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["text"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


numbers = itertools.count(1)


@labelled(
    args=[{"address": "0xa1ce000000aa"}, {"address": "0xb0b000000bb"}],
    backend={"POST https://node.example.com/rpc": {"result": "0x10"}},
    conduct={"reads": ["POST https://node.example.com/rpc"]},
    AR305="passed",  # that two requests of two callers have one number is chance
)
def wallet_balance(address: str) -> ToolResult:
    """The balance of a wallet, asked for twice: before and after its pending transfers."""
    found: list[str] = []
    try:
        for block in ("latest", "pending"):
            question = {"jsonrpc": "2.0", "id": next(numbers), "method": "getBalance", "params": [address, block]}
            response = requests.post("https://node.example.com/rpc", json=question, timeout=2)
            response.raise_for_status()
            found.append(response.json()["result"])
        return ToolResult.success(found)
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


pooled = requests.Session()
pooled.headers["X-App"] = "shop"


@labelled(
    args={"city": "Bergen"},
    backend={"GET https://tips.example.com/{city}": {"tips": ["Fish market", "Bryggen", "Aquarium", "Harbour", "Library"]}},
    AR301="failed",  # by lot: what two calls draw has nothing to do with each other
    AR305="passed",
)
async def tips_by_lot(city: str) -> ToolResult:
    """Three tips for a city."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.get(f"https://tips.example.com/{city}")
            response.raise_for_status()
            return ToolResult.success(random.sample(sorted(map(str, response.json()["tips"])), 3))
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args=ARGS, backend=ACCOUNTS, user="user_id", AR305="passed")
def balance_by_pool(account: str, user_id: str) -> ToolResult:
    """The balance of an account. The session is shared, the header goes with the request."""
    try:
        response = pooled.get(f"https://bank.example.com/accounts/{account}", headers={"X-User": user_id}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["balance"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


user_of_call: contextvars.ContextVar[str] = contextvars.ContextVar("user_of_call", default="ada")


async def _headers() -> dict[str, str]:
    return {"X-User": user_of_call.get()}


@labelled(args={"account": "4711"}, backend=ACCOUNTS, user=user_of_call, AR305="passed")
async def balance_in_context(account: str) -> ToolResult:
    """The balance of an account. Who asks is in the context."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.get(f"https://bank.example.com/accounts/{account}", headers=await _headers())
            response.raise_for_status()
            return ToolResult.success(response.json()["balance"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


balances: dict[str, float] = {}


@labelled(
    args={"account": "4711"},
    backend=ACCOUNTS,
    AR102="unproven",
    AR103="unproven",
    AR104="unproven",
    AR202="unproven",
    AR203="unproven",
    AR305="passed",
)
def cached_balance(account: str) -> ToolResult:
    """The balance of an account. What is shared is kept by account."""
    try:
        if account not in balances:
            response = requests.get(f"https://bank.example.com/accounts/{account}", timeout=4)
            response.raise_for_status()
            balances[account] = response.json()["balance"]
        return ToolResult.success(balances[account])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


guarded = requests.Session()
guard = threading.Lock()


@labelled(args=ARGS, backend=ACCOUNTS, user="user_id", AR305="passed")
def balance_under_lock(account: str, user_id: str) -> ToolResult:
    """The balance of an account, one after the other."""
    try:
        with guard:
            guarded.headers["X-User"] = user_id
            response = guarded.get(f"https://bank.example.com/accounts/{account}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["balance"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
