"""A service that fails until it is asked no more, and is then well: breakers of each kind, and what only looks like one."""

from __future__ import annotations

import asyncio
import functools
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pybreaker
import pycurl
import pytest
import redis
import requests

from pytest_agentready.domain import FAILURES, OpenCircuit, Outcome, Trip
from pytest_agentready.patterns.gate import Approvals, call_key
from tests.checks.judging import findings
from tests.examining import as_tool, engine

URL = "https://api.example.com/orders/7"
SHOP = {"GET https://api.example.com/orders/{id}": {"state": "shipped"}}
DOWN = {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The shop is down. Try again in a minute."}


def fetch() -> dict[str, object]:
    answer = requests.get(URL, timeout=2)
    answer.raise_for_status()
    return {"status": "success", "data": answer.json()["state"]}


class Breaker:
    """Opens at the `limit`-th failure in a row, for `rest` seconds."""

    def __init__(self, limit: int = 3, rest: float = 60.0) -> None:
        self.limit, self.rest = limit, rest
        self.failures, self.until = 0, 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self.until

    @contextmanager
    def watching(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.failures += 1
            if self.failures >= self.limit:
                self.until, self.failures = time.monotonic() + self.rest, 0
            raise
        self.failures = 0

    def run(self, work: Callable[[], Any]) -> Any:
        if self.is_open:
            return DOWN
        try:
            with self.watching():
                return work()
        except (requests.RequestException, redis.RedisError):
            return DOWN


def with_breaker(limit: int = 3, rest: float = 60.0, work: Callable[[], Any] = fetch) -> Callable[[], Any]:
    breaker = Breaker(limit, rest)

    def tool() -> Any:
        return breaker.run(work)

    return tool


def seen(call: Callable[..., Any], **facts: Any) -> OpenCircuit:
    found: OpenCircuit = engine()._observe(as_tool(call, {"backend": SHOP, **facts}), "open_circuit")
    return found


def tripped(call: Callable[..., Any], **facts: Any) -> Trip:
    return next(trip for trip in seen(call, **facts).trips if trip.opened)


def messages(call: Callable[..., Any], **facts: Any) -> list[str]:
    return findings(call, "AR209", **{"backend": SHOP, "breaker": True, **facts})


def reason(call: Callable[..., Any], outcome: Outcome, **facts: Any) -> str:
    verdict = engine().examine(as_tool(call, {"backend": SHOP, "breaker": True, **facts}), engine().registry.check("AR209"))
    assert verdict.outcome is outcome, verdict
    return verdict.reason


@pytest.mark.parametrize("limit", [1, 3, 10, 20])
def test_it_is_told_after_how_many_failures_a_breaker_opens(limit: int) -> None:
    trip = tripped(with_breaker(limit))
    assert (len(trip.failing), trip.leaks, trip.closed) == (limit, (), True)


@pytest.mark.parametrize(("rest", "waited"), [(5, 10), (10, 10), (25, 30), (60, 60), (100, 120), (900, 900), (3_000, 3_600)])
def test_a_breaker_closes_at_the_first_probe_after_its_rest(rest: float, waited: float) -> None:
    trip = tripped(with_breaker(rest=rest))
    assert (trip.closed, trip.waited) == (True, pytest.approx(waited, abs=0.1))


def test_one_that_counts_what_the_network_does_opens_by_that() -> None:
    breaker = Breaker()

    def tool() -> Any:
        if breaker.is_open:
            return DOWN
        try:
            with breaker.watching():
                answer = requests.get(URL, timeout=2)
        except requests.RequestException:
            return DOWN
        return {"status": "success", "data": answer.json()["state"]} if answer.ok else DOWN

    found = seen(tool)
    assert [(trip.failing[0].mishap_slug, len(trip.failing), trip.opened) for trip in found.trips] == [
        ("500", FAILURES, False),
        ("refused", 3, True),
    ]


def test_one_that_counts_timeouts_opens_by_them() -> None:
    breaker = Breaker()

    async def tool() -> Any:
        if breaker.is_open:
            return DOWN
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                answer = await client.get(URL)
                answer.raise_for_status()
        except httpx.TimeoutException:
            with pytest.raises(httpx.TimeoutException), breaker.watching():
                raise
            return DOWN
        except httpx.HTTPError:
            return DOWN
        breaker.failures = 0
        return {"status": "success", "data": answer.json()["state"]}

    assert [trip.opened for trip in seen(tool).trips] == [False, False, True]


def test_a_timer_may_close_it() -> None:
    failures: list[int] = []

    def tool() -> Any:
        if len(failures) >= 3:
            return DOWN
        try:
            found = fetch()
        except requests.RequestException:
            failures.append(1)
            if len(failures) == 3:
                timer = threading.Timer(45, failures.clear)
                timer.daemon = True
                timer.start()
            return DOWN
        failures.clear()
        return found

    trip = tripped(tool)
    assert (len(trip.failing), trip.leaks, trip.closed, trip.waited < 61) == (3, (), True, True)


def test_a_callback_of_the_loop_may_close_it() -> None:
    failures: list[int] = []

    async def tool() -> Any:
        if len(failures) >= 3:
            return DOWN
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                (await client.get(URL)).raise_for_status()
        except httpx.HTTPError:
            failures.append(1)
            if len(failures) == 3:
                asyncio.get_running_loop().call_later(45, failures.clear)
            return DOWN
        failures.clear()
        return {"status": "success", "data": "shipped"}

    assert messages(tool) == []


def test_no_breaker_at_all() -> None:
    def tool() -> Any:
        try:
            return fetch()
        except requests.RequestException:
            return DOWN

    (message,) = messages(tool)
    assert message.startswith("20 consecutive failures, and each of them reached api.example.com (HTTP 500; the connection is refused; ")


def test_retries_within_a_call_are_counted_and_are_no_breaker() -> None:
    def tool() -> Any:
        for _ in range(2):
            try:
                return fetch()
            except requests.RequestException:
                time.sleep(0.5)
        return DOWN

    (message,) = messages(tool)
    assert message.startswith("20 consecutive failures, and each of them reached api.example.com, 40 times in all (HTTP 500; ")


def test_one_that_opens_and_still_lets_calls_out() -> None:
    failures: list[int] = []

    def tool() -> Any:
        failures.append(1)
        if len(failures) > 5 and len(failures) % 2:
            return DOWN
        try:
            found = fetch()
        except requests.RequestException:
            return DOWN
        failures.clear()
        return found

    assert messages(tool) == [
        "opened after 6 consecutive failures, and still let 3 of 5 calls out to api.example.com at once after that",
    ]


def test_one_that_never_closes() -> None:
    tool = with_breaker(rest=1e9)
    assert messages(tool) == ["opened after 3 consecutive failures, and has not closed again an hour after the service was well"]


def test_one_that_is_open_for_good_before_its_turn() -> None:
    """The state stands in a library's object, which is not put back."""
    tool = with_breaker(rest=1e9)
    breaker = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=10**8)

    def kept() -> Any:
        try:
            return breaker.call(fetch)
        except (pybreaker.CircuitBreakerError, requests.RequestException):
            return DOWN

    for call in (kept, tool):
        examined = as_tool(call, {"backend": SHOP, "breaker": True})
        engine()._observe(examined, "normal_call")
        for name in ("fault_matrix", "repeated_calls"):
            engine()._observe(examined, name)
        (finding,) = engine().examine(examined, engine().registry.check("AR209")).findings
        story = "opened after 3 consecutive" if call is tool else "calls that failed have opened it for good: a day after"
        assert finding.message.startswith(story)


def test_where_no_mark_speaks_of_a_breaker_a_tool_that_refuses_all_is_unproven() -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=10**8)

    def kept() -> Any:
        try:
            return breaker.call(fetch)
        except (pybreaker.CircuitBreakerError, requests.RequestException):
            return DOWN

    examined = as_tool(kept, {"backend": SHOP})
    engine()._observe(examined, "repeated_calls")
    verdict = engine().examine(examined, engine().registry.check("AR209"))
    assert (verdict.outcome, "without asking anybody" in verdict.reason) == (Outcome.UNPROVEN, True)


