"""Two calls at the same time: in tasks or threads, for two users, with two sets of arguments."""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import threading
from pathlib import Path
from typing import Any

import requests

from pytest_agentready.domain import InterleavedCalls, Outcome
from tests.checks.judging import findings
from tests.examining import as_tool, engine

URL = "https://api.example.com"


def interleaved(call: Any, **facts: Any) -> InterleavedCalls:
    found: InterleavedCalls = engine()._observe(as_tool(call, facts), "interleaved_calls")
    return found


def test_lines_of_two_threads_take_turns() -> None:
    steps: list[str] = []

    def walk(name: str) -> str:
        steps.append(f"{name} 1")
        steps.append(f"{name} 2")
        steps.append(f"{name} 3")
        return name

    assert len(interleaved(walk, args={"name": "ada"}).meetings) == 1
    one, other = "adacallerone", "adacallertwo"
    assert steps[-6:] == [f"{one} 1", f"{other} 1", f"{one} 2", f"{other} 2", f"{one} 3", f"{other} 3"]


def test_tasks_take_turns_where_they_wait() -> None:
    steps: list[str] = []

    async def walk(name: str) -> str:
        steps.append(f"{name} 1")
        steps.append(f"{name} 2")
        await asyncio.sleep(1)
        steps.append(f"{name} 3")
        return name

    interleaved(walk, args={"name": "ada"})
    one, other = "adacallerone", "adacallertwo"
    assert steps[-6:] == [f"{one} 1", f"{one} 2", f"{other} 1", f"{other} 2", f"{one} 3", f"{other} 3"]


def test_a_lock_keeps_two_calls_apart() -> None:
    lock = threading.Lock()
    held: list[str] = []

    def guarded(name: str) -> str:
        with lock:
            held.append(name)
            mine = held[-1]
        return mine

    assert findings(guarded, "AR305", args={"name": "ada"}) == []


def test_a_database_that_one_call_has_locked_is_waited_for(tmp_path: Path) -> None:
    def book(room: str) -> str:
        with sqlite3.connect(tmp_path / "rooms.db", timeout=4) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS rooms (name TEXT)")
            connection.execute("INSERT INTO rooms VALUES (?)", (room,))
            connection.execute("DELETE FROM rooms WHERE name = ?", (room,))
        return room

    assert findings(book, "AR305", args={"room": "Ada"}) == []


def test_the_sets_of_the_mark_come_first() -> None:
    def echo(word: str) -> str:
        return word

    (meeting,) = interleaved(echo, args=[{"word": "tea"}, {"word": "cup"}]).meetings
    assert (meeting.one.solo.value, meeting.other.beside.value) == ("tea", "cup")


def test_each_call_has_its_own_user_in_its_context() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="ada")

    def who() -> str:
        return user.get()

    async def who_async() -> str:
        await asyncio.sleep(0.1)
        return user.get()

    for call in (who, who_async):
        (meeting,) = interleaved(call, user=user).meetings
        assert (meeting.one.beside.value, meeting.other.beside.value) == ("adacallerone", "adacallertwo")


def test_peers_tell_their_callers_apart() -> None:
    def price(order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{URL}/orders/{order_id}", timeout=4).json()
        return found

    backend = {f"GET {URL}/orders/{{id}}": {"id": "17", "price": 9.5, "status": 3}}
    (meeting,) = interleaved(price, args={"order_id": "17"}, backend=backend).meetings
    assert meeting.one.solo.value == {"id": "4821", "price": 9.5, "status": 3}
    assert meeting.other.solo.value == {"id": "7395", "price": 10.5, "status": 3}


def test_the_parts_of_one_request_may_come_from_two_calls() -> None:
    kept: dict[str, str] = {}

    def by_host(name: str, place: str) -> Any:
        kept["host"] = f"https://{place}.example.com"
        return requests.get(f"{kept['host']}/people", params={"name": name}, timeout=4).json()

    def by_query(name: str, place: str) -> Any:
        kept["place"] = place
        return requests.get(f"{URL}/people", params={"name": name, "in": kept["place"]}, timeout=4).json()

    def by_body(name: str, place: str) -> Any:
        kept["place"] = place
        return requests.post(f"{URL}/search", json={"name": name, "in": kept["place"]}, timeout=4).json()

    args = [{"name": "Ada", "place": "oslo"}, {"name": "Lin", "place": "bergen"}]
    answers = {"GET https://oslo.example.com/people": 1, "GET https://bergen.example.com/people": 1}
    backend = {**answers, f"GET {URL}/people": 1, f"POST {URL}/search": 1}
    for call, part in ((by_host, "the host (bergen.example.com)"), (by_query, "the in (bergen)"), (by_body, "the in (bergen)")):
        (found,) = findings(call, "AR305", args=args, backend=backend)
        assert f"is sent with the name (Ada) of the one call and {part} of the other" in found


def test_where_nobody_answers_another_call_a_second_set_is_asked_for() -> None:
    def order(order_id: str) -> Any:
        return requests.get(f"{URL}/orders/{order_id}", timeout=4).json()

    found = interleaved(order, args={"order_id": "17"}, backend={f"GET {URL}/orders/17": {"id": "17"}})
    assert not found.meetings
    assert "Give a second set of arguments" in found.obstacle


def test_a_connection_that_belongs_to_one_thread_proves_nothing() -> None:
    connection = sqlite3.connect(":memory:")

    def read(name: str) -> Any:
        return connection.execute("SELECT ?", (name,)).fetchall()

    tool = as_tool(read, {"args": {"name": "ada"}})
    verdict = engine().examine(tool, engine().registry.check("AR305"))
    assert verdict.outcome is Outcome.UNPROVEN
    assert "in a thread of its own it raises sqlite3.ProgrammingError" in verdict.reason


def test_a_call_without_anything_of_its_own_has_nothing_to_mix() -> None:
    def now() -> str:
        return "now"

    tool = as_tool(now, {})
    assert engine().examine(tool, engine().registry.check("AR305")).outcome is Outcome.NOT_APPLICABLE
