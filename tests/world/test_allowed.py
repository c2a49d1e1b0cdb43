"""Services on the allow-list are real: reached over real connections, and waited for in real time."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import trustme

from pytest_agentready.domain import Run
from pytest_agentready.world.allowed import Allowed, permitted
from tests.world.entering import HTTP, ORDER, enter, exception

SLOW = 0.03  # real seconds that the service takes for an answer
sleep = time.sleep  # a bystander's, and real in any case


class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        type(self).connections += 1
        super().setup()

    def do_GET(self) -> None:
        sleep(SLOW)
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"re")
        sleep(0.005)
        self.wfile.write(b"al")

    def log_message(self, *_: Any) -> None:
        """Nothing is written."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def enter_allowing(service: str, call: Callable[[], Any], fault: str = "") -> Run:
    host, _, port = service.partition(":")
    with permitted(((host, int(port)),)):
        return enter(call, fault)


async def by_httpx(url: str) -> str:
    async with httpx.AsyncClient(timeout=5) as session:
        return (await session.get(url)).text


async def by_aiohttp(url: str) -> str:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session, session.get(url) as response:
        return await response.text()


def in_a_pool(url: str) -> str:
    with ThreadPoolExecutor(2) as pool:
        return pool.submit(requests.get, url).result(timeout=5).text


CLIENTS: dict[str, Callable[[str], Any]] = {
    "requests": lambda url: requests.get(url, timeout=5).text,
    "httpx": lambda url: httpx.get(url, timeout=5).text,
    "httpx async": by_httpx,
    "aiohttp": by_aiohttp,
    "wait_for": lambda url: asyncio.run(asyncio.wait_for(by_httpx(url), 5)),
    "thread pool": in_a_pool,
    "to_thread": lambda url: asyncio.run(asyncio.wait_for(asyncio.to_thread(lambda: requests.get(url).text), 5)),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_an_allowed_service_is_reached_whatever_the_fault_and_no_timeout_passes_falsely(client: str, service: str) -> None:
    for fault in ("", "response-hang"):
        run = enter_allowing(service, lambda: CLIENTS[client](f"http://{service}/"), fault)
        assert run.value == "real"
        assert run.virtual < 0.5
        assert run.allowed == (service,)
        assert run.peers == () == run.requests
        assert run.fired == 0


@pytest.mark.parametrize("client", ["httpx async", "aiohttp"])
def test_the_clock_stands_still_while_an_allowed_service_owes_an_answer_beside_a_peer_that_hangs(client: str, service: str) -> None:
    async def tool() -> list[Any]:
        call: Any = CLIENTS[client]
        return await asyncio.gather(call(f"http://{service}/"), call(HTTP), return_exceptions=True)

    run = enter_allowing(service, tool, "response-hang")
    assert isinstance(run.value, list)
    assert run.value[0] == "real"
    assert isinstance(run.value[1], Exception)
    assert run.virtual == pytest.approx(5.5, abs=0.6)  # aiohttp rounds up


def test_threads_may_ask_a_real_service_and_a_hanging_peer_at_once(service: str) -> None:
    def tool() -> list[str]:
        found: list[str] = []

        def ask(url: str) -> None:
            try:
                found.append(requests.get(url, timeout=5).text)
            except requests.Timeout:
                found.append("timeout")

        threads = [threading.Thread(target=ask, args=(url,)) for url in (HTTP, f"http://{service}/")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    run = enter_allowing(service, tool, "response-hang")
    assert run.value == ["real", "timeout"]
    assert run.virtual == pytest.approx(5, abs=0.1)


def test_what_is_not_allowed_is_simulated_beside_it(service: str) -> None:
    other = f"http://localhost:{int(service.partition(':')[2]) + 1}/"
    run = enter_allowing(
        service, lambda: [requests.get(f"http://{service}/").text, requests.get(HTTP).json(), requests.get(other).status_code]
    )
    assert run.value == ["real", ORDER, 404]
    assert run.allowed == (service,)
    assert len(run.requests) == 2


def test_a_pooled_connection_to_an_allowed_service_stays(service: str) -> None:
    with requests.Session() as session:
        session.get(f"http://{service}/")
        before = Slow.connections
        assert enter_allowing(service, lambda: session.get(f"http://{service}/", timeout=5).text).value == "real"
        assert Slow.connections == before


def test_a_real_service_that_speaks_tls_is_trusted_by_the_clients_own_roots() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        name = f"localhost:{server.server_port}"

        async def beside_a_simulated_one() -> str:
            async with httpx.AsyncClient(verify=client) as session:
                await session.get(HTTP)
                return (await session.get(f"https://{name}/")).text

        assert enter_allowing(name, lambda: httpx.get(f"https://{name}/", verify=client).text).value == "real"
        run = enter_allowing(name, beside_a_simulated_one)
        assert run.value == "real", run.raised
        server.shutdown()
        thread.join()


def test_a_service_that_does_not_answer_holds_the_clock_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_agentready.world.allowed.PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        name = f"127.0.0.1:{mute.getsockname()[1]}"

        async def tool() -> Any:
            async with httpx.AsyncClient(timeout=5) as session:
                return await session.get(f"http://{name}/")

        start = time.perf_counter()
        run = enter_allowing(name, tool)
        assert exception(run) == "ReadTimeout"
        assert time.perf_counter() - start >= 0.2


def test_a_socket_of_the_file_system_may_be_allowed_by_its_path(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("./db.sock")
        server.listen()

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.sendall(line.recv(10).upper())

        def tool() -> bytes:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect("./db.sock")
                line.sendall(b"hello")
                return line.recv(10)

        thread = threading.Thread(target=serve)
        thread.start()
        with permitted((("./db.sock", None),)):
            run = enter(tool)
        thread.join()
        assert run.value == b"HELLO"
        assert run.allowed == ("./db.sock",)


def test_which_hosts_are_allowed() -> None:
    allowed = Allowed([("Localhost", 5432), ("192.0.2.7", None)])
    assert allowed.covers("127.0.0.1", 5432)
    assert allowed.covers("localhost", 5432)
    assert allowed.covers("192.0.2.7", 1)
    assert not allowed.covers("127.0.0.1", 5433)
    assert not allowed.covers("192.0.2.8", 5432)
    assert allowed.knows("localhost")
    assert not allowed.knows("example.com")
