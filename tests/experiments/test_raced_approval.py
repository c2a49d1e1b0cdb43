"""Two calls at the same time by one approval."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis
import requests

from pytest_agentready.domain import Verdict
from tests.examining import as_tool, engine

URL = "https://bank.example.com/payments"
BACKEND = {f"POST {URL}": {"id": "p-1"}}
GRANTED: dict[str, float] = {}
LOCK = threading.Lock()
STORE = redis.Redis(host="approvals.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)
BOTH = f"two calls at the same time, after one approval, both go through: POST {URL} (twice). "


@pytest.fixture(autouse=True)
def nothing_granted() -> Iterator[None]:
    GRANTED.clear()
    yield
    GRANTED.clear()


def refusal() -> dict[str, object]:
    return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "CONFIRMATION_REQUIRED: ask the user."}


def paid(account: str, **more: Any) -> dict[str, object]:
    return {"status": "success", "data": requests.post(URL, json={"account": account}, timeout=5, **more).json()}


def grant(account: str) -> None:
    GRANTED[account] = time.time()


def grant_in_redis(account: str) -> None:
    STORE.set(f"approved:{account}", 1, ex=900)


def is_fresh(at: float | None) -> bool:
    return at is not None and time.time() - at < 900


def looked_up_and_removed(account: str) -> Any:
    if not is_fresh(GRANTED.get(account)):
        return refusal()
    GRANTED.pop(account, None)
    return paid(account)


def removed_when_all_is_done(account: str) -> Any:
    if not is_fresh(GRANTED.get(account)):
        return refusal()
    answer = paid(account)
    GRANTED.pop(account, None)
    return answer


async def removed_after_an_await(account: str) -> Any:
    if not is_fresh(GRANTED.get(account)):
        return refusal()
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.post(URL, json={"account": account})
    GRANTED.pop(account, None)
    return {"status": "success", "data": answer.json()}


def looked_up_in_redis(account: str) -> Any:
    if not STORE.get(f"approved:{account}"):
        return refusal()
    STORE.delete(f"approved:{account}")
    return paid(account)


def taken(account: str) -> Any:
    return paid(account) if is_fresh(GRANTED.pop(account, None)) else refusal()


def taken_under_a_lock(account: str) -> Any:
    with LOCK:
        fresh = is_fresh(GRANTED.get(account))
        GRANTED.pop(account, None)
    return paid(account) if fresh else refusal()


async def looked_up_and_removed_at_once(account: str) -> Any:
    if not is_fresh(GRANTED.get(account)):
        return refusal()
    GRANTED.pop(account, None)  # nobody comes in between: a task waits only where it awaits
    await asyncio.sleep(0.01)
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.post(URL, json={"account": account})
    return {"status": "success", "data": answer.json()}


def taken_from_redis(account: str) -> Any:
    return paid(account) if STORE.getdel(f"approved:{account}") else refusal()


def deleted_in_redis(account: str) -> Any:
    return paid(account) if STORE.delete(f"approved:{account}") else refusal()


def paid_by_a_key(account: str) -> Any:
    if not is_fresh(GRANTED.get(account)):
        return refusal()
    GRANTED.pop(account, None)
    return paid(account, headers={"Idempotency-Key": f"pay-{account}"})


def judged(call: Callable[..., Any], confirm: Callable[..., Any] = grant) -> Verdict:
    tool = as_tool(call, {"args": {"account": "NO93"}, "backend": BACKEND, "confirm": confirm})
    return engine().examine(tool, engine().registry.check("AR405"))


@pytest.mark.parametrize(
    ("call", "confirm"),
    [
        (removed_when_all_is_done, grant),
        (removed_after_an_await, grant),
        (looked_up_in_redis, grant_in_redis),
    ],
)
def test_two_calls_that_look_before_one_takes_it_away_are_found(call: Callable[..., Any], confirm: Callable[..., Any]) -> None:
    (finding,) = judged(call, confirm).findings
    assert finding.message.startswith(BOTH)
    assert "test_raced_approval.py" in finding.where


@pytest.mark.parametrize(
    ("call", "confirm"),
    [
        (taken, grant),
        (looked_up_and_removed, grant),  # a thread may lose its turn between the two lines, and hardly ever does
        (taken_under_a_lock, grant),
        (looked_up_and_removed_at_once, grant),
        (taken_from_redis, grant_in_redis),
        (deleted_in_redis, grant_in_redis),
        (paid_by_a_key, grant),
    ],
)
def test_an_approval_that_is_taken_in_one_step_lets_one_call_through(call: Callable[..., Any], confirm: Callable[..., Any]) -> None:
    verdict = judged(call, confirm)
    assert (verdict.outcome.value, verdict.reason) == ("passed", "")


BOOKS = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
BOOKS.execute("CREATE TABLE approvals (account TEXT, at REAL)")
BOOKS.execute("CREATE TABLE pending_payments (account TEXT)")


def grant_in_a_table(account: str) -> None:
    BOOKS.execute("INSERT INTO approvals VALUES (?, ?)", (account, time.time()))


def deleted_from_a_table(account: str) -> Any:
    if not BOOKS.execute("DELETE FROM approvals WHERE account = ? AND at > ?", (account, time.time() - 900)).rowcount:
        BOOKS.execute("INSERT INTO pending_payments VALUES (?)", (account,))
        return refusal()
    return paid(account)


def test_what_the_refused_call_stores_is_no_second_deed() -> None:
    assert judged(deleted_from_a_table, grant_in_a_table).outcome.value == "passed"


def test_an_approval_that_serves_again_is_found_once() -> None:
    def pay(account: str) -> Any:
        return paid(account) if is_fresh(GRANTED.get(account)) else refusal()

    (finding,) = judged(pay).findings
    assert finding.message.startswith("the same call, made twice after one approval, acts twice")
