"""What a run records: every request, wait and pause, with the user's own line, and the same in every repetition."""

from __future__ import annotations

import asyncio
import json
import queue
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from pytest_agentready.domain import Run, Wait
from tests.world import clients
from tests.world.entering import HTTP, HTTPS, enter, line_of

ORDERS = "http://api.example.com/orders"


def order() -> int:
    return requests.post(ORDERS, json={"item": "tea"}, headers={"Idempotency-Key": "k1"}, timeout=5).status_code


def test_a_request_is_recorded_as_the_peer_saw_it() -> None:
    (request,) = enter(order).requests
    assert (request.method, request.url, request.status, request.committed, request.routed) == ("POST", ORDERS, 200, True, True)
    assert json.loads(request.body) == {"item": "tea"}
    assert dict(request.headers)["content-type"] == "application/json"
    assert dict(request.headers)["host"] == "api.example.com"
    assert request.idempotency_key == "k1"
    assert request.is_write
    assert request.where == line_of(order, "requests.post")
    assert 0 < request.at < 0.1


def test_a_request_without_an_answer_has_no_status() -> None:
    (request,) = enter(order, "response-hang").requests
    assert (request.status, request.committed) == (None, False)


def test_a_request_under_a_status_fault_has_its_status_and_was_not_carried_out() -> None:
    (request,) = enter(order, "503").requests
    assert (request.status, request.committed) == (503, False)


def test_a_request_that_nothing_answers_is_recorded_as_unrouted() -> None:
    (request,) = enter(lambda: requests.get("http://other.example.com/a?b=1")).requests
    assert (request.url, request.status, request.routed) == ("http://other.example.com/a?b=1", 404, False)


def test_the_query_is_a_part_of_the_url() -> None:
    (request,) = enter(lambda: requests.get(HTTP, params={"page": 2})).requests
    assert request.url == f"{HTTP}?page=2"
    assert not request.is_write


async def order_by_httpx() -> int:
    async with httpx.AsyncClient() as session:
        return (await session.post(ORDERS, content=b"tea")).status_code


async def order_by_aiohttp() -> int:
    async with aiohttp.ClientSession() as session, session.post(ORDERS, data=b"tea") as answer:
        return answer.status


@pytest.mark.parametrize(("call", "text"), [(order_by_httpx, "session.post"), (order_by_aiohttp, "session.post")])
def test_an_async_request_is_recorded_with_its_line(call: Any, text: str) -> None:
    (request,) = enter(call).requests
    assert (request.method, request.body, request.status) == ("POST", b"tea", 200)
    assert request.where == line_of(call, text)


async def in_a_thread() -> int:
    return (await asyncio.to_thread(requests.get, HTTP, timeout=5)).status_code


def in_a_pool() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(requests.get, HTTP, timeout=5).result().status_code


@pytest.mark.parametrize(("call", "text"), [(in_a_thread, "to_thread"), (in_a_pool, "submit")])
def test_what_a_thread_does_without_a_line_of_the_users_is_recorded_with_the_one_that_ordered_it(call: Any, text: str) -> None:
    for _ in range(2):  # the second time by a thread that is there already
        (request,) = enter(call).requests
        assert request.where == line_of(call, text)


def test_requests_are_recorded_in_their_order() -> None:
    run = enter(lambda: [requests.get(url) for url in (HTTP, HTTPS, HTTP + "?again")])
    assert [request.url for request in run.requests] == [HTTP, HTTPS, HTTP + "?again"]
    assert [request.at for request in run.requests] == sorted(request.at for request in run.requests)
    assert run.peers == ("api.example.com:80", "api.example.com:443")
    assert run.tls


def longest(run: Run) -> Wait:
    return max(run.waits, key=lambda wait: wait.seconds)


def fetch(url: str, timeout: Any) -> Any:
    return requests.get(url, timeout=timeout)


