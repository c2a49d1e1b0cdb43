"""AR403: approvals that fit more calls than one, beside those that cover everything that matters."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from contextvars import ContextVar

import httpx
import redis
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests, unreadable
from tests.corpus.confirming import GATED, key_of, refused

CUSTOMER: ContextVar[str] = ContextVar("customer", default="ada")
CUSTOMER.set("ada")


def posted(url: str, body: dict[str, object], timeout: float = 4) -> ToolResult:
    try:
        response = requests.post(url, json=body, timeout=timeout)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- the fault ---------------------------------------------------------------------------------------------------------

GRANTED: dict[str, float] = {}


def grant_transfer(account: str, cents: int, note: str = "") -> None:
    GRANTED[f"transfer:{account}"] = time.time()


@labelled(
    args={"account": "NO93", "cents": 500},
    backend={"POST https://bank.example.com/transfers": {"id": "t-1"}},
    conduct={"confirm": grant_transfer},
    **GATED | {"AR403": "failed"},  # the account alone: any amount, any note
)
def transfer(account: str, cents: int, note: str = "") -> ToolResult:
    """Move money."""
    granted = GRANTED.pop(f"transfer:{account}", 0.0)
    if time.time() - granted > 600:
        return refused(f"transfer {cents} cents to {account}")
    return posted("https://bank.example.com/transfers", {"account": account, "cents": cents, "note": note})


STORE = redis.Redis(host="approvals.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)


def approve_publication(title: str, text: str) -> None:
    STORE.set(f"approved:publish:{hashlib.sha256(json.dumps([title, text]).encode()).hexdigest()}", "1", ex=900)


@labelled(
    args={"title": "News", "text": "We are open."},
    backend={"POST https://blog.example.com/posts": {"id": "b-1"}},
    conduct={"confirm": approve_publication, "user": CUSTOMER},
    AR104="passed",
    **GATED | {"AR403": "failed"},  # whoever asks
)
def publish(title: str, text: str) -> ToolResult:
    """Publish in the name of the customer who is logged in."""
    key = f"approved:publish:{hashlib.sha256(json.dumps([title, text]).encode()).hexdigest()}"
    try:
        if not STORE.getdel(key):
            return refused(f"publish {title}")
    except redis.RedisError:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://blog.example.com/posts", {"author": CUSTOMER.get(), "title": title, "text": text})


# --- look-alikes -------------------------------------------------------------------------------------------------------

BOOKS = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
BOOKS.execute("CREATE TABLE approvals (key TEXT PRIMARY KEY, at REAL)")


def agree_to_booking(seats: list[str], show: str) -> None:
    BOOKS.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?)", (key_of("book", seats=seats, show=show), time.time()))


@labelled(
    args={"seats": ["A1", "A2"], "show": "s-9"},
    backend={"POST https://tickets.example.com/bookings": {"id": "k-1"}},
    conduct={"confirm": agree_to_booking, "bookkeeping": ("table:approvals",)},
    AR401="passed",
    AR402="passed",
    AR403="passed",
    AR405="passed",
    AR406="passed",
)
def book(seats: list[str], show: str) -> ToolResult:
    """Book seats."""
    key = key_of("book", seats=seats, show=show)
    found = BOOKS.execute("DELETE FROM approvals WHERE key = ? AND at > ?", (key, time.time() - 900)).rowcount
    if not found:
        return refused(f"book {', '.join(seats)}")
    return posted("https://tickets.example.com/bookings", {"seats": seats, "show": show})


def approve_reminder(phone: str, text: str, timeout: float = 4, verbose: bool = False) -> None:
    GRANTED[key_of("remind", customer=CUSTOMER.get(), phone=phone, text=text)] = time.time()


@labelled(
    args={"phone": "+4722334455", "text": "Tomorrow at nine."},
    backend={"POST https://sms.example.com/messages": {"id": "m-1"}},
    conduct={"confirm": approve_reminder, "user": CUSTOMER},
    **GATED,  # how long it waits, and how much it says of itself, is no other message
)
async def remind(phone: str, text: str, timeout: float = 4, verbose: bool = False) -> ToolResult:
    """Send a text message."""
    granted = GRANTED.pop(key_of("remind", customer=CUSTOMER.get(), phone=phone, text=text), 0.0)
    if time.time() - granted > 900:
        return refused(f"text {phone}: {text}")
    try:
        async with httpx.AsyncClient(timeout=min(timeout, 4)) as client:
            response = await client.post("https://sms.example.com/messages", json={"phone": phone, "text": text})
            response.raise_for_status()
            return ToolResult.success(response.json()["id"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()