def test_a_limit_of_the_rate_is_no_breaker() -> None:
    calls: list[float] = []

    def tool() -> Any:
        calls[:] = [moment for moment in calls if time.time() - moment < 60]
        if len(calls) >= 4:
            return DOWN | {"error_type": "rate_limit"}
        calls.append(time.time())
        try:
            return fetch()
        except requests.RequestException:
            return DOWN

    assert "refuses a call after 4 in a row, which is a limit of its rate" in reason(tool, Outcome.UNPROVEN)


def test_a_cache_of_some_minutes_is_no_breaker_and_hides_none() -> None:
    kept: dict[str, Any] = {}

    def cached() -> Any:
        if time.time() < kept.get("until", 0.0):
            return kept["answer"]
        answer = fetch()
        kept.update(until=time.time() + 3_600, answer=answer)
        return answer

    def without() -> Any:
        try:
            return cached()
        except requests.RequestException:
            return DOWN

    assert messages(without)[0].startswith("20 consecutive failures, and each of them reached api.example.com (HTTP 500; ")
    kept.clear()
    assert messages(with_breaker(work=cached)) == []


def test_a_cache_without_end_is_unproven() -> None:
    @functools.lru_cache
    def tool() -> Any:
        return fetch()

    assert "a cache" in reason(lambda: tool(), Outcome.UNPROVEN)


def test_what_remembers_that_one_call_failed_is_no_breaker() -> None:
    failed: dict[str, float] = {}

    def tool(order: str) -> Any:
        if time.time() < failed.get(order, 0.0):
            return DOWN
        try:
            return fetch()
        except requests.RequestException:
            failed[order] = time.time() + 60
            return DOWN

    story = "opened after one failure, and for the same arguments alone: a call with others still went out to api.example.com"
    assert messages(tool, args={"order": "A-17"}) == [story]
    assert messages(tool, args=[{"order": "A-17"}, {"order": "A-18"}]) == [story]