async def fetch_async(url: str, timeout: Any) -> Any:
    async with httpx.AsyncClient(timeout=timeout) as session:
        return await session.get(url)


@pytest.mark.parametrize(
    ("call", "url", "fault", "primitive", "peer"),
    [
        (fetch, HTTP, "response-hang", "recv", "api.example.com:80"),
        (fetch, HTTP, "connect-hang", "connect", "api.example.com:80"),
        (fetch, HTTPS, "accept-hang", "TLS handshake", "api.example.com:443"),
        (fetch, HTTPS, "response-hang", "TLS read", "api.example.com:443"),
        (fetch_async, HTTP, "response-hang", "await", "api.example.com:80"),
        (fetch_async, HTTP, "connect-hang", "await", "api.example.com:80"),
        (fetch_async, HTTPS, "accept-hang", "await", "api.example.com:443"),
    ],
)
def test_a_wait_is_recorded_with_what_it_waits_for_how_long_and_where(call: Any, url: str, fault: str, primitive: str, peer: str) -> None:
    wait = longest(enter(call, fault, arguments={"url": url, "timeout": 4}))
    assert (wait.primitive, wait.peer, wait.outcome) == (primitive, peer, "timeout")
    assert wait.bound == pytest.approx(4, abs=0.3)  # an event loop gives another address a quarter of a second
    assert wait.seconds == pytest.approx(wait.bound)
    assert wait.where == line_of(call, ".get(url")


@pytest.mark.parametrize("call", [fetch, fetch_async])
def test_a_wait_without_end_has_no_bound(call: Any) -> None:
    run = enter(call, "response-hang", arguments={"url": HTTP, "timeout": None})
    (wait,) = (wait for wait in run.waits if wait.outcome == "unbounded")
    assert (wait.bound, wait.peer, wait.where) == (None, "api.example.com:80", line_of(call, ".get(url"))


def test_a_wait_that_is_answered_is_ready() -> None:
    wait = longest(enter(fetch, arguments={"url": HTTP, "timeout": 4}))
    assert (wait.primitive, wait.outcome) == ("recv", "ready")
    assert wait.seconds < 0.1


def waiting_for_a_queue() -> Any:
    answers: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=lambda: answers.put(requests.get(HTTP)), daemon=True).start()
    return answers.get(timeout=5)


def test_a_wait_for_a_thread_is_recorded() -> None:
    run = enter(waiting_for_a_queue, "response-hang")
    (wait,) = (wait for wait in run.waits if wait.outcome == "timeout")
    assert (wait.primitive, wait.where) == ("wait", line_of(waiting_for_a_queue, "answers.get"))
    assert wait.seconds == pytest.approx(5, abs=0.01)


def joining_with_a_deadline() -> bool:
    thread = threading.Thread(target=lambda: requests.get(HTTP), daemon=True)
    thread.start()
    thread.join(timeout=3)
    return thread.is_alive()


def test_a_join_is_recorded() -> None:
    run = enter(joining_with_a_deadline, "response-hang")
    assert run.value is True
    (wait,) = (wait for wait in run.waits if wait.primitive == "join")
    assert (wait.bound, wait.outcome, wait.where) == (3, "timeout", line_of(joining_with_a_deadline, "thread.join"))


def pausing() -> None:
    time.sleep(2)
    for _ in range(2):
        time.sleep(0.5)


def test_every_pause_is_recorded() -> None:
    run = enter(pausing)
    assert [(sleep.seconds, sleep.where) for sleep in run.sleeps] == [
        (2, line_of(pausing, "sleep(2)")),
        (0.5, line_of(pausing, "sleep(0.5)")),
        (0.5, line_of(pausing, "sleep(0.5)")),
    ]
    assert run.virtual == pytest.approx(3, abs=0.001)


async def pausing_async() -> None:
    await asyncio.sleep(2)


