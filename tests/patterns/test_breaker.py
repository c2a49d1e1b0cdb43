"""The breaker to copy: exactly what fits is admitted, whoever asks at the same time; and no counter, no command and no outage opens it."""

from __future__ import annotations

import asyncio
import dataclasses
import pickle
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation, localcontext
from typing import Any

import fakeredis
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pytest_agentready.patterns import breaker as pattern
from pytest_agentready.patterns.breaker import (
    AsyncCostBreaker,
    CostBreaker,
    CostLimitExceeded,
    CostRefused,
    CostStoreUnavailable,
    InvalidCost,
    Reservation,
    micros,
)
from tests.patterns.conftest import Server

SESSIONS = 1_000
LIMITS = {"session": 0.50, "user_daily": 5.00, "global_hourly": 100.0}
BEFORE_ELEVEN = datetime(2026, 11, 29, 10, 59, 59, tzinfo=timezone.utc)


class Clock:
    """Stands for `datetime` in the module: it shows the moment that a test sets."""

    def __init__(self) -> None:
        self.moment = BEFORE_ELEVEN

    def now(self, zone: timezone) -> datetime:
        return self.moment.astimezone(zone)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pattern, "datetime", clock)
    return clock


def whoever(limit: str, number: int) -> tuple[str, str]:
    """A user and a session, of which only those are the same that `limit` is about."""
    return "ada" if limit.startswith("user") else f"user-{number}", "chat" if limit == "session" else f"session-{number}"


def in_threads(ask: Callable[[int], Any]) -> None:
    ready = threading.Barrier(SESSIONS)

    def one(number: int) -> None:
        ready.wait()
        ask(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def in_tasks(ask: Callable[[int], Awaitable[Any]]) -> None:
    await asyncio.gather(*(ask(number) for number in range(SESSIONS)))


def amounts(client: redis.Redis) -> dict[str, int]:
    """What the counters hold, in micro-dollars; marks of reservations are none."""
    return {key.decode(): int(client.get(key)) for key in client.keys() if b":open:" not in key}  # type: ignore[union-attr, arg-type, misc]


# --- at the same time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "dollars", "cost", "fit"), [("session", 0.50, 0.013, 38), ("user_daily", 5, 0.0137, 364), ("global_hourly", 3, 0.0071, 422)]
)
def test_a_thousand_threads_get_what_fits_and_no_more(server: Server, limit: str, dollars: float, cost: float, fit: int) -> None:
    client = server.client()
    breaker = CostBreaker(client, {limit: dollars})
    admitted: list[Reservation] = []
    refused: list[str] = []

    def ask(number: int) -> None:
        try:
            admitted.append(breaker.reserve(*whoever(limit, number), cost))
        except CostLimitExceeded as error:
            refused.append(error.limit)

    in_threads(ask)
    assert (len(admitted), refused) == (fit, [limit] * (SESSIONS - fit))
    assert [*amounts(client).values()] == [fit * micros(cost)]


@pytest.mark.parametrize(
    ("limit", "dollars", "cost", "fit"), [("session", 0.50, 0.013, 38), ("user_daily", 5, 0.0137, 364), ("global_hourly", 3, 0.0071, 422)]
)
def test_a_thousand_tasks_get_what_fits_and_no_more(server: Server, limit: str, dollars: float, cost: float, fit: int) -> None:
    admitted: list[Reservation] = []
    refused: list[str] = []

    async def all_at_once() -> None:
        async with server.async_client() as client:
            breaker = AsyncCostBreaker(client, {limit: dollars})

            async def ask(number: int) -> None:
                try:
                    admitted.append(await breaker.reserve(*whoever(limit, number), cost))
                except CostLimitExceeded as error:
                    refused.append(error.limit)

            await in_tasks(ask)

    asyncio.run(all_at_once())
    assert (len(admitted), refused) == (fit, [limit] * (SESSIONS - fit))
    assert [*amounts(server.client()).values()] == [fit * micros(cost)]


