"""Calls of databases, stores, mail servers and streams as users write them, with the truth about each.

A truth is "EXCEPTION SECONDS" for a call that gives up by itself, or the kind of ending for one that never would.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiomysql
import aiosmtplib
import asyncpg
import mysql.connector
import pg8000.dbapi
import pymysql
import redis
import redis.asyncio
import websockets
import websockets.sync.client
from redis.backoff import NoBackoff
from redis.retry import Retry

Function = TypeVar("Function", bound=Callable[..., Any])
BACKEND: Mapping[str, Any] = {
    "redis://cache.internal": {"greeting": "hello"},
    "postgresql://db.internal/shop": [{"id": 7, "state": "shipped"}],
    "mysql://db.internal/shop": [{"id": 7, "state": "shipped"}],
    "GET wss://stream.example.com/prices": ["12.50"],
    "GET ws://echo.example.com/": lambda message: message,
}
MAIL = "Subject: Shipped\r\n\r\nYour order is on its way.\r\n"


@dataclass(frozen=True)
class Client:
    call: Callable[..., Any]
    answer: Any
    truths: Mapping[str, str]  # by fault


CLIENTS: list[Client] = []


def client(answer: Any, **truths: str) -> Callable[[Function], Function]:
    def keep(call: Function) -> Function:
        CLIENTS.append(Client(call, answer, {fault.replace("_", "-"): truth for fault, truth in truths.items()}))
        return call

    return keep


# --- Redis


@client(b"hello")
def redis_default() -> Any:
    return redis.Redis(host="cache.internal").get("greeting")


@client(b"hello")
def redis_with_a_timeout() -> Any:
    return redis.Redis(host="cache.internal", socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)).get("greeting")


@client(b"hello")
def redis_without_a_timeout() -> Any:
    return redis.Redis(host="cache.internal", socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)).get("greeting")


@client(b"hello")
def redis_over_tls() -> Any:
    return redis.Redis.from_url("rediss://:secret@cache.internal/0", socket_timeout=2, retry=Retry(NoBackoff(), 0)).get("greeting")


@client(b"hello")
async def redis_async() -> Any:
    from redis.asyncio.retry import Retry as AsyncRetry

    async with redis.asyncio.Redis(host="cache.internal", socket_timeout=2, retry=AsyncRetry(NoBackoff(), 0)) as cache:
        return await cache.get("greeting")


# --- PostgreSQL


@client("shipped")
async def asyncpg_default() -> Any:
    connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop")
    return await connection.fetchval("SELECT state FROM orders WHERE id = $1", 7)


@client("shipped")
async def asyncpg_with_timeouts() -> Any:
    connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5, command_timeout=5)
    return await connection.fetchval("SELECT state FROM orders WHERE id = $1", 7)


@client("shipped")
async def asyncpg_pool() -> Any:
    async with asyncpg.create_pool("postgresql://app:secret@db.internal/shop", min_size=1, timeout=5, command_timeout=5) as pool:
        return await pool.fetchval("SELECT state FROM orders WHERE id = $1", 7)


@client("shipped")
def pg8000_default() -> Any:
    connection = pg8000.dbapi.connect(user="app", password="secret", host="db.internal", database="shop")
    cursor = connection.cursor()
    cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
    return cursor.fetchone()[0]


@client("shipped")
def pg8000_with_a_timeout() -> Any:
    connection = pg8000.dbapi.connect(user="app", password="secret", host="db.internal", database="shop", timeout=5)
    cursor = connection.cursor()
    cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
    return cursor.fetchone()[0]


# --- MySQL


@client(("shipped",))
def pymysql_default() -> Any:
    connection = pymysql.connect(host="db.internal", user="app", password="secret", database="shop")
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
        return cursor.fetchone()


@client(("shipped",))
def pymysql_with_timeouts() -> Any:
    connection = pymysql.connect(
        host="db.internal", user="app", password="secret", database="shop", connect_timeout=5, read_timeout=5, write_timeout=5
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
        return cursor.fetchone()


@client(("shipped",))
async def aiomysql_default() -> Any:
    connection = await aiomysql.connect(host="db.internal", user="app", password="secret", db="shop")
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
        return await cursor.fetchone()


@client(("shipped",))
def mysql_connector_pure() -> Any:
    connection = mysql.connector.connect(host="db.internal", user="app", password="secret", database="shop", use_pure=True)
    cursor = connection.cursor()
    cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
    return cursor.fetchone()


# --- mail


@client({})
def smtplib_default() -> Any:
    with smtplib.SMTP("mail.internal") as server:
        return server.sendmail("shop@example.com", ["ada@example.com"], MAIL)


@client({})
def smtplib_with_a_timeout() -> Any:
    with smtplib.SMTP("mail.internal", 587, timeout=5) as server:
        server.starttls()
        server.login("app", "secret")
        return server.sendmail("shop@example.com", ["ada@example.com"], MAIL)


@client({})
def smtplib_over_tls() -> Any:
    with smtplib.SMTP_SSL("mail.internal", timeout=5) as server:
        server.login("app", "secret")
        return server.sendmail("shop@example.com", ["ada@example.com"], MAIL)


@client("2.0.0 Ok: queued")
async def aiosmtplib_default() -> Any:
    return (await aiosmtplib.send(MAIL, sender="shop@example.com", recipients=["ada@example.com"], hostname="mail.internal"))[1]


@client("2.0.0 Ok: queued")
async def aiosmtplib_with_a_timeout() -> Any:
    sent = await aiosmtplib.send(
        MAIL, sender="shop@example.com", recipients=["ada@example.com"], hostname="mail.internal", port=465, use_tls=True, timeout=5
    )
    return sent[1]


# --- WebSocket


@client("12.50")
async def websockets_default() -> Any:
    async with websockets.connect("wss://stream.example.com/prices") as stream:
        return await stream.recv()


@client("hi")
def websockets_sync_with_a_timeout() -> Any:
    with websockets.sync.client.connect("ws://echo.example.com/", open_timeout=5, close_timeout=5) as stream:
        stream.send("hi")
        return stream.recv(timeout=5)
