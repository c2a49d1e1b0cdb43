"""AR302: tools that do it again when they are called again, beside tools that do it once."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import smtplib
import sqlite3
import time
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import httpx
import redis
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_requests, unreadable

LOST = ToolResult(status="error", error_type="transient", retry_safe=False, message="It may have been done. Look before you try again.")


def fingerprint(**fields: Any) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


NONE = dict.fromkeys(("AR102", "AR103", "AR104", "AR202", "AR203"), "not_applicable")


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "A-17", "cents": 1250},
    backend={"POST https://payments.example.com/v1/refunds": {"id": "re_1", "status": "succeeded"}},
    AR302="failed",
    AR303="passed",  # nobody sends it again by himself, and for the second call AR302 speaks
)
def refund(order_id: str, cents: int) -> ToolResult:
    """Pay money back."""
    try:
        response = requests.post("https://payments.example.com/v1/refunds", json={"order": order_id, "amount": cents}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"customer": "cus_9", "plan": "pro"},
    backend={"POST https://billing.example.com/subscriptions": {"id": "sub_3"}},
    AR302="failed",  # stripe-like, and the key is made from the clock
)
async def subscribe(customer: str, plan: str) -> ToolResult:
    """Begin a subscription."""
    key = f"{customer}-{plan}-{int(time.time())}"
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.post(
                "https://billing.example.com/subscriptions", data={"customer": customer, "plan": plan}, headers={"Idempotency-Key": key}
            )
            response.raise_for_status()
            return ToolResult.success(response.json()["id"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"to": "ada@example.com", "text": "Your parcel is here."},
    backend={"smtp://mail.example.com:587": {}},
    AR104="failed",
    AR302="failed",
)
def send_mail(to: str, text: str) -> ToolResult:
    """Send a mail. No mail server knows one again."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, "Your order"
    message.set_content(text)
    try:
        with smtplib.SMTP("mail.example.com", 587, timeout=4) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException):
        return LOST
    return ToolResult.success()


@labelled(
    args={"note": "call Grace"},
    backend={"PUT https://notes.example.com/notes/{id}": {"ok": True}},
    AR302="failed",  # a PUT, of a note that nobody has written before
)
def take_note(note: str) -> ToolResult:
    """Write a note."""
    try:
        response = requests.put(f"https://notes.example.com/notes/{uuid.uuid4()}", json={"text": note}, timeout=4)
        response.raise_for_status()
        return ToolResult.success()
    except requests.RequestException as error:
        return from_requests(error)


@labelled(
    args={"sku": "LAMP-2", "pieces": 3},
    backend={"postgresql://db.example.com/shop": {"UPDATE stock": 1}},
    kind="db",
    AR104="failed",
    AR302="failed",  # what is taken once is taken twice
)
async def take_from_stock(sku: str, pieces: int) -> ToolResult:
    """Take pieces from the stock."""
    try:
        connection = await asyncpg.connect("postgresql://shop:pw@db.example.com/shop?sslmode=disable", timeout=5, command_timeout=5)
        try:
            await connection.execute("UPDATE stock SET pieces = pieces - $1::int WHERE sku = $2", pieces, sku)
        finally:
            connection.terminate()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.TimeoutError):
        return LOST
    return ToolResult.success()


