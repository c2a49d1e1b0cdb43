"""Whose mistake it is that an exchange fails: the backend's, which is told by its key and line, or our own, which is an error of ours."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import asyncpg
import pymysql
import pytest
import requests

from pytest_agentready.world import Backend, BackendFailed, Response, WireFault, observe
from pytest_agentready.world.services import http, redis, sql
from tests.world.entering import enter

URL = "http://api.example.com/orders/7"
ROUTE = f"GET {URL}"


def ask() -> int:
    try:
        return requests.get(URL, timeout=3).status_code
    except requests.RequestException:
        return 0


async def select() -> Any:
    connection = await asyncpg.connect("postgresql://me:it@db.test/shop")
    try:
        return await connection.fetch("SELECT id FROM orders WHERE note = $1", "x")
    finally:
        connection.terminate()


def select_from_mysql() -> Any:
    with pymysql.connect(host="db.test", user="me") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM orders")
        return cursor.fetchall()


class Odd:
    def __str__(self) -> str:
        raise ZeroDivisionError("odd")


def line(function: Any, offset: int = 0) -> str:
    return f"{__file__}:{inspect.getsourcelines(function)[1] + offset}"


def broken(asked: Any) -> Any:
    return {}[asked.sql if hasattr(asked, "sql") else asked.path]


def unfit(request: Any) -> Any:
    return Response(status=1000)


def no_json(request: Any) -> Any:
    return {"total": float("nan")}


def number(statement: Any) -> Any:
    return 5


def application(environ: Any, start_response: Any) -> Any:
    raise LookupError("no such table")


CASES: list[Any] = [
    (ask, {ROUTE: broken}, f"its {ROUTE!r} raised KeyError: '/orders/7' ({line(broken, 1)})"),
    (ask, broken, f"its callable raised KeyError: '/orders/7' ({line(broken, 1)})"),
    (
        ask,
        {"http://api.example.com": application},
        f"its 'http://api.example.com' raised LookupError: no such table ({line(application, 1)})",
    ),
    (ask, {ROUTE: unfit}, f"its {ROUTE!r}: unfit() answers with what cannot be sent: status=1000 is no status *({line(unfit)})"),
    (
        ask,
        {ROUTE: no_json},
        f"its {ROUTE!r}: no_json() answers with what cannot be sent: json=* is no JSON (it has no NaN *({line(no_json)})",
    ),
    (ask, {ROUTE: {}.__getitem__}, f"its {ROUTE!r} raised TypeError: unhashable type: 'dict'"),
    (select, {"postgresql://db.test/shop": [{"id": 1 << 70}]}, f"its value {1 << 70} cannot be sent (error: *)"),
    (select, {"postgresql://db.test/shop": broken}, f"its 'postgresql://db.test/shop' raised KeyError: * ({line(broken, 1)})"),
    (select_from_mysql, {"mysql://db.test": [{"id": Odd()}]}, f"a value in it raised ZeroDivisionError: odd ({line(Odd, 2)})"),
    (
        select_from_mysql,
        {"mysql://db.test": number},
        "it answers 5 to 'SELECT id FROM orders', which gives rows: answer with a list of dicts",
    ),
]


@pytest.mark.parametrize(("call", "backend", "told"), CASES)
def test_a_mistake_of_the_backend_is_told_by_its_key_and_its_line(call: Any, backend: Any, told: str) -> None:
    with pytest.raises(BackendFailed) as caught:
        enter(call, backend=backend)
    assert fnmatchcase(str(caught.value), told.replace("[", "[[]")), str(caught.value)


@dataclass(frozen=True, slots=True)
class BrokenFault(WireFault):
    def answer(self, exchange: Any) -> bool:
        raise ZeroDivisionError("a slip in the fault")


slip: Any = {}.__getitem__  # of no line of the user's, as everything in these files would be taken for


@pytest.mark.parametrize(
    ("owner", "name", "call", "backend"),
    [
        (http.HTTP, "respond", ask, {ROUTE: {}}),
        (http.HTTPExchange, "normal", ask, {ROUTE: {}}),
        (http.HTTP, "respond", ask, {ROUTE: lambda request: {}}),
        (Backend, "answer", ask, {ROUTE: {}}),
        (sql, "shaped", select_from_mysql, {"mysql://db.test": [{"id": 1}]}),
    ],
)
def test_a_mistake_of_our_own_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: Any, backend: Any) -> None:
    monkeypatch.setattr(owner, name, slip)
    with pytest.raises((KeyError, TypeError)) as caught:
        enter(call, backend=Backend.parse(backend))
    assert any(str(entry.path).endswith("exchange.py") for entry in caught.traceback)


def test_a_fault_that_raises_is_not_the_backends_mistake() -> None:
    with pytest.raises(ZeroDivisionError, match="a slip in the fault"):
        observe(ask, {}, backend=Backend.parse({ROUTE: {}}), fault=BrokenFault("broken", "it breaks", "break"))


def test_a_reply_of_redis_that_fails_is_our_own_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    import redis as client

    def ask() -> Any:
        try:
            return client.Redis("cache.test").get("x")
        except client.ConnectionError:
            return None

    monkeypatch.setattr(redis.CommandExchange, "act", slip)
    with pytest.raises((KeyError, TypeError)):
        enter(ask)
