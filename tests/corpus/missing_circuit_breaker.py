"""Tools whose circuit breaker opens, holds and closes, beside tools that only look as if they had one."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import httpx
import psycopg
import pybreaker
import redis
import requests
import tenacity
from purgatory import AsyncCircuitBreakerFactory, SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests, unreadable

URL = "https://rates.example.com"
RATE = {"GET https://rates.example.com/{currency}": {"rate": 11.4}}
TWO = {"GET https://geo.example.com/places/{name}": {"country": "NO"}, "GET https://rates.example.com/{currency}": {"rate": 11.4}}
TOKEN = {"POST https://rates.example.com/token": {"token": "t-1"}, **RATE}
ARGS = {"currency": "NOK"}
BREAKER = {"breaker": True}
DOWN = "The rates are down, and are not asked for the next minute. Try again then."


def fetched(currency: str) -> float:
    response = requests.get(f"{URL}/{currency}", timeout=3)
    response.raise_for_status()
    return float(response.json()["rate"])


def guarded(work: Callable[[], ToolResult]) -> ToolResult:
    """What the tools below make of a failure, which is not the point."""
    try:
        return work()
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- breakers that work ------------------------------------------------------------------------------------------------

shared = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed", AR205="passed")
def rate_by_pybreaker(currency: str) -> ToolResult:
    try:
        return guarded(lambda: ToolResult.success(shared.call(fetched, currency)))
    except pybreaker.CircuitBreakerError:
        return ToolResult.transient(DOWN)


circuits = SyncCircuitBreakerFactory(default_threshold=4, default_ttl=45)


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed")
def rate_by_purgatory(currency: str) -> ToolResult:
    try:
        with circuits.get_breaker("rates"):
            return ToolResult.success(fetched(currency))
    except OpenedState:
        return ToolResult.transient(DOWN)
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


async_circuits = AsyncCircuitBreakerFactory(default_threshold=5, default_ttl=30)


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed", AR206="passed")
async def rate_by_purgatory_async(currency: str) -> ToolResult:
    try:
        async with await async_circuits.get_breaker("rates"), httpx.AsyncClient(timeout=3) as client:
            response = await client.get(f"{URL}/{currency}")
            response.raise_for_status()
            return ToolResult.success(response.json()["rate"])
    except OpenedState:
        return ToolResult.transient(DOWN)
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitOpen(Exception):
    pass


class Breaker:
    """Five failures open it, for a minute; then one call may try."""

    def __init__(self, limit: int = 5, rest: float = 60, needed: int = 1) -> None:
        self.limit, self.rest, self.needed = limit, rest, needed
        self.state = State.CLOSED
        self.failures = self.successes = 0
        self.opened_at = 0.0
        self.lock = threading.Lock()

    def admit(self) -> None:
        with self.lock:
            if self.state is State.OPEN:
                if time.monotonic() - self.opened_at < self.rest:
                    raise CircuitOpen
                self.state, self.successes = State.HALF_OPEN, 0

    def succeeded(self) -> None:
        with self.lock:
            self.successes += 1
            if self.state is State.CLOSED or self.successes >= self.needed:
                self.state, self.failures = State.CLOSED, 0

    def failed(self) -> None:
        with self.lock:
            self.failures += 1
            if self.state is State.HALF_OPEN or self.failures >= self.limit:
                self.state, self.opened_at = State.OPEN, time.monotonic()

    def call(self, work: Callable[..., Any], *args: Any) -> Any:
        self.admit()
        try:
            value = work(*args)
        except requests.RequestException:
            self.failed()
            raise
        self.succeeded()
        return value


handmade = Breaker()


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed")
def rate_by_a_handmade_breaker(currency: str) -> ToolResult:
    try:
        return guarded(lambda: ToolResult.success(handmade.call(fetched, currency)))
    except CircuitOpen:
        return ToolResult.transient(DOWN)


patient = Breaker(limit=10, rest=900, needed=3)


@labelled(args=ARGS, backend=RATE, AR209="passed")
def rate_by_a_breaker_of_many_words(currency: str) -> ToolResult:
    """Ten failures, a quarter of an hour, three successes; and its mark says nothing of it."""
    try:
        return guarded(lambda: ToolResult.success(patient.call(fetched, currency)))
    except CircuitOpen:
        return ToolResult.transient(DOWN)


def circuit_breaker(limit: int, rest: timedelta) -> Callable[[Any], Any]:
    """A decorator whose state stands in its closure."""

    def decorate(function: Any) -> Any:
        failures, until = 0, datetime.min.replace(tzinfo=timezone.utc)

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal failures, until
            if datetime.now(timezone.utc) < until:
                return ToolResult.transient(DOWN)
            result = await function(*args, **kwargs)
            failures = failures + 1 if result.error_type == "transient" else 0
            if failures >= limit:
                until, failures = datetime.now(timezone.utc) + rest, 0
            return result

        return wrapper

    return decorate


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed")
@circuit_breaker(3, timedelta(seconds=30))
async def rate_by_a_decorated_call(currency: str) -> ToolResult:
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            response = await client.get(f"{URL}/{currency}")
            response.raise_for_status()
            return ToolResult.success(response.json()["rate"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


store = redis.Redis(host="state.internal", socket_timeout=1, socket_connect_timeout=1, retry=None, decode_responses=True)


@labelled(args=ARGS, backend={**RATE, "redis://state.internal": {}}, conduct=BREAKER, AR209="passed")
def rate_by_a_breaker_in_redis(currency: str) -> ToolResult:
    """All workers share it; the Redis is asked by each call, also while the circuit is open. Without it the circuit is closed."""
    try:
        is_open, failures = store.mget("circuit:rates:open", "circuit:rates:failures")
    except redis.RedisError:
        is_open = failures = None
    if is_open:
        return ToolResult.transient(DOWN)
    result = guarded(lambda: ToolResult.success(fetched(currency)))
    try:
        if result.status == "success" and failures:
            store.delete("circuit:rates:failures")
        elif result.status == "error" and store.incr("circuit:rates:failures") >= 5:
            store.set("circuit:rates:open", 1, ex=60)
    except redis.RedisError:
        pass
    return result


database = pybreaker.CircuitBreaker(fail_max=3, reset_timeout=20)


def state_of(order_id: int) -> str:
    with psycopg.connect("postgresql://app@db.internal/shop", connect_timeout=3, options="-c statement_timeout=3000") as connection:
        row = connection.execute("SELECT state FROM orders WHERE id = %s", (order_id,)).fetchone()
        return str(row[0]) if row else "unknown"


@labelled(args={"order_id": 7}, backend={"postgresql://db.internal/shop": [{"state": "shipped"}]}, kind="db", conduct=BREAKER,
          AR209="passed", AR202="failed", AR203="not_applicable")  # fmt: skip
def order_behind_a_breaker(order_id: int) -> ToolResult:
    """Its statements have no deadline on this side of the network: that is another check's."""
    try:
        return ToolResult.success(database.call(state_of, order_id))
    except pybreaker.CircuitBreakerError:
        return ToolResult.transient("The database is down. Try again in a minute.")
    except psycopg.Error:
        return ToolResult.transient("The order could not be read.")