def test_an_async_pause_is_recorded_as_a_wait_for_nobody() -> None:
    wait = longest(enter(pausing_async))
    assert (wait.primitive, wait.peer, wait.where) == ("await", "", line_of(pausing_async, "asyncio.sleep"))
    assert wait.seconds == pytest.approx(2, abs=0.01)


def test_an_exception_is_recorded_with_its_class_text_and_last_line_of_the_users() -> None:
    run = enter(fetch, "refused", arguments={"url": HTTP, "timeout": 5})
    assert run.raised is not None
    assert run.raised.kind == "requests.exceptions.ConnectionError"
    assert "Connection refused" in run.raised.message
    assert run.raised.where == line_of(fetch, "requests.get")
    assert not run.raised.accidental
    assert not run.returned


def test_the_arguments_are_passed_and_recorded() -> None:
    run = enter(lambda a, b: a + b, arguments={"a": 1, "b": 2})
    assert (run.value, run.arguments, run.returned, run.went_out) == (3, {"a": 1, "b": 2}, True, False)


def test_a_protocol_that_the_world_does_not_speak_is_named() -> None:
    def tool() -> bytes:
        import socket

        with socket.create_connection(("ldap.example.com", 389), timeout=5) as line:
            line.sendall(b"0\x0c\x02\x01\x01")
            return line.recv(100)

    run = enter(tool)
    assert run.unspoken == ("ldap.example.com:389",)


REPEATED = [
    clients.requests_with_a_timeout,
    clients.requests_with_retries,
    clients.requests_over_tls,
    clients.httpx_async_over_tls,
    clients.aiohttp_with_a_total,
    clients.wait_for_around_httpx,
    order,
    pausing,
]


def comparable(run: Run) -> Run:
    """Without what may differ: real time, what urllib3 writes of its objects into its messages, and how often a clock was looked at."""
    return replace(
        run,
        real=0.0,
        virtual=round(run.virtual, 4),
        raised=run.raised and replace(run.raised, message=re.sub(r"0x[0-9a-f]+", "", run.raised.message)),
        attempts=tuple(replace(attempt, at=round(attempt.at, 4)) for attempt in run.attempts),
        requests=tuple(replace(request, at=round(request.at, 4)) for request in run.requests),
        waits=tuple(replace(wait, bound=wait.bound and round(wait.bound, 4), seconds=round(wait.seconds, 4)) for wait in run.waits),
    )


@pytest.mark.parametrize("fault", ["", "response-hang", "connect-hang", "trickle", "reset-during-answer", "503"])
@pytest.mark.parametrize("call", REPEATED, ids=lambda call: call.__name__)
def test_two_runs_leave_equal_records(call: Any, fault: str) -> None:
    first, second = (comparable(enter(call, fault)) for _ in range(2))
    assert first == second


def test_the_text_of_an_exception_names_no_address_of_memory() -> None:
    raised = enter(clients.requests_with_a_timeout, "connect-hang").raised
    assert raised is not None
    assert " at 0x" not in raised.message


def connecting() -> None:
    for _ in range(3):
        try:
            requests.get(HTTP, timeout=1)
        except requests.RequestException:
            time.sleep(2)


@pytest.mark.parametrize(
    ("fault", "kind", "reached"),
    [
        ("dns-failure", "look-up", False),
        ("refused", "connection", False),
        ("connect-hang", "connection", False),
        ("500", "connection", True),
    ],
)
def test_each_attempt_to_reach_a_peer_is_recorded_with_its_moment_and_line(fault: str, kind: str, reached: bool) -> None:
    attempts = enter(connecting, fault).attempts
    assert [(attempt.kind, attempt.host, attempt.reached) for attempt in attempts] == [(kind, "api.example.com", reached)] * 3
    assert {attempt.where for attempt in attempts} == {line_of(connecting, "requests.get")}
    pause = {"connect-hang": 3.0, "500": 0.0}.get(fault, 2.0)
    assert [round(after.at - before.at, 1) for before, after in pairwise(attempts)] == [pause, pause]
