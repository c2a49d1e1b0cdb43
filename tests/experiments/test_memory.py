"""What a tool remembers of the run before: open breakers and caches, by every clock, within ten minutes, a day, and for ever."""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Callable
from typing import Any

import pybreaker
import pytest
import requests

from pytest_agentready.domain import FaultMatrix, Outcome
from pytest_agentready.experiments import fault_matrix, normal_call
from pytest_agentready.world import FAULTS
from pytest_agentready.world.intervals import INTERVAL
from pytest_agentready.world.leftovers import collected
from tests.examining import as_tool, examine
from tests.world.entering import HTTP, SHOP, enter

PLAIN = tuple(fault for fault in FAULTS if fault.family != "certificate")
CLOCKS: dict[str, Callable[[], float]] = {
    "monotonic": time.monotonic,
    "perf_counter": time.perf_counter,
    "time": time.time,
    "datetime": lambda: datetime.datetime.now(datetime.timezone.utc).timestamp(),
}
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def fetch(timeout: float | None = 4) -> Any:
    answer = requests.get(HTTP, timeout=timeout)
    answer.raise_for_status()
    return answer.json()


def with_a_breaker(now: Callable[[], float], reset: float, timeout: float | None = 4) -> Callable[[], Any]:
    """Opens for `reset` seconds at the third failure in a row, and again when its next try fails."""
    failures, opened = 0, 0.0

    def tool() -> Any:
        nonlocal failures, opened
        if failures >= 3 and now() - opened < reset:
            raise ConnectionError("the breaker is open")
        try:
            found = fetch(timeout)
        except Exception:
            failures, opened = failures + 1, now()
            raise
        failures = 0
        return found

    return tool


def with_a_cache(now: Callable[[], float], lives: float) -> Callable[[], Any]:
    kept: list[tuple[float, Any]] = []

    def tool() -> Any:
        if not kept or now() - kept[-1][0] >= lives:
            kept.append((now(), fetch()))
        return kept[-1][1]

    return tool


def matrix(call: Callable[[], Any]) -> FaultMatrix:
    tool = as_tool(call, {"backend": SHOP})
    with collected(tool):
        return fault_matrix.run(tool, normal_call.run(tool), PLAIN)


@pytest.mark.parametrize("seconds", [MINUTE, 10 * MINUTE, 30 * MINUTE, 23 * HOUR])
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("kind", [with_a_breaker, with_a_cache])
def test_what_is_forgotten_within_a_day_hides_no_fault(kind: Any, clock: str, seconds: float) -> None:
    found = matrix(kind(CLOCKS[clock], seconds))
    assert all(run.fired for run in found.runs)
    assert (len(found.runs), found.gap) == (len(PLAIN), "")


def test_a_wait_without_end_behind_a_breaker_of_half_an_hour_is_found() -> None:
    verdicts = examine(with_a_breaker(time.monotonic, 30 * MINUTE, timeout=None), {"backend": SHOP})
    assert verdicts["AR202"].outcome is Outcome.FAILED


@pytest.mark.parametrize("facts", [{"breaker": True}, {}], ids=["by its mark", "by its code"])
def test_a_breaker_that_trips_does_not_speak_in_the_place_of_its_tool(facts: dict[str, Any]) -> None:
    """It answers its last failure with an error of its own, and each later one that it meets half open: a 404 is no error of that kind."""
    breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)

    def tool() -> dict[str, Any]:
        try:
            return {"status": "success", "data": breaker.call(fetch)}
        except pybreaker.CircuitBreakerError:
            return failed("transient")
        except requests.HTTPError as error:
            status = error.response.status_code
            return failed("rate_limit" if status == 429 else "transient" if status >= 500 else "permanent")
        except (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return failed("transient")
        except requests.RequestException:
            return failed("permanent")

    def failed(kind: str) -> dict[str, Any]:
        return {
            "status": "error",
            "error_type": kind,
            "retry_safe": kind != "permanent",
            "message": "The shop does not answer as it should.",
        }

    verdict = examine(tool, {"backend": SHOP, **facts})["AR104"]
    assert verdict.outcome is Outcome.PASSED, verdict


@pytest.mark.parametrize("tool", [with_a_breaker(time.time, 7 * DAY), with_a_cache(time.time, 7 * DAY), functools.lru_cache(fetch)])
def test_what_is_remembered_for_longer_is_unproven(tool: Callable[[], Any]) -> None:
    found = matrix(tool)
    unmet = sum(not run.went_out for run in found.runs)
    assert unmet > len(PLAIN) / 2
    assert found.gap == f"it answers {unmet} of {len(PLAIN)} calls without asking anybody (a cache, an open breaker): let each call ask"


def test_a_tool_that_asks_each_time_is_examined_within_a_day_of_its_clock() -> None:
    moments: list[float] = []

    def tool() -> Any:
        moments.append(time.time())
        return fetch()

    matrix(tool)
    assert moments == sorted(moments)
    assert max(moments) - min(moments) < DAY / 2


def test_no_clock_goes_back_after_a_long_run() -> None:
    seen: list[float] = []

    def tool() -> None:
        seen.append(time.monotonic())
        time.sleep(50 * MINUTE)
        seen.append(time.monotonic())

    enter(tool)
    enter(tool)
    assert seen == sorted(seen)
    assert INTERVAL <= seen[2] - seen[1] < INTERVAL + 60