network_only = Breaker(limit=4, rest=60)


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed")
def rate_by_a_breaker_of_the_network(currency: str) -> ToolResult:
    """What the service answers is an answer, an error too; that it is not there counts."""
    try:
        return guarded(lambda: answered(network_only.call(got, f"{URL}/{currency}")))
    except CircuitOpen:
        return ToolResult.transient(DOWN)


def got(url: str) -> requests.Response:
    return requests.get(url, timeout=3)


def answered(response: requests.Response) -> ToolResult:
    response.raise_for_status()
    return ToolResult.success(float(response.json()["rate"]))


by_host = {"geo.example.com": Breaker(), "rates.example.com": Breaker()}


def read(host: str, path: str) -> dict[str, Any]:
    def get() -> dict[str, Any]:
        response = requests.get(f"https://{host}{path}", timeout=2)
        response.raise_for_status()
        return dict(response.json())

    found: dict[str, Any] = by_host[host].call(get)
    return found


@labelled(args={"place": "Oslo"}, backend=TWO, conduct=BREAKER, AR209="passed")
def rate_of_a_place(place: str) -> ToolResult:
    """A breaker for each host: while one is open, the other is still asked."""
    try:
        return guarded(
            lambda: ToolResult.success(read("rates.example.com", f"/{read('geo.example.com', f'/places/{place}')['country']}")["rate"])
        )
    except CircuitOpen:
        return ToolResult.transient(DOWN)


kept: dict[str, tuple[float, float]] = {}
behind_cache = Breaker()


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed")
def rate_by_a_cache_and_a_breaker(currency: str) -> ToolResult:
    """A rate is good for five minutes: not every call asks, in health."""
    if currency in kept and time.time() - kept[currency][0] < 300:
        return ToolResult.success(kept[currency][1])

    def fresh() -> ToolResult:
        rate = behind_cache.call(fetched, currency)
        kept[currency] = (time.time(), rate)
        return ToolResult.success(rate)

    try:
        return guarded(fresh)
    except CircuitOpen:
        return ToolResult.transient(DOWN)


recent: deque[bool] = deque(maxlen=10)
rest_until = 0.0


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="passed")
def rate_by_a_share_of_failures(currency: str) -> ToolResult:
    """Opens where six of the last ten calls have failed."""
    global rest_until
    if time.monotonic() < rest_until:
        return ToolResult.transient(DOWN)
    result = guarded(lambda: ToolResult.success(fetched(currency)))
    recent.append(result.status == "success")
    if recent.count(False) >= 6:
        rest_until = time.monotonic() + 120
        recent.clear()
    return result


