"""Threads that are none of the run's: exporters, heartbeats, what an earlier run left behind. The record has nothing of them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from pytest_agentready.domain import Run
from pytest_agentready.world import bystanders
from pytest_agentready.world.bystanders import by_themselves
from tests.world.entering import HTTP, ORDER, enter

EXPORTER = "http://telemetry.example.com/v1/traces"


@pytest.fixture
def found() -> list[Any]:
    return []


def send(found: list[Any]) -> None:
    try:
        found.append(requests.post(EXPORTER, timeout=5).status_code)
    except Exception as error:
        found.append(type(error).__name__)


def waiting_for_an_event(found: list[Any], stop: threading.Event) -> None:
    while not stop.wait(0.05):
        send(found)


def pausing(found: list[Any], stop: threading.Event) -> None:
    while not stop.is_set():
        time.sleep(0.05)
        send(found)


def looping(found: list[Any], stop: threading.Event) -> None:
    async def main() -> None:
        while not stop.is_set():
            await asyncio.sleep(0.05)
            try:
                await asyncio.open_connection("telemetry.example.com", 80)
                found.append(200)
            except OSError as error:
                found.append(type(error).__name__)

    asyncio.run(main())


@pytest.fixture(params=[waiting_for_an_event, pausing, looping], ids=lambda work: work.__name__)
def exporter(request: pytest.FixtureRequest, found: list[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], bool]]:
    """Sends every 50 ms of real time; out of a run nobody is there to hear it."""
    monkeypatch.setattr(socket, "create_connection", _nobody_outside(socket.create_connection))
    stop = threading.Event()
    thread = threading.Thread(target=request.param, args=(found, stop), daemon=True)
    thread.start()
    if request.param is not looping:

        def looked_at_between_two_messages() -> set[int]:
            while thread.ident not in (seen := by_themselves()):
                time.sleep(0.001)
            return seen

        monkeypatch.setattr(bystanders, "by_themselves", looked_at_between_two_messages)
    yield lambda: bool(found)
    stop.set()
    thread.join()


def _nobody_outside(original: Any) -> Any:
    from pytest_agentready.world import active

    def create_connection(*args: Any, **kwargs: Any) -> Any:
        if active.world is None:
            raise ConnectionRefusedError("outside of the run")
        return original(*args, **kwargs)

    return create_connection


def busy_until(done: Callable[[], bool]) -> None:
    end = time.thread_time() + 2
    while not done() and time.thread_time() < end:
        sum(range(1000))


def test_an_exporter_in_the_background_does_not_make_a_tool_go_out(found: list[Any], exporter: Callable[[], bool]) -> None:
    def tool() -> int:
        found.clear()
        busy_until(exporter)
        return 7

    run = enter(tool)
    assert run.value == 7
    assert found
    assert not [answer for answer in found if answer == 200]
    assert (run.went_out, run.requests, run.peers, run.fired) == (False, (), (), 0)


def test_an_exporter_in_the_background_meets_no_fault_of_the_tool(found: list[Any], exporter: Callable[[], bool]) -> None:
    def tool() -> Any:
        found.clear()
        busy_until(exporter)
        return requests.get(HTTP, timeout=5).json()

    runs = [enter(tool), enter(tool, "dns-failure")]
    assert runs[0].value == ORDER
    assert [run.peers for run in runs] == [("api.example.com:80",), ("api.example.com",)]
    assert runs[1].fired == 1


def test_an_exporter_that_the_tool_wakes_works_for_it() -> None:
    wake, stop = threading.Condition(), threading.Event()
    ready: list[Any] = []
    answered: list[Any] = []

    def export() -> None:
        while not stop.is_set():
            with wake:
                ready.append(True)
                if wake.wait(timeout=60) and not stop.is_set():
                    answered.append(requests.get(HTTP, timeout=5).json())

    thread = threading.Thread(target=export, daemon=True)
    thread.start()

    def tool() -> None:
        with wake:
            wake.notify()
        time.sleep(1)

    while not ready:
        time.sleep(0.001)
    run: Run = enter(tool)
    stop.set()
    with wake:
        wake.notify()
    thread.join(5)
    assert answered == [ORDER]
    assert run.peers == ("api.example.com:80",)


def test_what_an_earlier_run_left_behind_does_not_reach_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_agentready.world import world

    monkeypatch.setattr(world, "UNWINDING", 0.0)  # as on a busy machine: it has not ended in its time
    left: list[threading.Thread] = []
    attempts: list[str] = []
    go = threading.Lock()
    go.acquire()

    def stubborn() -> None:
        go.acquire()
        while True:
            attempts.append("tried")
            try:
                requests.get("http://another.example.com/", timeout=2)
            except BaseException:
                pass

    def leave_it() -> None:
        left.append(threading.Thread(target=stubborn, daemon=True))
        left[0].start()

    def tool() -> Any:
        go.release()
        busy_until(lambda: not left[0].is_alive())
        return requests.get(HTTP, timeout=2).json()

    enter(leave_it)
    run = enter(tool)
    assert run.value == ORDER
    assert run.peers == ("api.example.com:80",)
    left[0].join(5)
    assert not left[0].is_alive()
    assert attempts
