"""Calls with urllib3, http.client and urllib, as users write them, and the truths about each."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.request
from typing import Any

import urllib3
from urllib3.util.retry import Retry
from urllib3.util.timeout import Timeout

from tests.world.clients import client
from tests.world.entering import HTTP, HTTPS

HOST, PATH = "api.example.com", "/orders/7"


# --- urllib3, which repeats three times unless told


@client(connect="MaxRetryError 508.0", response="stuck", trickle="endless")
def urllib3_plain() -> Any:
    return urllib3.PoolManager().request("GET", HTTP).json()


@client(connect="ConnectTimeoutError 127.0", response="stuck", trickle="endless")
def urllib3_without_retries() -> Any:
    return urllib3.PoolManager(retries=False).request("GET", HTTP).json()


@client(connect="MaxRetryError 16.0", response="MaxRetryError 16.0", trickle="endless")
def urllib3_with_a_timeout() -> Any:
    return urllib3.PoolManager(timeout=4).request("GET", HTTP).json()


@client(connect="ConnectTimeoutError 4.0", response="ReadTimeoutError 4.0", trickle="endless")
def urllib3_with_a_timeout_and_no_retries() -> Any:
    return urllib3.request("GET", HTTP, timeout=4, retries=False).json()


@client(connect="MaxRetryError 10.0", response="MaxRetryError 25.0", trickle="endless")  # three tries, pauses of 0 and 4 s
def urllib3_with_two_timeouts_and_pauses() -> Any:
    manager = urllib3.PoolManager(timeout=Timeout(connect=2, read=7), retries=Retry(total=2, backoff_factor=2))
    return manager.request("GET", HTTP).json()


@client(healthy={"id": 8}, connect="MaxRetryError 16.0", response="ReadTimeoutError 4.0", trickle="endless")  # it may have been carried out
def urllib3_post() -> Any:
    return urllib3.PoolManager(timeout=4).request("POST", f"http://{HOST}/orders", fields={"a": "b"}).json()


@client(connect="MaxRetryError 4.0", accept="MaxRetryError 4.0", response="MaxRetryError 4.0", trickle="endless")
def urllib3_over_tls() -> Any:
    return urllib3.HTTPSConnectionPool(HOST, timeout=4, retries=Retry(0)).request("GET", PATH).json()


# --- http.client


@client(connect="TimeoutError 127.0", response="stuck", trickle="endless")
def http_client_plain() -> Any:
    return _read(http.client.HTTPConnection(HOST))


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="endless")
def http_client_with_a_timeout() -> Any:
    return _read(http.client.HTTPConnection(HOST, timeout=5))


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="endless")
def http_client_over_tls() -> Any:
    return _read(http.client.HTTPSConnection(HOST, timeout=5))


@client(connect="TimeoutError 127.0", response="stuck", trickle="endless")
def http_client_over_tls_plain() -> Any:
    return _read(http.client.HTTPSConnection(HOST))


def _read(line: http.client.HTTPConnection) -> Any:
    try:
        line.request("GET", PATH)
        return json.load(line.getresponse())
    finally:
        line.close()


# --- urllib


@client(connect="URLError 5.0", accept="URLError 5.0", response="TimeoutError 5.0", trickle="endless")
def urllib_over_tls() -> Any:
    with urllib.request.urlopen(HTTPS, timeout=5) as answer:
        return json.load(answer)


@client(connect="URLError 127.0", response="stuck", trickle="endless")
def urllib_over_tls_plain() -> Any:
    with urllib.request.urlopen(HTTPS) as answer:
        return json.load(answer)


@client(connect="URLError 3.0", response="TimeoutError 3.0", trickle="endless")
def urllib_with_a_timeout_for_all_sockets() -> Any:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(3)
    try:
        with urllib.request.urlopen(HTTP) as answer:
            return json.load(answer)
    finally:
        socket.setdefaulttimeout(before)


# --- sockets


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="endless")
def plain_socket() -> Any:
    with socket.create_connection((HOST, 80), timeout=5) as line:
        line.sendall(f"GET {PATH} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        with line.makefile("rb") as lines:
            return json.loads(lines.read().partition(b"\r\n\r\n")[2])
