"""What is said of requests that the backend does not answer, for each protocol."""

from __future__ import annotations

import smtplib
from typing import Any

import asyncpg
import pg8000.dbapi
import pymysql
import pytest
import redis
import requests
import websockets.sync.client

from tests.experiments.test_normal_call import observe

ROWS = [{"id": 7, "state": "shipped"}]


async def read_postgres() -> Any:
    connection = await asyncpg.connect("postgresql://app@db.internal/shop")
    return await connection.fetchval("SELECT state FROM orders WHERE id = $1", 7)


def write_postgres() -> Any:
    with pg8000.dbapi.connect(user="app", host="db.internal", port=6432, database="shop") as connection:
        connection.cursor().execute("INSERT INTO orders (state) VALUES (%s)", ("new",))


def read_mysql() -> Any:
    with pymysql.connect(host="db.internal", user="app", password="", database="shop") as connection:
        connection.cursor().execute("SELECT state FROM orders")


def listen() -> Any:
    with websockets.sync.client.connect("wss://stream.example.com/prices?of=acme") as stream:
        return stream.recv()


def send() -> Any:
    with smtplib.SMTP("mail.internal", 2600) as server:
        return server.noop()


@pytest.mark.parametrize(
    ("call", "backend", "told"),
    [
        (
            read_postgres,
            None,
            (
                "nothing answers SELECT postgresql://db.internal/shop: "
                "give backend={'postgresql://db.internal/shop': [{...}]} in its agent_tool mark"
            ),
        ),
        (
            read_postgres,
            {"postgresql://db.internal/bank": ROWS},
            "the backend has no route for SELECT postgresql://db.internal/shop: add 'postgresql://db.internal/shop': [{...}] to the",
        ),
        (
            read_postgres,
            {"postgresql://db.internal/shop": {"SELECT total": ROWS}},
            "has no answer to 'SELECT state FROM orders WHERE id = $1': add 'SELECT state FROM orders': [{...}] to it",
        ),
        (
            write_postgres,
            {"postgresql://db.internal:6432/shop": {"SELECT total": ROWS}},
            "has no answer to 'INSERT INTO orders (state) VALUES ($1)': add 'INSERT INTO orders (state)': 1",
        ),
        (read_mysql, None, "give backend={'mysql://db.internal/shop': [{...}]} in its agent_tool mark"),
        (listen, None, "nothing answers GET wss://stream.example.com/prices: give backend={'GET wss://stream.example.com/prices': [...]}"),
        (
            send,
            None,
            "(nothing was said to mail.internal:2600: if it speaks first, name its protocol in backend=, such as {'smtp://mail.int",
        ),
    ],
)
def test_the_remedy_is_in_the_words_of_the_protocol(call: Any, backend: Any, told: str) -> None:
    assert told in observe(call, backend=backend).obstacle


def test_what_a_remedy_says_is_a_backend_that_works() -> None:
    rows = {"postgresql://db.internal/shop": {"SELECT state FROM orders": ROWS}}
    assert observe(read_postgres, backend=rows).obstacle == ""
    assert observe(send, backend={"smtp://mail.internal:2600": {}}).obstacle == ""


def test_an_empty_redis_needs_no_backend() -> None:
    assert observe(lambda: redis.Redis(host="cache.internal").set("a", 1), backend=None).obstacle == ""


@pytest.mark.parametrize(
    ("key", "is_meant"),
    [
        ("GET https://api.example.com/orderz/{id}", True),
        ("GET https://api.example.com/orders/{id}?expand=lines", True),
        ("GET https://api.example.com/orders/{id}/", True),
        ("GET https://api.example.com/v1/orders/{id}", True),
        ("GET http://api.example.com/orders/{id}", True),
        ("GET https://api.example.com/users/{id}", False),
        ("GET https://api.example.com/orders", False),
        ("GET https://api.example.com/orders/{id}/lines", False),
        ("DELETE https://api.example.com/orders/{id}", False),
        ("GET https://other.example.com/orders/{id}", False),
        ("GET https://api.example.com/{kind}/{id}/{part}", False),
    ],
)
def test_a_key_that_is_nearly_what_was_asked_is_named(key: str, is_meant: bool) -> None:
    def ask() -> Any:
        return requests.get("https://api.example.com/orders/42", timeout=5).json()["status"]

    told = "the backend has no route for GET https://api.example.com/orders/42: add it to the marker's backend="
    meant = f". Is its key {key!r} meant for that?" if is_meant else ""
    assert observe(ask, backend={key: {"status": "shipped"}}).obstacle == f"{told}{meant}"