def test_what_is_settled_at_the_same_time_is_what_is_spent(server: Server) -> None:
    client = server.client()
    breaker = CostBreaker(client, LIMITS)

    def turn(number: int) -> None:
        breaker.settle(breaker.reserve(f"user-{number % 50}", f"session-{number}", 0.04), 0.013)

    in_threads(turn)
    found = amounts(client)
    assert found["{cost}:global_hourly:2026-11-29T10:all"] == SESSIONS * 13_000
    assert {value for key, value in found.items() if "user" in key} == {SESSIONS // 50 * 13_000}
    assert {value for key, value in found.items() if "session" in key} == {13_000}
    assert len(found) == 1 + 50 + SESSIONS == len(client.keys())  # type: ignore[arg-type]


# --- one after the other ------------------------------------------------------------------------------------------------


def test_the_limit_is_reached_to_the_last_millionth(server: Server) -> None:
    breaker = CostBreaker(server.client(), {"session": 0.30})
    for _ in range(3):
        breaker.reserve("ada", "chat", 0.1)
    with pytest.raises(CostLimitExceeded, match=r"session: \$0\.300000 of \$0\.30 are spent or reserved, and \$0\.000001 more"):
        breaker.reserve("ada", "chat", 0.000001)


@pytest.mark.parametrize(
    ("limit", "reason"), [("session", "This conversation"), ("user_daily", "in a day"), ("global_hourly", "Too many people")]
)
def test_a_refusal_has_a_reason_for_the_user_and_adds_nothing(server: Server, limit: str, reason: str) -> None:
    client = server.client()
    breaker = CostBreaker(client, {"global_daily": 900} | {limit: 0.05})
    breaker.reserve("ada", "chat", 0.04)
    before = amounts(client)
    with pytest.raises(CostRefused) as refused:
        breaker.reserve("ada", "chat", 0.04)
    assert reason in refused.value.reason
    assert "$" not in refused.value.reason
    assert amounts(client) == before


def test_who_is_not_concerned_goes_on(server: Server) -> None:
    breaker = CostBreaker(server.client(), LIMITS)
    for _ in range(10):
        breaker.reserve("ada", "chat", 0.05)
    with pytest.raises(CostLimitExceeded):
        breaker.reserve("ada", "chat", 0.05)
    breaker.reserve("ada", "another chat", 0.05)
    breaker.reserve("lin", "lin's chat", 0.05)


def test_what_was_reserved_too_much_is_given_back_and_what_was_too_little_is_added(server: Server) -> None:
    client = server.client()
    breaker = CostBreaker(client, {"session": 0.50})
    for cost, spent in ((0.013, 13_000), (0, 13_000), (0.09, 103_000)):
        assert breaker.settle(breaker.reserve("ada", "chat", 0.04), cost)
        assert [*amounts(client).values()] == [spent]


def test_it_is_settled_once(server: Server) -> None:
    client = server.client()
    breaker = CostBreaker(client, {"session": 0.50})
    reservation = breaker.reserve("ada", "chat", 0.04)
    assert breaker.settle(reservation, 0.01)
    assert not breaker.settle(reservation, 0.01)
    assert [*amounts(client).values()] == [10_000]


def test_another_process_can_settle(server: Server) -> None:
    client = server.client()
    saved = dataclasses.asdict(CostBreaker(client, LIMITS).reserve("ada", "chat", 0.04))
    assert CostBreaker(client, LIMITS).settle(Reservation(**saved), 0.01)
    assert {*amounts(client).values()} == {10_000}


def test_the_async_half_does_the_same(server: Server) -> None:
    async def turns() -> None:
        async with server.async_client() as client:
            breaker = AsyncCostBreaker(client, LIMITS)
            reservation = await breaker.reserve("ada", "chat", 0.04)
            await client.script_flush()
            assert await breaker.settle(reservation, 0.01)
            assert not await breaker.settle(reservation, 0.01)
            with pytest.raises(CostLimitExceeded):
                await breaker.reserve("ada", "chat", 0.50)

    asyncio.run(turns())
    assert amounts(server.client()) == {
        "{cost}:session:chat": 10_000,
        "{cost}:user_daily:2026-11-29:ada": 10_000,
        "{cost}:global_hourly:2026-11-29T10:all": 10_000,
    }


# --- time ---------------------------------------------------------------------------------------------------------------


def test_a_late_answer_is_settled_in_the_window_in_which_it_was_reserved(server: Server, clock: Clock) -> None:
    client = server.client()
    breaker = CostBreaker(client, LIMITS)
    reservation = breaker.reserve("ada", "chat", 0.04)
    clock.moment += timedelta(seconds=30)
    breaker.settle(breaker.reserve("ada", "chat", 0.04), 0.02)
    assert breaker.settle(reservation, 0.01)
    assert amounts(client) == {
        "{cost}:session:chat": 30_000,
        "{cost}:user_daily:2026-11-29:ada": 30_000,
        "{cost}:global_hourly:2026-11-29T10:all": 10_000,
        "{cost}:global_hourly:2026-11-29T11:all": 20_000,
    }


def test_windows_go_by_utc_and_begin_anew(server: Server, clock: Clock) -> None:
    breaker = CostBreaker(server.client(), {"user_hourly": 0.05, "user_daily": 0.08})
    breaker.reserve("ada", "1", 0.04)
    with pytest.raises(CostLimitExceeded, match="user_hourly"):
        breaker.reserve("ada", "2", 0.04)
    clock.moment = BEFORE_ELEVEN.astimezone(timezone(timedelta(hours=-5))) + timedelta(seconds=2)
    breaker.reserve("ada", "3", 0.04)
    clock.moment += timedelta(hours=1)
    with pytest.raises(CostLimitExceeded, match="user_daily"):
        breaker.reserve("ada", "4", 0.04)
    clock.moment += timedelta(hours=12)
    breaker.reserve("ada", "5", 0.04)


def test_every_key_expires_and_a_reservation_that_nobody_settles_too(server: Server) -> None:
    client = server.client()
    breaker = CostBreaker(client, LIMITS, session_seconds=7_200)
    breaker.settle(breaker.reserve("ada", "chat", 0.04), 0.013)
    crashed = breaker.reserve("ada", "chat", 0.04)
    left = {key.decode(): client.ttl(key) for key in client.keys()}  # type: ignore[union-attr, misc]
    assert left == {
        "{cost}:session:chat": 7_200,
        "{cost}:user_daily:2026-11-29:ada": 86_400 + 3_600,
        "{cost}:global_hourly:2026-11-29T10:all": 3_600 + 3_600,
        crashed.mark: 3_600,
    }


def test_a_counter_that_is_gone_is_not_brought_back(server: Server) -> None:
    client = server.client()
    breaker = CostBreaker(client, LIMITS)
    reservation = breaker.reserve("ada", "chat", 0.04)
    client.delete("{cost}:session:chat")
    assert breaker.settle(reservation, 0.01)
    assert "{cost}:session:chat" not in amounts(client)


# --- commands, and stores that fail -------------------------------------------------------------------------------------


class Counting(fakeredis.FakeRedis):
    """Counts round trips; `times` it sends each script, as clients do that have lost the answer."""

    times = 1

    def __init__(self) -> None:
        super().__init__(server=fakeredis.FakeServer())
        self.sent: list[str] = []

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.sent.append(args[0])
        for _ in range(1, self.times):
            super().execute_command(*args, **options)
        return super().execute_command(*args, **options)


def test_a_call_of_the_model_costs_two_round_trips_and_a_new_server_one_more_for_each_script() -> None:
    client = Counting()
    breaker = CostBreaker(client, LIMITS)
    for sent in (["EVALSHA", "EVAL", "EVALSHA", "EVAL"], ["EVALSHA", "EVALSHA"]):
        client.sent.clear()
        breaker.settle(breaker.reserve("ada", "chat", 0.04), 0.013)
        assert client.sent == sent


def test_a_command_that_is_sent_again_counts_once() -> None:
    client = Counting()
    breaker = CostBreaker(client, {"session": 0.50})
    breaker.settle(breaker.reserve("ada", "warm", 0.04), 0.04)
    client.times = 2
    reservation = breaker.reserve("ada", "chat", 0.04)
    assert amounts(client)["{cost}:session:chat"] == 40_000
    breaker.settle(reservation, 0.013)
    assert amounts(client)["{cost}:session:chat"] == 13_000


def test_nothing_is_spent_while_the_store_is_down_and_an_answer_that_is_paid_for_is_not_lost(caplog: pytest.LogCaptureFixture) -> None:
    store = fakeredis.FakeServer()
    breaker = CostBreaker(fakeredis.FakeRedis(server=store, retry=Retry(NoBackoff(), 0)), LIMITS)
    reservation = breaker.reserve("ada", "chat", 0.04)
    store.connected = False
    with pytest.raises(CostStoreUnavailable, match="ConnectionError") as down:
        breaker.reserve("ada", "chat", 0.04)
    assert down.value.reason.startswith("I cannot go on at the moment")
    assert not breaker.settle(reservation, 0.01)
    assert "A reservation of 40000 micro-dollars stands" in caplog.text
    store.connected = True
    assert breaker.settle(reservation, 0.01)


def test_the_async_half_is_closed_without_its_store(caplog: pytest.LogCaptureFixture) -> None:
    store = fakeredis.FakeServer()

    async def turns() -> None:
        breaker = AsyncCostBreaker(fakeredis.FakeAsyncRedis(server=store, retry=None), LIMITS)
        reservation = await breaker.reserve("ada", "chat", 0.04)
        store.connected = False
        with pytest.raises(CostStoreUnavailable):
            await breaker.reserve("ada", "chat", 0.04)
        assert not await breaker.settle(reservation, 0.01)

    asyncio.run(turns())
    assert "stands" in caplog.text


def test_a_store_that_refuses_to_count_is_none(server: Server) -> None:
    client = server.client()
    client.lpush("{cost}:session:chat", "no number")
    with pytest.raises(CostStoreUnavailable, match="WRONGTYPE"):
        CostBreaker(client, LIMITS).reserve("ada", "chat", 0.04)


# --- what is no cost, and no limit --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", [-0.01, float("nan"), float("inf"), -float("inf"), Decimal("NaN"), "-0.01", "much", "", 1e12, None, True])
def test_what_cannot_be_counted_is_refused_before_anything_is_counted(cost: Any) -> None:
    client = Counting()
    breaker = CostBreaker(client, LIMITS)
    with pytest.raises(InvalidCost):
        breaker.reserve("ada", "chat", cost)
    reservation = Reservation("mark", 1, ("counter",))
    with pytest.raises(InvalidCost):
        breaker.settle(reservation, cost)
    assert client.sent == []


@pytest.mark.parametrize("cost", [0, 0.0, "0", Decimal(0)])
def test_nothing_can_be_spent_and_not_reserved(cost: Any) -> None:
    breaker = CostBreaker(Counting(), LIMITS)
    with pytest.raises(InvalidCost, match="the most that the call may cost"):
        breaker.reserve("ada", "chat", cost)
    assert breaker.settle(breaker.reserve("ada", "chat", 0.01), cost)


@pytest.mark.parametrize(
    ("dollars", "expected"),
    [(0.1, 100_000), (0.1 + 0.2, 300_000), ("0.000001", 1), (0.0000004, 1), (Decimal("1.0000001"), 1_000_001), (7, 7_000_000), (1e-6, 1)],
)
def test_dollars_are_whole_millionths_and_rounded_up(dollars: Any, expected: int) -> None:
    assert micros(dollars) == expected


def test_the_programs_own_way_with_decimals_is_none_of_dollars() -> None:
    with localcontext(Context(prec=3, rounding=ROUND_DOWN, traps=[Inexact, InvalidOperation])):
        assert micros("1234.5678901") == 1_234_567_891
        with pytest.raises(InvalidCost):
            micros("lots")


@pytest.mark.parametrize("limits", [{}, {"sesion": 0.5}, {"session": -1}, {"session": float("nan")}, {"session": "lots"}])
def test_limits_that_limit_nothing_are_told_when_it_is_made(limits: Any) -> None:
    with pytest.raises(ValueError, match=r"sesion|nothing|-1|nan|lots"):
        CostBreaker(Counting(), limits)


def test_a_session_is_not_forgotten_while_it_is_charged() -> None:
    with pytest.raises(ValueError, match="session_seconds=0"):
        CostBreaker(Counting(), LIMITS, session_seconds=0)


def test_a_refusal_gets_from_one_process_to_another() -> None:
    breaker = CostBreaker(Counting(), {"session": 0.01})
    with pytest.raises(CostLimitExceeded) as refused:
        breaker.reserve("ada", "chat", 0.02)
    copy = pickle.loads(pickle.dumps(refused.value))
    assert (str(copy), copy.reason, copy.limit) == (str(refused.value), refused.value.reason, "session")


def test_no_id_reads_like_the_counter_of_another_one() -> None:
    client = Counting()
    breaker = CostBreaker(client, {"session": 1, "user_hourly": 1, "user_daily": 1})
    breaker.reserve("ada", "2026-11-29:ada", 0.01)
    breaker.reserve("2026-11-29T10:ada", "ada", 0.01)
    breaker.reserve("10:ada", "user_daily:2026-11-29:ada", 0.01)
    assert {*amounts(client).values()} == {10_000}