@labelled(
    args={"repo": "shop", "title": "Login fails"},
    backend={"POST https://git.example.com/graphql": {"data": {"createIssue": {"number": 4}}}},
    AR302="failed",  # a key of the right name, and new in each call
)
async def open_issue(repo: str, title: str) -> ToolResult:
    """Open an issue."""
    query = "mutation($input: CreateIssueInput!) { createIssue(input: $input) { number } }"
    variables = {"input": {"repo": repo, "title": title, "clientMutationId": uuid.uuid4().hex}}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.post("https://git.example.com/graphql", json={"query": query, "variables": variables}) as response:
                response.raise_for_status()
                return ToolResult.success((await response.json(content_type=None))["data"]["createIssue"]["number"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "A-17", "cents": 1250},
    backend={"POST https://payments.example.com/v1/refunds": {"id": "re_1", "status": "succeeded"}},
    AR302="passed",
    AR303="passed",
)
def refund_once(order_id: str, cents: int) -> ToolResult:
    """Pay money back, under a key that is made from what is asked for."""
    body = {"order": order_id, "amount": cents}
    try:
        response = requests.post(
            "https://payments.example.com/v1/refunds", json=body, headers={"Idempotency-Key": fingerprint(**body)}, timeout=4
        )
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"user": "ada", "theme": "dark"},
    backend={"PATCH https://api.example.com/users/{user}": {"theme": "dark"}},
    AR302="passed",
    AR303="passed",
)
async def choose_theme(user: str, theme: str) -> ToolResult:
    """Set a user's theme: twice dark is dark."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.patch(f"https://api.example.com/users/{user}", json={"theme": theme, "updated_at": time.time()})
            response.raise_for_status()
            return ToolResult.success(response.json()["theme"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"text": "rain"},
    backend={"POST https://queue.example.com/jobs": {"id": 5}},
    AR302="passed",
    AR303="passed",  # in the body, as a queue has it
)
async def enqueue(text: str) -> ToolResult:
    """Put a job into a queue that drops duplicates."""
    body = {"text": text, "deduplicationId": str(uuid.uuid5(uuid.NAMESPACE_URL, text))}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.post("https://queue.example.com/jobs", json=body) as response:
                response.raise_for_status()
                return ToolResult.success((await response.json(content_type=None))["id"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"to": "ada@example.com", "text": "Your parcel is here."},
    backend={"smtp://mail.example.com:587": {}},
    AR104="failed",  # nothing was sent to whom the connection was refused
    AR302="passed",
    AR303="passed",  # marked before it is sent: rather never than twice
)
def send_mail_once(to: str, text: str) -> ToolResult:
    """Send a mail that has not been sent in the last hour."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, "Your order"
    message.set_content(text)
    try:
        store = redis.Redis(host="cache.internal", socket_timeout=2, socket_connect_timeout=2, retry=None)
        if not store.set(f"sent:{fingerprint(to=to, text=text)}", 1, nx=True, ex=3600):
            return ToolResult.success("already sent")
        with smtplib.SMTP("mail.example.com", 587, timeout=4) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException, redis.RedisError):
        return LOST
    return ToolResult.success("sent")


@labelled(
    args={"order_id": "A-17", "state": "paid"},
    backend={"postgresql://db.example.com/shop": {"INSERT INTO states": 1}},
    kind="db",
    AR104="failed",
    AR302="passed",
    AR303="passed",
)
async def set_state(order_id: str, state: str) -> ToolResult:
    """Set the state of an order, by upsert."""
    sql = "INSERT INTO states (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state, changed = now()"
    try:
        connection = await asyncpg.connect("postgresql://shop:pw@db.example.com/shop?sslmode=disable", timeout=5, command_timeout=5)
        try:
            await connection.execute(sql, order_id, state)
        finally:
            connection.terminate()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.TimeoutError):
        return LOST
    return ToolResult.success()


ledger = sqlite3.connect(":memory:", check_same_thread=False)
ledger.execute("CREATE TABLE bookings (key TEXT PRIMARY KEY)")


@labelled(
    args={"room": "Ada", "day": "2026-05-04"},
    backend={"POST https://rooms.example.com/bookings": {"id": "b-1"}},
    AR302="passed",
    AR303="passed",
)
def book_room(room: str, day: str) -> ToolResult:
    """Book a room that this process has not booked before."""
    key = fingerprint(room=room, day=day)
    try:
        with ledger:
            ledger.execute("INSERT INTO bookings VALUES (?)", (key,))
        response = requests.post("https://rooms.example.com/bookings", json={"room": room, "day": day}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except sqlite3.IntegrityError:
        return ToolResult.success("booked before")
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


class Tags:
    """The table is seen to when it is needed first, and then known to be there."""

    ready = False

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(Path(__file__).with_name("tags.db"))
        if not self.ready:
            connection.execute("CREATE TABLE IF NOT EXISTS tags (name TEXT PRIMARY KEY)")
            self.ready = True
        return connection


tags = Tags()


@labelled(args={"name": "urgent"}, backend={}, **NONE, AR301="passed", AR302="passed", AR305="passed")
def add_tag(name: str) -> ToolResult:
    """Add a tag to those that there are."""
    with contextlib.closing(tags.connect()) as connection, connection:
        connection.execute("INSERT OR IGNORE INTO tags VALUES (?)", (name,))
        return ToolResult.success(connection.execute("SELECT count(*) FROM tags").fetchone()[0])