# --- none, or none that works ------------------------------------------------------------------------------------------


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="failed")
def rate_by_retries(currency: str) -> ToolResult:
    """Three attempts in each call are no breaker."""
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_exponential(0.1), reraise=True, retry=tenacity.retry_if_exception(worth_it)
    )
    try:
        return guarded(lambda: ToolResult.success(retrying(quickly, currency)))
    except tenacity.RetryError:
        return ToolResult.transient("The rates could not be reached.")


def quickly(currency: str) -> float:
    response = requests.get(f"{URL}/{currency}", timeout=1)
    response.raise_for_status()
    return float(response.json()["rate"])


def worth_it(error: BaseException) -> bool:
    response = getattr(error, "response", None)
    return isinstance(error, requests.RequestException) and (response is None or response.status_code >= 500)


gone = {"failures": 0}


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="failed")
def rate_until_it_fails_thrice(currency: str) -> ToolResult:
    """Open for ever: nothing sets the count back but a success, and there is none any more."""
    if gone["failures"] >= 3:
        return ToolResult.transient(DOWN)
    result = guarded(lambda: ToolResult.success(fetched(currency)))
    gone["failures"] = 0 if result.status == "success" else gone["failures"] + 1
    return result


watched = Breaker()


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="failed")
def rate_with_a_breaker_that_is_not_asked(currency: str) -> ToolResult:
    """It counts, and its state is known; nobody looks at it before a call."""
    try:
        value = fetched(currency)
    except requests.RequestException as error:
        watched.failed()
        return ToolResult.transient(DOWN) if watched.state is State.OPEN and worth_it(error) else from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()
    watched.succeeded()
    return ToolResult.success(value)


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="failed")
def rate_by_a_breaker_for_each_call(currency: str) -> ToolResult:
    breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)
    try:
        return guarded(lambda: ToolResult.success(breaker.call(fetched, currency)))
    except pybreaker.CircuitBreakerError:
        return ToolResult.transient(DOWN)


blindfolded = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="failed")
def rate_by_a_breaker_that_sees_no_failure(currency: str) -> ToolResult:
    """The failure is made into a result below the breaker, which takes it for a success."""
    try:
        result: ToolResult = blindfolded.call(guarded, lambda: ToolResult.success(fetched(currency)))
        return result
    except pybreaker.CircuitBreakerError:
        return ToolResult.transient(DOWN)


@labelled(args=ARGS, backend=RATE, AR209="failed")
async def rate_by_httpx(currency: str) -> ToolResult:
    """No breaker, and no word of one."""
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            response = await client.get(f"{URL}/{currency}")
            response.raise_for_status()
            return ToolResult.success(response.json()["rate"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


class Turnstile(Breaker):
    """Whoever is refused turns it to half-open: the next one goes through."""

    def admit(self) -> None:
        if self.state is State.OPEN:
            self.state = State.HALF_OPEN
            raise CircuitOpen


turnstile = Turnstile(limit=4)


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="failed", AR101="passed")
def rate_through_a_turnstile(currency: str) -> ToolResult:
    try:
        return guarded(lambda: ToolResult.success(turnstile.call(fetched, currency)))
    except CircuitOpen:
        return ToolResult.transient(DOWN)


reset = Breaker()


def with_token(path: str, token: str) -> float:
    response = requests.get(f"{URL}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=2)
    response.raise_for_status()
    return float(response.json()["rate"])


def token_of() -> str:
    response = requests.post(f"{URL}/token", json={"grant_type": "client_credentials"}, timeout=2)
    response.raise_for_status()
    return str(response.json()["token"])


@labelled(args=ARGS, backend=TOKEN, conduct=BREAKER, AR209="failed")
def rate_behind_a_log_in(currency: str) -> ToolResult:
    """The log-in goes through the same breaker, and its success sets the count back."""
    try:
        return guarded(lambda: ToolResult.success(reset.call(with_token, f"/{currency}", reset.call(token_of))))
    except CircuitOpen:
        return ToolResult.transient(DOWN)


# --- neither -----------------------------------------------------------------------------------------------------------

calls: deque[float] = deque()


@labelled(args=ARGS, backend=RATE, conduct=BREAKER, AR209="unproven")
def rate_within_a_limit(currency: str) -> ToolResult:
    """Five calls a minute, well or not: that is no breaker, and hides whether there is one."""
    while calls and time.monotonic() - calls[0] > 60:
        calls.popleft()
    if len(calls) >= 5:
        return ToolResult.rate_limited("Only five calls a minute. Wait, and try again.")
    calls.append(time.monotonic())
    return guarded(lambda: ToolResult.success(fetched(currency)))


@labelled(args={"text": "Ada"}, backend={}, conduct=BREAKER, AR209="not_applicable", AR102="not_applicable", AR103="not_applicable",
          AR104="not_applicable", AR202="not_applicable", AR203="not_applicable")  # fmt: skip
def upper(text: str) -> ToolResult:
    return ToolResult.success(text.upper())
