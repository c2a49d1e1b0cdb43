"""Each write of a call loses its answer once, in both ways, and the call is made again."""

from __future__ import annotations

import contextlib
from typing import Any

import pg8000.dbapi
import pytest
import redis
import requests

from pytest_agentready.domain import LostResponse
from tests.checks.judging import findings
from tests.examining import as_tool, engine

URL = "https://api.example.com"
BACKEND = {f"POST {URL}/orders": {"id": 1}, f"POST {URL}/mails": {"id": 2}, f"GET {URL}/orders": []}


def lost(call: Any, **facts: Any) -> LostResponse:
    found: LostResponse = engine()._observe(as_tool(call, {"backend": BACKEND, **facts}), "lost_response")
    return found


def order(item: str) -> str:
    requests.get(f"{URL}/orders", timeout=2)
    requests.post(f"{URL}/orders", json={"item": item}, timeout=2).raise_for_status()
    requests.post(f"{URL}/mails", json={"item": item}, timeout=2).raise_for_status()
    return "ordered"


def test_each_write_is_lost_in_both_ways_and_a_read_is_not() -> None:
    losses = lost(order, args={"item": "tea"}).losses
    assert [(loss.write.target.rpartition("/")[2], loss.silent) for loss in losses] == [
        ("orders", False),
        ("orders", True),
        ("mails", False),
        ("mails", True),
    ]
    assert all(loss.lost.fired == 1 and loss.lost.raised is not None for loss in losses)
    assert all(loss.again is not None and loss.again.value == "ordered" for loss in losses)


def test_who_waits_for_ever_cannot_be_called_again() -> None:
    def patient(item: str) -> str:
        requests.post(f"{URL}/orders", json={"item": item})
        return "ordered"

    broken, silent = lost(patient, args={"item": "tea"}).losses
    assert broken.again is not None
    assert silent.again is None


def test_who_only_reads_loses_nothing() -> None:
    def read() -> str:
        return requests.get(f"{URL}/orders", timeout=2).text

    assert lost(read) == LostResponse()


def test_a_duplicate_of_the_second_call_is_told_where_the_tool_writes_down_too_late_what_it_has_done() -> None:
    def once(item: str) -> str:
        store = redis.Redis(host="cache.internal", socket_timeout=2, retry=None)
        if store.get(f"ordered:{item}"):
            return "ordered before"
        requests.post(f"{URL}/orders", json={"item": item}, timeout=2).raise_for_status()
        store.set(f"ordered:{item}", 1)
        return "ordered"

    facts: dict[str, Any] = {"args": {"item": "tea"}, "backend": {**BACKEND, "redis://cache.internal:6379": {}}}
    assert findings(once, "AR302", **facts) == []
    (found,) = findings(once, "AR303", **facts)
    assert found == (
        "the answer to POST https://api.example.com/orders is lost (the connection breaks), and the same call, made once more, "
        "sends it again: the peer carries it out twice"
    )


PAID = {"postgresql://db.internal/shop": {"INSERT INTO payments": 1, "INSERT INTO log": 1, "SELECT id": [{"id": 7}]}}


@pytest.mark.parametrize("autocommit", [False, True])
def test_of_a_transaction_the_answer_to_its_commit_is_lost(autocommit: bool) -> None:
    def pay() -> None:
        with contextlib.closing(pg8000.dbapi.connect("app", host="db.internal", database="shop", timeout=2)) as connection:
            connection.autocommit = autocommit
            cursor = connection.cursor()
            cursor.execute("SELECT id FROM invoices")
            connection.commit()  # of nothing: no answer to be lost
            cursor.execute("INSERT INTO payments VALUES (7)")
            cursor.execute("INSERT INTO log VALUES ('paid')")
            connection.commit()

    losses = lost(pay, backend=PAID).losses
    answer = "" if autocommit else "COMMIT"
    assert [(loss.write.places, loss.answer, loss.silent) for loss in losses if not loss.silent] == [
        (("payments",), answer, False),
        (("log",), answer, False),
    ]
    assert all(loss.lost.fired == 1 for loss in losses)
    first = losses[0].lost
    assert [request.method for request in first.requests if request.is_write and request.committed] == (
        ["INSERT"] if autocommit else ["INSERT", "INSERT", "COMMIT"]
    )


def test_a_transaction_that_is_made_again_is_told_with_its_commit() -> None:
    def pay() -> str:
        for _ in range(2):
            with contextlib.suppress(pg8000.dbapi.InterfaceError, OSError):
                with contextlib.closing(pg8000.dbapi.connect("app", host="db.internal", database="shop", timeout=2)) as connection:
                    connection.cursor().execute("INSERT INTO payments VALUES (7)")
                    connection.commit()
                    return "paid"
        return "lost"

    (found,) = findings(pay, "AR303", backend=PAID)
    assert found == (
        "the answer to the COMMIT of INSERT payments at postgresql://db.internal:5432/shop is lost (the connection breaks), and the tool "
        "sends it again: the peer carries it out 2 times in one call"
    )
