"""How money is charged in an examination: schedules that are the same each time, stores that are put back, zones, and lost connections."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import openai
import pytest
import redis

from pytest_agentready.domain import RacedCharges, Run, Stored
from pytest_agentready.experiments import counters, raced_charges, spending, store_outage, zones
from pytest_agentready.experiments.memory import Memory
from pytest_agentready.world import Stay, stay
from tests.corpus_money import LIMITS
from tests.corpus_money.breakers import REDIS, CostCircuitBreaker, LockedInOneProcess, incrby_with_a_way_back
from tests.corpus_money.breakers_async import AsyncCostCircuitBreaker, all_keys_at_once_and_yet_in_two_steps, counted
from tests.corpus_money.patterns import Reserving, ReservingAsync
from tests.examining import as_breaker, as_loop, engine

TIMES = 25
SESSION = {"limits": {"session": LIMITS["session"]}}


def raced(subject: Any, times: int = 1) -> list[RacedCharges]:
    breaker = as_breaker(subject, SESSION)
    spent = spending.run(breaker)
    return [raced_charges.run(breaker, spent) for _ in range(times)]


@pytest.mark.parametrize("subject", [CostCircuitBreaker(), AsyncCostCircuitBreaker(), all_keys_at_once_and_yet_in_two_steps])
def test_a_gap_is_found_each_time_and_by_the_same_schedule(subject: Any) -> None:
    lost = [found.limits[0].lost for found in raced(subject, times=TIMES)]
    assert {(one.after.split()[0], one.held.split()[0]) for one in lost if one is not None} in (
        {("GET", "EXEC")},
        {("MGET", "EXEC")},
    )
    assert None not in lost


@pytest.mark.parametrize("subject", [incrby_with_a_way_back, counted, Reserving(), ReservingAsync()])
def test_one_step_admits_one_of_two_in_every_schedule(subject: Any) -> None:
    for found in raced(subject, times=TIMES):
        assert found.limits[0].schedules
        assert [schedule.both_admitted for schedule in found.limits[0].schedules] == [False] * len(found.limits[0].schedules)


def ask_a_model(question: str) -> Any:
    messages: Any = [{"role": "user", "content": question}]
    return openai.OpenAI().chat.completions.create(model="gpt-4o", messages=messages, max_tokens=1_000)


PRICED = {**SESSION, "prices": {"gpt-4o": {"input": 2.5, "output": 10}}}
SPENT: dict[str, list[float]] = {}


def suspicious(question: str, session_id: str) -> str:
    """It takes an answer that costs something else than three others before for a mistake."""
    spent = SPENT.setdefault(session_id, [])
    if sum(spent) > 0.4:
        return "The limit is reached."
    if spent and not 0.14 < spent[-1] < 0.15:
        raise RuntimeError("frozen, for an answer was far too dear")
    answer = ask_a_model(question)
    spent.append(answer.usage.prompt_tokens * 2.5e-6 + answer.usage.completion_tokens * 1e-5)
    return str(answer.choices[0].message.content)


def test_where_no_turn_is_begun_its_end_is_told() -> None:
    loop = as_loop(suspicious, PRICED)
    (found,) = raced_charges.run(loop, spending.run(loop)).limits
    told, _, end = found.gap.partition("it dies with ")
    assert told == "no turn is begun with less than the whole of session left: the model is not asked, and "
    assert end.startswith("RuntimeError: frozen, for an answer was far too dear (")


RESERVED: Counter[str] = Counter()


def reserving_and_never_settling(question: str, session_id: str) -> str:
    if RESERVED[session_id] + 2 > 50:  # cents
        return "The limit is reached."
    RESERVED[session_id] += 2
    return str(ask_a_model(question).choices[0].message.content)


def test_who_passes_a_limit_is_told_how_much_a_turn_cost_and_by_what() -> None:
    loop = as_loop(reserving_and_never_settling, PRICED)
    (finding,) = engine().examine(loop, engine().registry.check("AR601")).findings
    assert finding.message.endswith(
        "and was never refused. Each of 6 turns cost $0.14 by the usage that the model's answer reports (57,143 tokens, as if a huge "
        "document had been read): what is reserved beforehand has to be settled with that"
    )


def test_a_lock_in_memory_is_told_from_one_in_the_store() -> None:
    assert raced(LockedInOneProcess())[0].limits[0].waits_in_process
    assert not raced(incrby_with_a_way_back)[0].limits[0].waits_in_process


def test_a_request_that_is_held_keeps_nobody_else_waiting() -> None:
    def ask() -> float:
        start = time.time()
        REDIS.get("a")
        return time.time() - start

    def visit(world: Stay) -> list[Run]:
        world.hold(1, 0.5)
        return [world.call(ask, {}) for _ in range(3)]

    first, held, last = (run.value for run in stay(visit))
    assert first < 0.1
    assert 0.5 < held < 0.6
    assert last < 0.1


def test_a_redis_holds_again_what_it_held() -> None:
    def visit(world: Stay) -> tuple[tuple[Stored, ...], ...]:
        world.call(lambda: (REDIS.set("a", 1, ex=60), REDIS.hset("b", "ada", 2)), {})
        before = world.stored()
        with world.undone():
            world.call(lambda: (REDIS.incrby("a", 5), REDIS.persist("a"), REDIS.delete("b"), REDIS.set("c", 1)), {})
            meanwhile = world.stored()
        return before, meanwhile, world.stored()

    before, meanwhile, after = stay(visit)
    assert before == after == (Stored("a", "", "1", True), Stored("b", "ada", "2", False))
    assert meanwhile == (Stored("a", "", "6", False), Stored("c", "", "1", False))


def test_what_a_default_and_a_counter_hold_is_put_back() -> None:
    by_day: Counter[str] = Counter()
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)

    def spend(amount: int, spent: dict[str, int] = {}) -> None:
        spent["all"] = spent.get("all", 0) + amount
        by_day["today"] += amount
        sums["total"] += amount

    with Memory([spend]).restored():
        spend(3)
        assert by_day["today"] == 3
    assert spend.__defaults__ == ({},)
    assert (dict(by_day), dict(sums)) == ({}, {})


@pytest.mark.skipif(not zones.are_known(zones.HOME), reason="the system knows no zones")
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_the_zone_of_the_machine_is_put_back(zone: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    if zone is not None:
        monkeypatch.setenv("TZ", zone)
    time.tzset()
    before = time.tzname
    with zones.in_zone(zones.HOME):
        assert time.tzname == ("EST", "EDT")
    assert time.tzname == before
    assert os.environ.get("TZ") == zone
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("now", "night"), [((2026, 3, 1), (2026, 11, 1)), ((2026, 11, 28), (2027, 11, 7)), ((2026, 11, 1), (2026, 11, 1))])
def test_the_night_in_which_an_hour_comes_twice_is_yet_to_come(now: tuple[int, int, int], night: tuple[int, int, int]) -> None:
    found = zones.end_of_summer_time(datetime(*now, tzinfo=timezone.utc).timestamp())
    assert datetime.fromtimestamp(found, timezone.utc) == datetime(*night, 5, 30, tzinfo=timezone.utc)


def of_two_commands(session_id: str, cost_usd: float) -> bool:
    spent = REDIS.incrby(f"cost:{session_id}", round(cost_usd * 1_000_000))
    REDIS.expire(f"cost:{session_id}", 3_600)
    return spent <= 500_000


def test_a_lost_connection_leaves_what_was_counted_and_not_dated() -> None:
    breaker = as_breaker(of_two_commands, SESSION)
    found = counters.run(breaker, spending.run(breaker))
    assert found.immortal == ()
    assert [(lost.after.split()[0], lost.before.split()[0]) for lost in found.lost] == [("INCRBY", "EXPIRE")]


def with_a_time_of_its_own(session_id: str, cost_usd: float) -> bool:
    REDIS.set(f"seen:{session_id}", time.time())
    REDIS.set("version", 3)
    return of_two_commands(session_id, cost_usd)


def test_a_moment_is_no_money_and_one_key_for_all_does_not_grow() -> None:
    breaker = as_breaker(with_a_time_of_its_own, SESSION)
    assert counters.run(breaker, spending.run(breaker)).immortal == ()


def once_a_failure(exception: type[Exception], answer: bool) -> Callable[..., bool]:
    def check(session_id: str, cost_usd: float) -> bool:
        try:
            return of_two_commands(session_id, cost_usd)
        except exception:
            return answer

    return check


@pytest.mark.parametrize(("answer", "spent"), [(True, True), (False, False)])
def test_a_store_is_down_and_a_store_is_silent(answer: bool, spent: bool) -> None:
    breaker = as_breaker(once_a_failure(redis.RedisError, answer), SESSION)
    outages = store_outage.run(breaker, spending.run(breaker)).outages
    assert [outage.mishap for outage in outages] == ["the connection is refused", "the peer reads the request and never answers"]
    assert outages[0].spent > outages[0].limit.dollars if spent else not outages[0].spent
