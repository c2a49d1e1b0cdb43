"""The wall clock is the last resort: it ends what asks for nothing, and tells a spin from a wait that cannot be seen."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import requests

from pytest_agentready.world import Limits
from tests.world.entering import HTTP, enter, line_of

ROOT = Path(__file__).parents[2]


def spinning() -> None:
    while True:
        sum(range(100))


def test_a_spin_on_the_cpu_is_ended_by_the_watchdog() -> None:
    ending = enter(spinning, limits=Limits(real=1)).ending
    assert ending is not None
    assert ending.kind == "spin"
    assert ending.where in (line_of(spinning, "while"), line_of(spinning, "sum("))


async def spinning_async() -> None:
    while True:
        sum(range(100))


def test_a_spin_in_an_async_tool_is_ended_by_the_watchdog() -> None:
    ending = enter(spinning_async, limits=Limits(real=1)).ending
    assert ending is not None
    assert ending.kind == "spin"
    assert ending.where in (line_of(spinning_async, "while"), line_of(spinning_async, "sum("))


def test_a_spin_that_swallows_everything_is_ended_as_well() -> None:
    script = """
from pytest_agentready.world import Backend, Limits, observe

def tool():
    while True:
        try:
            while True:
                sum(range(100))
        except BaseException:
            pass

print(observe(tool, {}, backend=Backend(), limits=Limits(real=0.3)).ending.kind)
"""
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    assert found.stdout.strip() == "spin"


def test_a_wait_in_c_that_cannot_be_seen_is_said_to_be_blind() -> None:
    lock = threading.Lock()
    lock.acquire()

    def tool() -> None:
        thread = threading.Thread(target=lock.acquire, daemon=True)
        thread.start()
        thread.join()

    ending = enter(tool, limits=Limits(real=1)).ending
    lock.release()
    assert ending is not None
    assert ending.kind == "blind"


def test_a_wait_in_c_that_gives_up_by_itself_is_no_wait_without_end() -> None:
    lock = threading.Lock()
    lock.acquire()

    def tool() -> None:
        thread = threading.Thread(target=lambda: lock.acquire(timeout=0.5), daemon=True)
        thread.start()
        thread.join()

    assert enter(tool).ending is None


def test_a_timeout_that_c_keeps_is_never_said_to_be_missing() -> None:
    def tool() -> Any:
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=lambda: answers.put(requests.get(HTTP).json()), daemon=True).start()
        return answers.get(timeout=0.5)

    ending = enter(tool, "response-hang").ending
    assert ending is None or ending.kind == "blind"
