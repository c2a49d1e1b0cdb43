"""Calls of stores, mail servers and streams as users write them, with the truth about each.

A truth is "EXCEPTION SECONDS" for a call that gives up by itself, or the kind of ending for one that never would.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiosmtplib
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
    broken: str  # the exception when the connection breaks, wherever in the answer; " or " where the version of Python decides


CLIENTS: list[Client] = []


def client(answer: Any, *, connect: str, accept: str, response: str, trickle: str, broken: str) -> Callable[[Function], Function]:
    def keep(call: Function) -> Function:
        truths = {"connect-hang": connect, "accept-hang": accept, "response-hang": response, "trickle": trickle}
        CLIENTS.append(Client(call, answer, truths, broken))
        return call

    return keep


# --- Redis


@client(
    b"hello",
    connect="TimeoutError 55.6-61.6",
    accept="TimeoutError 55.6-61.6",
    response="TimeoutError 55.6-61.6",
    trickle="endless",
    broken="ConnectionError",
)
def redis_default() -> Any:
    return redis.Redis(host="cache.internal").get("greeting")


@client(
    b"hello",
    connect="TimeoutError 2.0",
    accept="TimeoutError 2.0",
    response="TimeoutError 2.0",
    trickle="endless",
    broken="ConnectionError",
)
def redis_with_a_timeout() -> Any:
    return redis.Redis(host="cache.internal", socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)).get("greeting")


@client(b"hello", connect="TimeoutError 127.0", accept="stuck", response="stuck", trickle="endless", broken="ConnectionError")
def redis_without_a_timeout() -> Any:
    return redis.Redis(host="cache.internal", socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)).get("greeting")


@client(
    b"hello",
    connect="TimeoutError 5.0",
    accept="TimeoutError 2.0",
    response="TimeoutError 2.0",
    trickle="endless",
    broken="ConnectionError",
)
def redis_over_tls() -> Any:
    return redis.Redis.from_url("rediss://:secret@cache.internal/0", socket_timeout=2, retry=Retry(NoBackoff(), 0)).get("greeting")


@client(
    b"hello",
    connect="TimeoutError 5.0",
    accept="TimeoutError 2.0",
    response="TimeoutError 2.0",
    trickle="TimeoutError 2.0",
    broken="ConnectionError",
)
async def redis_async() -> Any:
    from redis.asyncio.retry import Retry as AsyncRetry

    async with redis.asyncio.Redis(host="cache.internal", socket_timeout=2, retry=AsyncRetry(NoBackoff(), 0)) as cache:
        return await cache.get("greeting")


# --- mail


@client({}, connect="TimeoutError 127.0", accept="stuck", response="stuck", trickle="endless", broken="SMTPServerDisconnected")
def smtplib_default() -> Any:
    with smtplib.SMTP("mail.internal") as server:
        return server.sendmail("shop@example.com", ["ada@example.com"], MAIL)


@client(
    {},
    connect="TimeoutError 5.0",
    accept="SMTPServerDisconnected 5.0",
    response="SMTPServerDisconnected 5.0",
    trickle="endless",
    broken="SMTPServerDisconnected",
)
def smtplib_with_a_timeout() -> Any:
    with smtplib.SMTP("mail.internal", 587, timeout=5) as server:
        server.starttls()
        server.login("app", "secret")
        return server.sendmail("shop@example.com", ["ada@example.com"], MAIL)


@client(
    {},
    connect="TimeoutError 5.0",
    accept="TimeoutError 5.0",
    response="SMTPServerDisconnected 5.0",
    trickle="endless",
    broken="SMTPServerDisconnected",
)
def smtplib_over_tls() -> Any:
    with smtplib.SMTP_SSL("mail.internal", timeout=5) as server:
        server.login("app", "secret")
        return server.sendmail("shop@example.com", ["ada@example.com"], MAIL)


@client(
    "2.0.0 Ok: queued",
    connect="SMTPConnectTimeoutError 60.0",
    accept="SMTPConnectTimeoutError 60.0",
    response="SMTPReadTimeoutError 60.0",
    trickle="SMTPReadTimeoutError 60.0",
    broken="SMTPServerDisconnected",
)
async def aiosmtplib_default() -> Any:
    return (await aiosmtplib.send(MAIL, sender="shop@example.com", recipients=["ada@example.com"], hostname="mail.internal"))[1]


@client(
    "2.0.0 Ok: queued",
    connect="SMTPConnectTimeoutError 5.0",
    accept="SMTPConnectTimeoutError 5.0",
    response="SMTPReadTimeoutError 5.0",
    trickle="SMTPReadTimeoutError 5.0",
    broken="SMTPServerDisconnected",
)
async def aiosmtplib_with_a_timeout() -> Any:
    sent = await aiosmtplib.send(
        MAIL, sender="shop@example.com", recipients=["ada@example.com"], hostname="mail.internal", port=465, use_tls=True, timeout=5
    )
    return sent[1]


# --- WebSocket


@client(
    "12.50",
    connect="TimeoutError 10.0",
    accept="TimeoutError 10.0",
    response="TimeoutError 10.0",
    trickle="TimeoutError 10.0",
    broken="InvalidMessage",
)
async def websockets_default() -> Any:
    async with websockets.connect("wss://stream.example.com/prices") as stream:
        return await stream.recv()


@client(
    "hi",
    connect="TimeoutError 5.0",
    accept="TimeoutError 5.0",
    response="TimeoutError 5.0",
    trickle="TimeoutError 5.0",
    broken="InvalidMessage",
)
def websockets_sync_with_a_timeout() -> Any:
    with websockets.sync.client.connect("ws://echo.example.com/", open_timeout=5, close_timeout=5) as stream:
        stream.send("hi")
        return stream.recv(timeout=5)
