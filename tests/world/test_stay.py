"""Several calls in one world: what the peers keep lasts, and each call has a record of its own."""

from __future__ import annotations

import datetime

import pytest
import redis
import requests

from pytest_agentready.domain import Run, Wait, effects_of
from pytest_agentready.script import Model
from pytest_agentready.world import FAULTS, Backend, Stay, stay
from pytest_agentready.world.waiting import Blocked

URL = "https://api.example.com/orders"
BACKEND = Backend.parse({f"POST {URL}": {"id": 7}, f"GET {URL}": []})
RESET = next(fault for fault in FAULTS if fault.slug == "lost-response")


def buy(item: str) -> str:
    try:
        return str(requests.post(URL, json={"item": item}, timeout=5).json()["id"])
    except requests.ConnectionError:
        return "lost"


def test_each_call_has_a_record_of_its_own_and_its_moments_count_from_its_beginning() -> None:
    def visit(world: Stay) -> tuple[Run, Run]:
        first = world.call(buy, {"item": "tea"})
        world.pause(86_400)
        return first, world.call(buy, {"item": "cup"})

    first, second = stay(visit, backend=BACKEND)
    assert first.value == second.value == "7"
    assert [effect.content for effect in effects_of(first)] == [b'{"item": "tea"}']
    assert [effect.content for effect in effects_of(second)] == [b'{"item": "cup"}']
    assert second.requests[0].at < 1
    assert second.virtual < 1


def test_a_fault_begins_and_ends_between_two_calls() -> None:
    def visit(world: Stay) -> list[Run]:
        runs = [world.call(buy, {"item": "tea"})]
        world.fault(RESET)
        runs.append(world.call(buy, {"item": "tea"}))
        world.fault(None)
        return [*runs, world.call(buy, {"item": "tea"})]

    well, lost, well_again = stay(visit, backend=BACKEND)
    assert (well.value, lost.value, well_again.value) == ("7", "lost", "7")
    assert (well.fired, lost.fired, well_again.fired) == (0, 1, 0)
    assert lost.fault is RESET
    assert lost.requests[0].committed


def test_what_the_peers_keep_lasts_and_the_dates_go_on() -> None:
    def count() -> tuple[int, datetime.date]:
        return redis.Redis(host="cache.internal").incr("calls"), datetime.datetime.now(datetime.timezone.utc).date()

    def visit(world: Stay) -> tuple[Run, Run]:
        first = world.call(count, {})
        world.pause(86_400)
        return first, world.call(count, {})

    (one, today), (two, tomorrow) = (run.value for run in stay(visit))  # type: ignore[misc]
    assert (one, two) == (1, 2)
    assert tomorrow - today == datetime.timedelta(days=1)


def test_no_call_of_many_in_one_world_reads_the_records_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of all before each call made the hundredth cost many times the first."""
    frozen: list[Blocked] = []
    freeze = Blocked.freeze

    def noted(wait: Blocked) -> Wait:
        frozen.append(wait)
        return freeze(wait)

    monkeypatch.setattr(Blocked, "freeze", noted)
    runs = stay(lambda world: [world.call(buy, {"item": "tea"}) for _ in range(9)], backend=BACKEND)
    assert len(frozen) == sum(len(run.waits) for run in runs)
    assert [len(run.requests) for run in runs] == [1] * 9
    assert max(run.requests[0].at for run in runs) < 1
    assert {run.peers for run in runs} == {("api.example.com:443",)}


def test_what_a_model_was_asked_belongs_to_the_call_that_asked() -> None:
    def ask(question: str) -> str:
        body = {"model": "m", "messages": [{"role": "user", "content": question}]}
        answer = requests.post("https://api.openai.com/v1/chat/completions", json=body, timeout=5).json()
        return str(answer["choices"][0]["message"]["content"])

    def visit(world: Stay) -> list[Run]:
        world._world.network.respond = Model("one", "two")
        return [world.call(ask, {"question": question}) for question in ("first?", "second?")]

    first, second = stay(visit)
    assert [(run.value, [call.messages[0].text for call in run.model_calls]) for run in (first, second)] == [
        ("one", ["first?"]),
        ("two", ["second?"]),
    ]
