"""The log-in: which passwords a peer learns, and that it learns them without any harm to a client that has none."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest

from pytest_agentready.domain import LogIn
from pytest_agentready.experiments import log_in, normal_call
from pytest_agentready.world.leftovers import collected
from tests.examining import as_tool
from tests.world.entering import enter

PASSWORD = "s3cret: 9f/8a@ø"
BACKEND = {
    "postgresql://db.example.com/shop": [{"id": 1}],
    "mysql://db.example.com/shop": [{"id": 1}],
    "redis://db.example.com:6379": {"stock": "3"},
    "smtp://mail.example.com:587": {},
}


def logged_in(call: Callable[[], Any]) -> LogIn:
    tool = as_tool(call, {"backend": BACKEND})
    with collected(tool):
        return log_in.run(tool, normal_call.run(tool))


def by_pg8000(password: str | None = PASSWORD) -> None:
    import pg8000.dbapi

    connection = pg8000.dbapi.connect(user="app", password=password, host="db.example.com", database="shop", timeout=3)
    connection.cursor().execute("SELECT id FROM stock")
    connection.close()


async def by_asyncpg() -> None:
    import asyncpg

    connection = await asyncpg.connect(user="app", password=PASSWORD, host="db.example.com", database="shop", timeout=3)
    await connection.fetch("SELECT id FROM stock")
    await connection.close()


def by_psycopg() -> None:
    import psycopg

    with psycopg.connect(user="app", password=PASSWORD, host="db.example.com", dbname="shop", connect_timeout=3) as connection:
        connection.execute("SELECT id FROM stock")


def by_pymysql(password: str = PASSWORD, tls: ssl.SSLContext | None = None) -> None:
    import pymysql

    password = password.replace("ø", "o")  # which it sends in latin-1
    connection = pymysql.connect(user="app", password=password, host="db.example.com", database="shop", connect_timeout=3, ssl=tls)
    connection.cursor().execute("SELECT id FROM stock")
    connection.close()


def by_pymysql_over_tls() -> None:
    by_pymysql(tls=ssl.create_default_context())


@pytest.mark.parametrize("call", [by_pg8000, by_asyncpg, by_psycopg, by_pymysql, by_pymysql_over_tls])
def test_a_database_that_asks_for_the_password_learns_it_and_answers_as_ever(call: Callable[[], Any]) -> None:
    (run,) = logged_in(call).runs
    expected = PASSWORD.replace("ø", "o") if "pymysql" in call.__name__ else PASSWORD
    assert [(secret.value, secret.origin) for secret in run.credentials] == [(expected, "the password for the database")]
    assert run.returned


def test_a_client_without_a_password_has_none_to_learn() -> None:
    (by_postgres,) = logged_in(lambda: by_pg8000(None)).runs
    (by_mysql,) = logged_in(lambda: by_pymysql("")).runs
    assert (by_postgres.credentials, by_mysql.credentials) == ((), ())


def test_a_database_asks_for_it_in_no_other_run() -> None:
    assert enter(by_pg8000, backend=BACKEND).credentials == ()


def test_a_tool_that_asks_no_database_is_not_called() -> None:
    import redis

    assert logged_in(lambda: redis.Redis(host="db.example.com").get("stock")) == LogIn()


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("user", [None, "app"])
def test_a_redis_hears_it_at_each_log_in(protocol: int, user: str | None) -> None:
    import redis

    def call() -> None:
        redis.Redis(host="db.example.com", username=user, password=PASSWORD, protocol=protocol).get("stock")

    assert [secret.value for secret in enter(call, backend=BACKEND).credentials] == [PASSWORD]


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_a_mail_server_hears_it_too(mechanism: str) -> None:
    import smtplib

    def call() -> None:
        with smtplib.SMTP("mail.example.com", 587, timeout=3) as client:
            client.ehlo()
            client.user, client.password = "ada", PASSWORD.replace("ø", "o")  # type: ignore[attr-defined]
            client.auth(mechanism.removeprefix("auth_"), getattr(client, mechanism))

    assert [secret.value for secret in enter(call, backend=BACKEND).credentials] == [PASSWORD.replace("ø", "o")]