def test_a_client_whose_sockets_are_made_in_c() -> None:
    def work() -> Any:
        client = pycurl.Curl()
        client.setopt(pycurl.URL, URL)
        client.setopt(pycurl.TIMEOUT, 2)
        client.setopt(pycurl.FAILONERROR, True)
        client.setopt(pycurl.SSL_VERIFYPEER, False)
        body = io.BytesIO()
        client.setopt(pycurl.WRITEDATA, body)
        client.perform()
        return {"status": "success", "data": body.getvalue().decode()}

    breaker = Breaker()

    def guarded() -> Any:
        if breaker.is_open:
            return DOWN
        with breaker.watching():
            return work()

    assert messages(guarded) == []
    (message,) = messages(work)
    assert message == "20 consecutive failures, and each of them reached api.example.com (HTTP 500; the connection is refused)"


def test_a_fallback_may_answer_while_it_is_open() -> None:
    breaker = Breaker()
    last = {"status": "success", "data": "unknown"}

    def tool() -> Any:
        answer = breaker.run(fetch)
        return last if answer is DOWN else answer

    assert messages(tool) == []


def test_another_host_may_be_asked_while_it_is_open() -> None:
    breaker = Breaker()

    def mirror() -> Any:
        try:
            return {"status": "success", "data": requests.get("https://mirror.example.com/orders/7", timeout=2).json()["state"]}
        except (requests.RequestException, ValueError):
            return DOWN

    def tool() -> Any:
        answer = breaker.run(fetch)
        return mirror() if answer is DOWN else answer

    assert messages(tool) == []


def test_the_store_of_its_state_stays_well_and_may_be_asked() -> None:
    store = redis.Redis(host="state.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)

    def tool() -> Any:
        if store.exists("open"):
            return DOWN
        try:
            found = fetch()
        except requests.RequestException:
            if store.incr("failures") >= 4:
                store.set("open", 1, ex=30)
            return DOWN
        store.delete("failures")
        return found

    found = seen(tool, backend={**SHOP, "redis://state.internal": {}})
    assert found.service == ("api.example.com",)
    assert [(len(trip.failing), trip.opened, trip.leaks, trip.closed) for trip in found.trips] == [(4, True, (), True)]


def test_a_redis_that_is_the_service_itself() -> None:
    def work() -> Any:
        with redis.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None, decode_responses=True) as cache:
            return {"status": "success", "data": cache.get("greeting")}

    backend = {"redis://cache.internal": {"greeting": "hello"}}
    assert messages(with_breaker(work=work), backend=backend) == []
    (message,) = messages(with_breaker(limit=100, work=work), backend=backend)
    assert message.startswith("20 consecutive failures, and each of them reached cache.internal (the connection is refused; ")


def test_a_success_before_the_failure_sets_the_count_back() -> None:
    backend = {"GET https://api.example.com/token": {"token": "t"}, **SHOP}
    breaker = Breaker()

    def token() -> Any:
        answer = requests.get("https://api.example.com/token", timeout=2)
        answer.raise_for_status()
        return answer.json()

    def with_each() -> Any:
        answer = breaker.run(token)
        return answer if answer is DOWN else breaker.run(fetch)

    (message,) = messages(with_each, backend=backend)
    assert message.startswith("20 consecutive failures have not opened it where only the last request of a call fails (HTTP 500 (from")

    def both() -> Any:
        token()
        return fetch()

    assert messages(with_breaker(work=both), backend=backend) == []


def test_each_call_of_a_tool_with_a_gate_is_confirmed() -> None:
    approvals = Approvals()
    breaker = Breaker()
    backend = {"DELETE https://api.example.com/orders/{id}": {}}

    def approve(order: int) -> None:
        approvals.grant(call_key("cancel", "ada", {"order": order}))

    def cancel(order: int) -> Any:
        if not approvals.take(call_key("cancel", "ada", {"order": order})):
            return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "CONFIRMATION_REQUIRED: ask the user"}

        def work() -> Any:
            requests.delete(f"https://api.example.com/orders/{order}", timeout=2).raise_for_status()
            return {"status": "success"}

        return breaker.run(work)

    trip = tripped(cancel, args={"order": 7}, backend=backend, confirm=approve)
    assert (len(trip.failing), trip.leaks, trip.closed) == (3, (), True)


def test_what_it_leaves_in_memory_is_put_back() -> None:
    breaker = Breaker(limit=2, rest=1e9)

    def tool() -> Any:
        return breaker.run(fetch)

    seen(tool)
    assert (breaker.failures, breaker.is_open) == (0, False)


def test_a_call_that_does_not_end_is_unproven() -> None:
    def tool() -> Any:
        while True:
            try:
                return fetch()
            except requests.RequestException:
                time.sleep(1)

    assert "does not end" in reason(tool, Outcome.UNPROVEN)


def test_a_tool_that_cannot_be_called_is_unproven_and_one_that_asks_nobody_not_concerned() -> None:
    assert "raises" in reason(lambda: 1 / 0, Outcome.UNPROVEN)
    assert reason(lambda: 1, Outcome.NOT_APPLICABLE) == "it asks nothing outside of the process"
