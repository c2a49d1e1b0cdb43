"""HTTP as the peers speak it: connections that stay open, bodies of every kind, proxies."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.world import IncomingRequest
from tests.world.entering import HTTP, HTTPS, ORDER, enter, exception

HOST = "api.example.com"
ECHO = {f"POST http://{HOST}/echo": lambda request: {"length": len(request.body), "text": request.body.decode()[:20]}}


def test_several_requests_travel_on_one_connection() -> None:
    def tool() -> Any:
        line = http.client.HTTPConnection(HOST, timeout=5)
        found = []
        for _ in range(3):
            line.request("GET", "/orders/7")
            found.append((line.sock.fileno(), line.getresponse().read()))
        line.close()
        return found

    run = enter(tool)
    assert len({number for number, _ in run.value}) == 1  # type: ignore[attr-defined]
    assert [request.status for request in run.requests] == [200] * 3


def test_pipelined_requests_are_answered_in_their_order() -> None:
    def tool() -> bytes:
        with socket.create_connection((HOST, 80), timeout=5) as line:
            head = f"HTTP/1.1\r\nHost: {HOST}\r\n"
            line.sendall(f"GET /orders/1 {head}\r\nGET /orders/2 {head}Connection: close\r\n\r\n".encode())
            found = b""
            while data := line.recv(1000):
                found += data
            return found

    run = enter(tool, backend={f"GET http://{HOST}/orders/{{id}}": lambda request: {"id": request.params["id"]}})
    assert isinstance(run.value, bytes)
    assert run.value.count(b"200") == 2
    assert run.value.index(b'{"id": "1"}') < run.value.index(b'{"id": "2"}')


def test_who_waits_for_100_continue_gets_it() -> None:
    def tool() -> Any:
        with socket.create_connection((HOST, 80), timeout=5) as line:
            line.sendall(f"POST /echo HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode())
            first = line.recv(1000)
            line.sendall(b"tea")
            answer = http.client.HTTPResponse(line, method="POST")
            answer.begin()
            return first.split(b"\r\n")[0].strip(), answer.read()

    run = enter(tool, backend=ECHO)
    assert run.value == (b"HTTP/1.1 100", b'{"length": 3, "text": "tea"}')


def test_http_client_may_expect_a_continue() -> None:
    def tool() -> bytes:
        line = http.client.HTTPConnection(HOST, timeout=5)
        line.request("POST", "/echo", body=b"tea", headers={"Expect": "100-continue"})
        answer = line.getresponse()  # skips the 100
        try:
            return answer.read()
        finally:
            line.close()

    assert enter(tool, backend=ECHO).value == b'{"length": 3, "text": "tea"}'


def chunks() -> Iterator[bytes]:
    yield b"te"
    yield b"a"


@pytest.mark.parametrize(
    "call",
    [
        lambda: requests.post(f"http://{HOST}/echo", data=chunks(), timeout=5).json(),
        lambda: httpx.post(f"http://{HOST}/echo", content=chunks()).json(),
    ],
    ids=["requests", "httpx"],
)
def test_a_body_in_chunks_is_put_together(call: Any) -> None:
    run = enter(call, backend=ECHO)
    assert run.value == {"length": 3, "text": "tea"}
    assert run.requests[0].body == b"tea"
    assert dict(run.requests[0].headers)["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("keyword", ["data", "content"], ids=["requests", "httpx"])
def test_a_large_body_arrives_whole(keyword: str, scheme: str) -> None:
    url = f"{scheme}://{HOST}/echo"
    post: Any = requests.post if keyword == "data" else httpx.post
    backend = {f"POST {url}": lambda request: {"length": len(request.body)}}
    run = enter(lambda: post(url, timeout=5, **{keyword: b"x" * 3_000_000}).json(), backend=backend)
    assert run.value == {"length": 3_000_000}


@pytest.mark.parametrize("url", [HTTP, HTTPS])
def test_a_large_answer_arrives_whole(url: str) -> None:
    run = enter(lambda: requests.get(url, timeout=5).json(), backend={f"GET {url}": {"text": "x" * 3_000_000}})
    assert len(run.value["text"]) == 3_000_000  # type: ignore[index]


def test_a_peer_that_reads_nothing_blocks_who_sends_much() -> None:
    run = enter(lambda: requests.post(f"http://{HOST}/echo", data=b"x" * 3_000_000, timeout=5), "accept-hang")
    assert exception(run) in ("ReadTimeout", "ConnectionError")
    assert run.virtual == pytest.approx(5, abs=0.1)


def test_a_client_that_closes_is_let_go() -> None:
    def tool() -> int:
        return requests.get(HTTP, headers={"Connection": "close"}, timeout=5).status_code

    assert enter(lambda: [tool(), tool()]).value == [200, 200]


def test_an_answer_can_be_read_as_a_stream() -> None:
    def tool() -> list[str]:
        with httpx.stream("GET", HTTP) as answer:
            return list(answer.iter_lines())

    assert enter(tool, backend={f"GET {HTTP}": {"text": "a"}}).value == ['{"text": "a"}']


# --- proxies of the environment


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.corp.example.com:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


each_client = pytest.mark.parametrize(
    "get",
    [lambda url: requests.get(url, timeout=5), lambda url: httpx.get(url, timeout=5)],
    ids=["requests", "httpx"],
)


@pytest.mark.usefixtures("proxies")
@pytest.mark.parametrize("url", [HTTP, HTTPS])
@each_client
def test_a_request_goes_through_the_proxy_to_its_peer(get: Any, url: str) -> None:
    run = enter(lambda: get(url).json())
    assert run.value == ORDER
    assert [request.url for request in run.requests] == [url]
    assert run.peers == ("proxy.corp.example.com:3128",)


@pytest.mark.usefixtures("proxies")
@pytest.mark.parametrize("url", [HTTP, HTTPS])
@each_client
def test_a_fault_is_met_through_the_proxy(get: Any, url: str) -> None:
    assert enter(lambda: get(url).status_code, "503").value == 503
    silent = enter(lambda: get(url), "response-hang")
    assert exception(silent) == "ReadTimeout"
    assert silent.virtual == pytest.approx(5, abs=0.1)


@pytest.mark.usefixtures("proxies")
def test_a_bad_certificate_is_met_through_the_tunnel() -> None:
    assert exception(enter(lambda: requests.get(HTTPS, timeout=5), "untrusted-certificate")) == "SSLError"


def test_the_backend_sees_the_headers_in_lower_case() -> None:
    def answer(request: IncomingRequest) -> Any:
        return request.headers["x-token"]

    assert enter(lambda: requests.get(HTTP, headers={"X-Token": "t"}).json(), backend={f"GET {HTTP}": answer}).value == "t"


@pytest.mark.parametrize("client", [http.client.HTTPConnection, http.client.HTTPSConnection])
def test_what_a_client_keeps_open_has_ended_in_good_order_by_the_next_run(client: type[http.client.HTTPConnection]) -> None:
    """As a server ends an idle connection: clients that keep one know how to begin anew from there, and not from a broken pipe."""
    kept = client("api.example.com", timeout=5)

    def ask() -> bytes:
        kept.request("GET", "/orders/7")
        return kept.getresponse().read()

    assert enter(ask).returned
    assert exception(enter(ask)) == "RemoteDisconnected"
    assert enter(ask).returned
    kept.close()
