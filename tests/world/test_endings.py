"""What would not end by itself is ended, whatever the tool does against it; what would is left alone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from decimal import Decimal
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.world import Limits, run
from pytest_agentready.world.ending import WorldEnded
from tests.world.entering import HTTP, enter, exception, line_of


def retrying() -> Any:
    while True:
        try:
            response = requests.get(HTTP, timeout=2)
            response.raise_for_status()
            return response.json()
        except Exception:
            continue


def retrying_with_pauses() -> Any:
    while True:
        try:
            response = requests.get(HTTP, timeout=2)
            response.raise_for_status()
            return response.json()
        except Exception:
            time.sleep(1)


def retrying_at_all_costs() -> Any:
    while True:
        try:
            response = requests.get(HTTP, timeout=2)
            response.raise_for_status()
            return response.json()
        except BaseException:
            pass


def retrying_at_all_costs_with_pauses() -> Any:
    while True:
        try:
            response = requests.get(HTTP, timeout=2)
            response.raise_for_status()
            return response.json()
        except BaseException:
            try:
                time.sleep(1)
            except BaseException:
                pass


async def retrying_async() -> Any:
    async with httpx.AsyncClient(timeout=2) as session:
        while True:
            try:
                response = await session.get(HTTP)
                response.raise_for_status()
                return response.json()
            except Exception:
                continue


async def retrying_async_with_pauses() -> Any:
    async with httpx.AsyncClient(timeout=2) as session:
        while True:
            try:
                response = await session.get(HTTP)
                response.raise_for_status()
                return response.json()
            except Exception:
                await asyncio.sleep(1)


def in_a_thread(call: Any) -> Any:
    def tool() -> None:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()

    return tool


ENDLESS = [
    retrying,
    retrying_with_pauses,
    retrying_at_all_costs,
    retrying_at_all_costs_with_pauses,
    retrying_async,
    retrying_async_with_pauses,
]


@pytest.mark.parametrize("slug", ["dns-failure", "refused", "response-hang", "reset-before-answer", "500"])
@pytest.mark.parametrize("call", ENDLESS, ids=lambda call: call.__name__)
def test_a_retry_loop_without_end_is_ended_at_its_own_line(call: Any, slug: str) -> None:
    ending = enter(call, slug).ending
    assert ending is not None
    assert ending.kind == "runaway"
    assert 0 < ending.count <= 200
    assert ending.where == line_of(call, ".get(HTTP")


@pytest.mark.parametrize("slug", ["refused", "response-hang", "500"])
@pytest.mark.parametrize("call", ENDLESS[:4], ids=lambda call: call.__name__)
def test_a_retry_loop_without_end_is_ended_in_a_thread_too(call: Any, slug: str) -> None:
    ending = enter(in_a_thread(call), slug).ending
    assert ending is not None
    assert (ending.kind, ending.where) == ("runaway", line_of(call, ".get(HTTP"))
    assert 0 < ending.count <= 200


def test_the_number_of_attempts_is_the_callers_to_limit() -> None:
    ending = enter(retrying, "refused", limits=Limits(attempts=7)).ending
    assert ending is not None
    assert ending.count == 7


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=lambda raised: type(raised).__name__)
def test_what_ends_the_whole_process_is_recorded_as_fatal(raised: BaseException) -> None:
    def tool() -> None:
        raise raised

    run = enter(tool)
    assert run.raised is not None
    assert (run.raised.kind, run.raised.fatal, run.ending) == (type(raised).__name__, True, None)
    assert run.raised.where == line_of(tool, "raise raised")


@pytest.mark.parametrize(
    ("raised", "accidental"),
    [(KeyError("state"), True), (TypeError("None"), True), (ValueError("no such order"), False), (RuntimeError("upstream"), False)],
    ids=lambda value: type(value).__name__,
)
def test_a_slip_of_the_code_is_told_from_a_report_of_the_failure(raised: Exception, accidental: bool) -> None:
    def tool() -> None:
        raise raised

    run = enter(tool)
    assert run.raised is not None
    assert (run.raised.accidental, run.raised.fatal) == (accidental, False)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("swallowed", [False, True], ids=["let through", "swallowed"])
def test_an_interrupt_by_the_user_ends_the_session_and_not_the_run_alone(swallowed: bool) -> None:
    def tool() -> None:
        try:
            while True:
                pass
        except KeyboardInterrupt:
            if not swallowed:
                raise

    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        enter(tool, limits=Limits(real=5))
    timer.join()


async def waiting_with_a_heartbeat() -> Any:
    async def beat() -> None:
        while True:
            await asyncio.sleep(0.1)

    heart = asyncio.create_task(beat())
    async with httpx.AsyncClient(timeout=None) as session:
        try:
            return await session.get(HTTP)
        finally:
            heart.cancel()


def test_a_heartbeat_does_not_hide_a_wait_without_end() -> None:
    ending = enter(waiting_with_a_heartbeat, "response-hang").ending
    assert ending is not None
    assert (ending.kind, ending.where) == ("endless", line_of(waiting_with_a_heartbeat, "session.get"))


def test_a_wait_without_end_is_proved_in_no_time() -> None:
    run = enter(lambda: requests.get(HTTP), "response-hang")
    assert run.ending is not None
    assert run.ending.kind == "stuck"
    assert run.virtual < 0.1


@pytest.mark.parametrize("clock", ["monotonic", "time", "perf_counter", "monotonic_ns"])
def test_a_busy_loop_on_the_clock_ends_when_its_time_has_come(clock: str) -> None:
    look = getattr(time, clock)
    unit = 1e9 if clock.endswith("_ns") else 1

    def tool() -> None:
        read = getattr(time, clock)
        end = read() + 5 * unit
        while read() < end:
            pass

    run = enter(tool)
    assert (run.ending, run.raised) == (None, None)
    assert run.virtual == pytest.approx(5, abs=0.2)
    assert getattr(time, clock) is look


def test_a_loop_that_reads_the_clock_for_ever_is_ended() -> None:
    def tool() -> None:
        while time.monotonic():
            pass

    ending = enter(tool).ending
    assert ending is not None
    assert (ending.kind, ending.where) == ("endless", line_of(tool, "while time"))


def test_a_long_sleep_takes_no_time() -> None:
    run = enter(lambda: time.sleep(300))
    assert run.virtual == pytest.approx(300, abs=0.01)
    assert run.real < 5


@pytest.mark.parametrize("seconds", [None, "5", Decimal(5), -1, float("nan")])
def test_what_is_no_time_to_sleep_is_refused_in_pythons_own_words(seconds: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as refusal:
        time.sleep(seconds)
    run = enter(lambda: time.sleep(seconds))
    assert run.raised is not None
    assert (run.raised.kind, run.raised.message) == (refusal.type.__name__, str(refusal.value))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no SIGALRM")
def test_a_timeout_by_sigalrm_is_one_of_virtual_time() -> None:
    class TimedOut(Exception):
        pass

    def on_alarm(*_: Any) -> None:
        raise TimedOut

    def tool() -> Any:
        before = signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 4)
        try:
            return requests.get(HTTP)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    run = enter(tool, "response-hang")
    assert exception(run) == "TimedOut"
    assert run.virtual == pytest.approx(4, abs=0.1)


def test_the_watchdogs_word_that_arrives_when_the_call_has_ended_is_no_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run.carried_out

    def ended_late(call: Any, found: Any) -> Any:
        whole(call, found)
        raise WorldEnded  # as one that is on its way to this thread does, wherever it is by then

    monkeypatch.setattr(run, "carried_out", ended_late)
    seen = enter(lambda: None, None)
    assert seen.raised is None
    assert seen.ending is None
