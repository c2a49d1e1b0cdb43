"""Event loops that another plugin has given a clock or a selector of its own: in a world they go by the world's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_agentready.world import loops
from tests.world.entering import HTTP, ORDER, enter, exception

ROOT = Path(__file__).parents[2]


class Compressed(asyncio.BaseEventLoop):
    """Mixed into a loop's class, as looptime does it: a clock that jumps from one timer to the next, and never waits."""

    now = 7.0

    def time(self) -> float:
        return self.now


def compress(loop: Any) -> Any:
    loop.__class__ = type("CompressedLoop", (Compressed, type(loop)), {})
    select = loop._selector.select

    def at_once(timeout: float | None) -> Any:
        if not (found := select(0)) and timeout:
            loop.now += timeout
        return found

    loop._selector.select = at_once
    return loop


@pytest.fixture
def loop() -> Iterator[Any]:
    loop = compress(asyncio.new_event_loop())
    yield loop
    loop.close()


async def ask() -> Any:
    async with httpx.AsyncClient(timeout=5) as client:
        return (await client.get(HTTP)).json()


def test_a_client_in_a_loop_of_compressed_time_waits_by_the_worlds_clock(loop: Any) -> None:
    run = enter(lambda: loop.run_until_complete(ask()), "response-hang")
    assert (exception(run), run.ending) == ("ReadTimeout", None)
    assert run.virtual == pytest.approx(5.0, abs=0.1)
    assert enter(lambda: loop.run_until_complete(ask())).value == ORDER


def test_a_loop_of_compressed_time_has_its_own_again_afterwards(loop: Any) -> None:
    select = loop._selector.select
    rung: list[float] = []
    loop.call_later(30, lambda: rung.append(loop.time()))
    run = enter(lambda: loop.run_until_complete(asyncio.sleep(10)))
    assert run.virtual == pytest.approx(10.0, abs=0.1)
    assert loop._selector.select is select
    assert "time" not in vars(loop)
    assert (loop.time(), rung) == (7.0, [])
    loop.run_until_complete(asyncio.sleep(25))
    assert rung == [pytest.approx(27.0, abs=0.1)]  # what was due in 30 s, of which ten have passed


def test_a_selector_that_was_hidden_before_the_world_does_not_wait_in_real_time() -> None:
    loop = asyncio.new_event_loop()
    loop._selector.select = loop._selector.select  # type: ignore[attr-defined]  # bound early
    run = enter(lambda: loop.run_until_complete(asyncio.sleep(60)))
    loop.close()
    assert (run.ending, round(run.virtual)) == (None, 60)


def test_async_tools_run_by_the_worlds_clock_where_the_class_of_all_loops_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Replaced(Compressed, asyncio.SelectorEventLoop):
        pass

    monkeypatch.setattr(asyncio, "SelectorEventLoop", Replaced)
    monkeypatch.setattr(loops, "_own_loop", None)
    run = enter(ask, "response-hang")
    loops.loop().close()
    assert exception(run) == "ReadTimeout"
    assert run.virtual == pytest.approx(5.0, abs=0.1)


NESTED = """
import asyncio
import httpx
import nest_asyncio
from pytest_agentready.world import FAULTS, Backend, observe

URL = "http://api.example.com/orders/7"
FAULT = {fault.slug: fault for fault in FAULTS}


async def ask(timeout):
    async with httpx.AsyncClient(timeout=timeout) as client:
        return (await client.get(URL)).json()


async def nested(timeout):
    nest_asyncio.apply()
    return asyncio.run(ask(timeout))


def twice(timeout):
    async def outer():
        return asyncio.run(ask(timeout))

    return asyncio.run(outer())


for tool in (nested, twice):
    for fault, timeout in ((None, 4), ("response-hang", 4), ("response-hang", None), (None, 4)):
        run = observe(tool, {"timeout": timeout}, backend=Backend.parse({f"GET {URL}": "shipped"}), fault=FAULT.get(fault))
        print(run.value or (run.ending.kind if run.ending else run.raised.kind), round(run.virtual))
"""


def test_a_loop_that_is_run_within_itself_waits_by_the_worlds_clock() -> None:
    pytest.importorskip("nest_asyncio")  # it replaces methods of asyncio for good: in a process of its own
    found = subprocess.run([sys.executable, "-c", NESTED], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.splitlines() == ["shipped 0", "httpx.ReadTimeout 4", "stuck 0", "shipped 0"] * 2
