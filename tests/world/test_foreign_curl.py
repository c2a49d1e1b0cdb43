"""pycurl and curl_cffi in the world: led to its door, in real time, so that these tests are few and their timeouts short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from typing import Any

import curl_cffi
import pycurl
import pytest
from curl_cffi import requests

from pytest_agentready.domain import Run
from pytest_agentready.world import Limits
from pytest_agentready.world.foreign.hello import server_name
from tests.world.conftest import RealServer
from tests.world.entering import HTTP, HTTPS, enter, exception, line_of

SESSION: Any = requests.Session()  # as a module of a project makes it
PATIENCE = 1.0  # real seconds


def by_pycurl(url: str = HTTPS, milliseconds: int = 300) -> Callable[[], Any]:
    def ask() -> Any:
        body = BytesIO()
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.WRITEDATA, body)
        if milliseconds:
            curl.setopt(pycurl.TIMEOUT_MS, milliseconds)
        curl.perform()
        return curl.getinfo(pycurl.RESPONSE_CODE), body.getvalue().decode()

    return ask


def by_curl_cffi(url: str = HTTPS, milliseconds: int = 300) -> Callable[[], Any]:
    def ask() -> Any:
        response = SESSION.get(url, timeout=milliseconds / 1000 or None)
        return response.status_code, response.text

    return ask


def by_async_curl_cffi(url: str = HTTPS, milliseconds: int = 300) -> Callable[[], Any]:
    async def ask() -> Any:
        async with requests.AsyncSession() as session:
            response = await session.get(url, timeout=milliseconds / 1000 or None)
            return response.status_code, response.text

    return ask


CLIENTS = pytest.mark.parametrize("client", [by_pycurl, by_curl_cffi, by_async_curl_cffi])


def ask(call: Callable[[], Any], fault: str = "", **more: Any) -> Run:
    return enter(call, fault, limits=Limits(patience=PATIENCE), **more)


@CLIENTS
@pytest.mark.parametrize("url", [HTTP, HTTPS])
def test_a_request_is_answered_and_recorded(client: Callable[..., Any], url: str) -> None:
    run = ask(client(url, 5000))
    assert run.value == (200, '{"state": "shipped"}')
    (request,) = run.requests
    assert (request.method, request.url, request.committed) == ("GET", url, True)
    line = "curl.perform()" if client is by_pycurl else ".get(url"
    assert request.where == line_of(client, line)
    assert run.peers == ("api.example.com:443" if url == HTTPS else "api.example.com:80",)
    assert run.in_real_time


# What pycurl and curl_cffi raise, as they do against real servers.
TRUTH = {
    "dns-failure": ("6", "DNSError"),
    "refused": ("7", "ConnectionError"),
    "reset-before-answer": ("56", "ConnectionError"),
    "untrusted-certificate": ("60", "CertificateVerifyError"),
    "expired-certificate": ("60", "CertificateVerifyError"),
    "wrong-host-certificate": ("60", "CertificateVerifyError"),
    "response-hang": ("28", "Timeout"),
}


@CLIENTS
@pytest.mark.parametrize("fault", TRUTH)
def test_a_client_meets_a_fault_as_it_would_outside(client: Callable[..., Any], fault: str) -> None:
    run = ask(client(), fault)
    number, name = TRUTH[fault]
    assert run.fired
    assert run.raised is not None
    assert exception(run) == ("error" if client is by_pycurl else name)
    assert f"({number}" in run.raised.message
    assert "127.0.0.1" not in run.raised.message
    if fault == "response-hang":
        assert run.virtual == pytest.approx(0.3, abs=0.25)


@CLIENTS
@pytest.mark.parametrize("fault", ["503", "malformed-json"])
def test_an_answer_of_the_fault_arrives(client: Callable[..., Any], fault: str) -> None:
    status, body = ask(client(HTTP, 5000), fault).value  # type: ignore[misc]
    assert (status, body) == ((503, "") if fault == "503" else (200, '{"state": "shipped","'))


@CLIENTS
def test_a_transfer_without_a_timeout_is_proved_to_have_none(client: Callable[..., Any]) -> None:
    run = ask(client(HTTP, 0), "response-hang")
    assert run.ending is not None
    assert run.ending.kind == "stuck"
    assert "of real time" in run.ending.detail
    assert [(wait.peer, wait.bound) for wait in run.waits if wait.outcome == "unbounded"] == [("api.example.com:80", None)]
    assert run.real < 3


def test_a_transfer_that_waits_too_long_is_cut_off() -> None:
    run = ask(by_pycurl(HTTP, 60_000), "accept-hang")
    assert run.ending is None
    assert run.virtual == pytest.approx(PATIENCE, abs=0.5)
    (wait,) = run.waits
    assert (wait.bound, wait.outcome) == (60, "cut")


def test_a_deadline_around_an_async_transfer_without_a_timeout_is_kept() -> None:
    async def tool() -> Any:
        return await asyncio.wait_for(by_async_curl_cffi(HTTP, 0)(), 0.3)

    run = ask(tool, "response-hang")
    assert run.ending is None
    assert exception(run) == "TimeoutError"
    assert run.virtual == pytest.approx(0.3, abs=0.25)


def test_many_transfers_at_once_are_led_in_too() -> None:
    def tool() -> list[int]:
        multi, curls = pycurl.CurlMulti(), [pycurl.Curl() for _ in range(3)]
        for curl in curls:
            curl.setopt(pycurl.URL, HTTP)
            curl.setopt(pycurl.WRITEDATA, BytesIO())
            multi.add_handle(curl)
        while multi.perform()[1]:
            multi.select(1.0)
        statuses = [curl.getinfo(pycurl.RESPONSE_CODE) for curl in curls]
        for curl in curls:
            multi.remove_handle(curl)
        return statuses

    run = ask(tool)
    assert run.value == [200, 200, 200]
    assert len(run.requests) == 3


@CLIENTS
def test_a_proxy_of_the_environment_and_a_server_of_this_machine_see_nothing(
    client: Callable[..., Any], real_server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, real_server.url)
    run = ask(client(real_server.url, 2000))
    assert (run.value[0], real_server.heard) == (404, 0)  # type: ignore[index]


def test_what_was_replaced_is_put_back() -> None:
    def state() -> list[Any]:
        return [
            pycurl.Curl,
            pycurl.CurlMulti,
            *(vars(curl_cffi.Curl)[n] for n in ("perform", "setopt", "reset")),
            curl_cffi.AsyncCurl.add_handle,
        ]

    before = state()
    ask(by_pycurl(HTTP), "refused")
    ask(by_curl_cffi(HTTP))
    assert state() == before


def test_after_a_run_transfers_are_real_again(real_server: RealServer) -> None:
    ask(by_curl_cffi(HTTP))
    assert SESSION.get(real_server.url, timeout=5).text == "real"


def test_the_name_in_a_client_hello_is_read() -> None:
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="api.example.com")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    assert server_name(hello) == "api.example.com"
    assert server_name(hello[:40]) is None
    assert server_name(b"GET / HTTP/1.1\r\n") == ""


def test_the_door_leaves_no_socket_and_no_thread_behind() -> None:
    import os
    import threading

    ask(by_pycurl(HTTP))
    before = len(os.listdir("/dev/fd")), threading.active_count()
    for fault in ("", "reset-before-answer"):
        ask(by_pycurl(HTTP), fault)
    assert (len(os.listdir("/dev/fd")), threading.active_count()) == before


def test_a_socket_file_is_refused() -> None:
    def tool() -> None:
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, HTTP)
        curl.setopt(pycurl.UNIX_SOCKET_PATH, "/var/run/docker.sock")
        curl.perform()

    assert ask(tool).refused == ("a connection of pycurl to /var/run/docker.sock",)
