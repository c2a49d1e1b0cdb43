"""Tools that ask databases, stores, mail servers and streams: those without a deadline of their own, and their careful twins."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage
from typing import Any

import asyncpg
import pg8000.dbapi
import pymysql
import redis
import redis.asyncio
import websockets
import websockets.sync.client
from redis.backoff import NoBackoff
from redis.retry import Retry

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import classify, labelled

CACHE = {"redis://cache.internal/0": {"user:7": {"name": "Ada", "plan": "pro"}, "visits": 41}}
SHOP = [{"id": 7, "state": "shipped", "customer": "ada@example.com"}]
POSTGRES = {"postgresql://db.internal/shop": SHOP}
MYSQL = {
    "mysql://db.internal/shop": {
        "SELECT state FROM orders WHERE id = %s": SHOP,
        "UPDATE orders SET state = 'cancelled' WHERE id = %s": 1,
    }
}
PRICES = {"GET wss://stream.example.com/prices": [{"symbol": "ACME", "price": 12.5}]}
ECHO = {"GET wss://assistant.example.com/ask": lambda question: f"You asked: {question}"}


# --- Redis


@labelled(args={"user": "7"}, backend=CACHE, AR101="failed", AR102="failed", AR103="not_applicable", AR104="not_applicable", AR202="failed",
          AR203="not_applicable")  # fmt: skip
def read_profile_without_a_deadline(user: str) -> Any:
    cache = redis.Redis(host="cache.internal", socket_timeout=None, socket_connect_timeout=None, retry=None, decode_responses=True)
    return cache.hgetall(f"user:{user}")


@labelled(args={"user": "7"}, backend=CACHE)
def read_profile(user: str) -> ToolResult:
    try:
        with redis.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None, decode_responses=True) as cache:
            profile = cache.hgetall(f"user:{user}")
    except redis.RedisError:
        return ToolResult.transient("The profiles cannot be read at the moment.")
    return ToolResult.success(profile) if profile else ToolResult.permanent(f"There is no user {user}.")


@labelled(args={}, backend=CACHE, AR203="failed")  # eleven attempts of five seconds: what redis-py does by itself
def count_visit_with_the_clients_own_patience() -> ToolResult:
    try:
        return ToolResult.success(redis.Redis(host="cache.internal").incr("visits"))
    except redis.RedisError:
        return ToolResult.transient("The visit could not be counted.")


@labelled(args={"user": "7"}, backend=CACHE, AR103="failed", AR104="not_applicable")
async def read_plan_or_assume_one(user: str) -> ToolResult:
    try:
        async with redis.asyncio.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None) as cache:
            return ToolResult.success((await cache.hget(f"user:{user}", "plan")).decode())
    except (redis.RedisError, OSError):
        return ToolResult.success("free")


# --- PostgreSQL


@labelled(args={"order_id": 7}, backend=POSTGRES, kind="db", AR101="failed", AR102="failed", AR103="not_applicable", AR104="not_applicable",
          AR202="failed", AR203="not_applicable")  # fmt: skip
async def order_state_without_a_command_timeout(order_id: int) -> Any:
    connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5)
    try:
        return await connection.fetchval("SELECT state FROM orders WHERE id = $1", order_id)
    finally:
        await connection.close(timeout=2)


@labelled(args={"order_id": 7}, backend=POSTGRES, kind="db")
async def order_state(order_id: int) -> ToolResult:
    try:
        connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5, command_timeout=5)
        try:
            state = await connection.fetchval("SELECT state FROM orders WHERE id = $1", order_id)
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError):
        return ToolResult.transient("The orders cannot be read at the moment.")
    return ToolResult.success(state) if state else ToolResult.permanent(f"There is no order {order_id}.")


@labelled(args={"order_id": 7, "note": "gift"}, backend=POSTGRES, kind="db")
async def add_note(order_id: int, note: str) -> ToolResult:
    try:
        connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5, command_timeout=5)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError):
        return ToolResult.transient("The database cannot be reached.")
    try:
        async with connection.transaction():
            await connection.execute("INSERT INTO notes (order_id, text) VALUES ($1::int, $2)", order_id, note)
            await connection.execute("UPDATE orders SET state = 'noted' WHERE id = $1", order_id)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError):
        return ToolResult.transient("The note may have been written. Read the order before you try again.", retry_safe=False)
    finally:
        connection.terminate()
    return ToolResult.success("The note is written.")


@labelled(args={"order_id": 7}, backend=POSTGRES, kind="db", AR103="failed", AR104="not_applicable", AR202="failed", AR203="not_applicable")
def orders_of_a_customer_or_none(order_id: int) -> ToolResult:
    try:
        connection = pg8000.dbapi.connect(user="app", password="secret", host="db.internal", database="shop")
        cursor = connection.cursor()
        cursor.execute("SELECT id, state FROM orders WHERE id = %s", (order_id,))
        return ToolResult.success([list(row) for row in cursor.fetchall()])
    except Exception:
        return ToolResult.success([])


# --- MySQL


@labelled(args={"order_id": 7}, backend=MYSQL, kind="db", AR202="failed", AR203="not_applicable")
def order_state_without_a_read_timeout(order_id: int) -> ToolResult:
    try:
        connection = pymysql.connect(host="db.internal", user="app", password="secret", database="shop", connect_timeout=5)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT state FROM orders WHERE id = %s", (order_id,))
            found = cursor.fetchone()
    except pymysql.MySQLError:
        return ToolResult.transient("The orders cannot be read at the moment.")
    return ToolResult.success(found[0]) if found else ToolResult.permanent(f"There is no order {order_id}.")


@labelled(args={"order_id": 7}, backend=MYSQL, kind="db")
def cancel_order(order_id: int) -> ToolResult:
    try:
        connection = pymysql.connect(
            host="db.internal", user="app", password="secret", database="shop", connect_timeout=5, read_timeout=5, write_timeout=5
        )
    except pymysql.MySQLError:
        return ToolResult.transient("The database cannot be reached.")
    try:
        with connection, connection.cursor() as cursor:
            changed = cursor.execute("UPDATE orders SET state = 'cancelled' WHERE id = %s", (order_id,))
            connection.commit()
    except pymysql.MySQLError:
        return ToolResult.transient("The order may have been cancelled. Read its state first.", retry_safe=False)
    return ToolResult.success("cancelled") if changed else ToolResult.permanent(f"There is no order {order_id}.")


# --- mail


def _letter(to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, "Your order"
    message.set_content("It is on its way.")
    return message


@labelled(args={"to": "ada@example.com"}, backend={}, AR101="failed", AR102="failed", AR103="not_applicable", AR104="not_applicable",
          AR202="failed", AR203="not_applicable")  # fmt: skip
def send_letter_without_a_deadline(to: str) -> str:
    with smtplib.SMTP("mail.internal", 587) as server:
        server.starttls()
        server.login("shop", "secret")
        server.send_message(_letter(to))
    return f"Sent to {to}."


@labelled(args={"to": "ada@example.com"}, backend={"smtp://mail.internal:2500": {}})
def send_letter(to: str) -> ToolResult:
    try:
        server = smtplib.SMTP("mail.internal", 2500, timeout=4)
    except OSError:
        return ToolResult.transient("The mail server cannot be reached.")
    try:
        with server:
            server.send_message(_letter(to))
    except OSError:  # every SMTPException is one
        return ToolResult.transient("The mail may have been sent. Do not send it again.", retry_safe=False)
    return ToolResult.success(f"Sent to {to}.")


# --- WebSocket


@labelled(args={}, backend=PRICES, AR101="failed", AR102="failed", AR103="not_applicable", AR104="not_applicable", AR202="failed",
          AR203="not_applicable")  # fmt: skip
def first_price_without_a_deadline() -> Any:
    with websockets.sync.client.connect("wss://stream.example.com/prices", open_timeout=2, close_timeout=1, ping_interval=None) as stream:
        return stream.recv()


@labelled(args={"question": "Where is order 7?"}, backend=ECHO)
async def ask_assistant(question: str) -> ToolResult:
    async def ask() -> Any:
        async with websockets.connect("wss://assistant.example.com/ask", close_timeout=0.5) as stream:
            await stream.send(question)
            return await stream.recv()

    try:
        return ToolResult.success(await asyncio.wait_for(ask(), 4))
    except websockets.InvalidStatus as error:
        return classify.from_status(error.response.status_code)
    except (websockets.WebSocketException, OSError, asyncio.TimeoutError):
        return ToolResult.transient("The assistant could not be reached.")


@labelled(args={"user": "ada"}, backend={"redis://profiles.internal": {"p:ada": "likes tea"}}, AR205="passed")
def profile_by_the_clients_own_backoff(user: str) -> ToolResult:
    """What a user likes. The client's default: ten repetitions, from some milliseconds up to a second apart."""
    try:
        with redis.Redis(host="profiles.internal", socket_timeout=0.2, socket_connect_timeout=0.2, decode_responses=True) as profiles:
            return ToolResult.success(profiles.get(f"p:{user}"))
    except redis.RedisError:
        return ToolResult.transient("The profiles cannot be reached.")


@labelled(args={"user": "ada"}, backend={"redis://profiles.internal": {"p:ada": "likes tea"}}, AR205="failed")
def profile_without_a_backoff(user: str) -> ToolResult:
    """What a user likes. Ten repetitions at once."""
    at_once = Retry(NoBackoff(), 10)
    try:
        with redis.Redis(host="profiles.internal", socket_timeout=0.2, socket_connect_timeout=0.2, retry=at_once) as profiles:
            return ToolResult.success((profiles.get(f"p:{user}") or b"").decode())
    except redis.RedisError:
        return ToolResult.transient("The profiles cannot be reached.")
