"""Clients in C and the allow-list: a host on it is reached for real, and nobody else is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import psycopg
import psycopg2
import pycurl
import pytest
from curl_cffi import requests

from pytest_agentready.world.allowed import permitted
from tests.world.conftest import RealServer
from tests.world.entering import enter

NO = b"E" + (4 + 37).to_bytes(4, "big") + b"SFATAL\0C28P01\0Mthe real server says no\0\0"


def by_pycurl(url: str) -> str:
    body, curl = BytesIO(), pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEDATA, body)
    curl.setopt(pycurl.TIMEOUT_MS, 3000)
    curl.perform()
    return body.getvalue().decode()


def by_curl_cffi(url: str) -> str:
    return str(requests.get(url, timeout=3).text)


def by_async_curl_cffi(url: str) -> str:
    async def ask() -> str:
        async with requests.AsyncSession() as session:
            return str((await session.get(url, timeout=3)).text)

    return asyncio.run(ask())


@pytest.mark.parametrize("client", [by_pycurl, by_curl_cffi, by_async_curl_cffi])
def test_an_allowed_host_answers_for_real(client: Callable[[str], str], real_server: RealServer) -> None:
    port = int(real_server.url.rstrip("/").rpartition(":")[2])
    with permitted((("127.0.0.1", port),)):
        run = enter(lambda: client(real_server.url))
        assert (run.value, run.allowed, run.refused, run.requests) == ("real", (f"127.0.0.1:{port}",), (), ())
        assert enter(lambda: client("http://api.example.com/orders/7")).peers == ("api.example.com:80",)


@pytest.fixture
def database() -> Iterator[int]:
    """A server that speaks just enough of PostgreSQL to refuse whoever logs in."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    caller = listener.accept()[0]
                    with caller:
                        while (said := caller.recv(1000))[4:6] == b"\x04\xd2":  # may it be encrypted?
                            caller.sendall(b"N")
                        caller.sendall(NO if said else b"")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def by_psycopg(dsn: str) -> Any:
    return psycopg.connect(dsn)


def by_psycopg_async(dsn: str) -> Any:
    return asyncio.run(psycopg.AsyncConnection.connect(dsn))


def by_psycopg2(dsn: str) -> Any:
    return psycopg2.connect(dsn)


@pytest.mark.parametrize("connect", [by_psycopg, by_psycopg_async, by_psycopg2])
def test_an_allowed_database_answers_for_real(connect: Callable[[str], Any], database: int) -> None:
    with permitted((("127.0.0.1", database),)):
        run = enter(lambda: connect(f"host=127.0.0.1 port={database} user=ada dbname=shop connect_timeout=5"))
    assert run.raised is not None, run
    assert "the real server says no" in run.raised.message
    assert (run.allowed, run.refused) == ((f"127.0.0.1:{database}",), ())
