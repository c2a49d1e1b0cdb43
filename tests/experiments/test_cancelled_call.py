"""Cancellations: at which moments, what is recorded of them, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import Cancellation, CancelledCalls, Outcome
from pytest_agentready.experiments import cancelled_call, fault_matrix, normal_call
from pytest_agentready.world import FAULTS, IncomingRequest, loops
from pytest_agentready.world.leftovers import collected
from tests.examining import as_tool, examine
from tests.world.entering import line_of

URL = "http://shop.example.com/a"
BACKEND = {"GET http://shop.example.com/{page}": {"next": 1}}
SOME = tuple(fault for fault in FAULTS if fault.slug in ("connect-hang", "response-hang", "500"))


def cancel(call: Any, backend: Any = BACKEND) -> CancelledCalls:
    tool = as_tool(call, {"backend": backend})
    with collected(tool):
        normal = normal_call.run(tool)
        return cancelled_call.run(tool, normal, fault_matrix.run(tool, normal, SOME))


def met(found: CancelledCalls) -> dict[str, Cancellation]:
    return {cancellation.run.mishap_slug: cancellation for cancellation in found.reached}


async def get(url: str = URL) -> Any:
    async with httpx.AsyncClient(timeout=4) as client:
        return (await client.get(url)).json()


async def get_twice() -> Any:
    return await get(), await get("http://shop.example.com/b")


async def get_with_pauses() -> Any:
    async with httpx.AsyncClient(timeout=4) as client:
        for _ in range(3):
            response = await client.get(URL)
            if response.status_code == 200:
                break
            await asyncio.sleep(1)
        return response.json()


def test_a_tool_is_cancelled_while_it_connects_and_while_it_waits_for_an_answer() -> None:
    found = met(cancel(get))
    assert list(found) == ["connect-hang", "response-hang"]
    for cancellation in found.values():
        assert cancellation.at == pytest.approx(0.25, abs=0.01)
        assert cancellation.where == line_of(get, "client.get")
        assert (cancellation.how, cancellation.obeyed) == ("cancelled", True)


def test_it_is_cancelled_at_its_second_request_too() -> None:
    assert list(met(cancel(get_twice))) == ["connect-hang", "connect-hang@2", "response-hang", "response-hang@2"]


def test_it_is_cancelled_in_the_pause_before_a_retry() -> None:
    pause = met(cancel(get_with_pauses))["500"]
    assert pause.where == line_of(get_with_pauses, "asyncio.sleep")
    assert pause.obeyed


def test_a_tool_that_asks_nobody_is_cancelled_in_its_pause() -> None:
    async def pausing() -> None:
        await asyncio.sleep(2)

    assert [(found.at, found.obeyed) for found in cancel(pausing).reached] == [(pytest.approx(0.25, abs=0.01), True)]


def test_a_tool_that_does_not_wait_is_not_cancelled() -> None:
    async def at_once() -> int:
        return 1

    assert cancel(at_once) == CancelledCalls()


def test_a_tool_that_blocks_the_loop_is_over_before() -> None:
    async def blocking() -> Any:
        return requests.get(URL, timeout=4).json()

    found = cancel(blocking)
    assert found.cancellations
    assert found.reached == ()


async def returning() -> Any:
    try:
        return await get()
    except BaseException:
        return {}


async def raising() -> Any:
    try:
        return await get()
    except BaseException:
        raise LookupError from None


async def asking_again() -> Any:
    try:
        return await get()
    except BaseException:
        return await get()


async def asking_elsewhere() -> Any:
    try:
        return await get()
    except BaseException:
        return await get("http://shop.example.com/b")


async def pausing() -> Any:
    try:
        return await get()
    except BaseException:
        await asyncio.sleep(60)
        raise


async def stubborn() -> Any:
    for _ in range(50):
        try:
            return await get()
        except BaseException:
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("call", "how", "requests_after", "paused"),
    [
        (returning, "returned", False, False),
        (raising, "raised", False, False),
        (asking_again, "cancelled", True, False),
        (asking_elsewhere, "cancelled", True, False),
        (pausing, "cancelled", False, True),
        (stubborn, "unended", True, False),
    ],
)
def test_what_a_tool_does_instead_of_ending_is_recorded(call: Any, how: str, requests_after: bool, paused: bool) -> None:
    for cancellation in met(cancel(call)).values():
        assert (cancellation.how, cancellation.requests > 0, cancellation.paused) == (how, requests_after, paused)
        assert not cancellation.obeyed


async def shielded(finish: Any) -> Any:
    work = asyncio.ensure_future(get())
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        return await finish(work)


async def returned_late() -> Any:
    async def finish(work: Any) -> Any:
        with contextlib.suppress(httpx.HTTPError):
            return await work
        return "down"

    return await shielded(finish)


async def raised_late() -> Any:
    async def finish(work: Any) -> Any:
        with contextlib.suppress(httpx.HTTPError):
            await work
        raise asyncio.CancelledError

    return await shielded(finish)


@pytest.mark.parametrize(("call", "how"), [(returned_late, "returned"), (raised_late, "cancelled")])
def test_a_tool_that_waits_for_what_it_had_asked_for_is_given_the_time_to_show_how_it_ends(call: Any, how: str) -> None:
    found = met(cancel(call))
    assert {cancellation.how for cancellation in found.values()} == {how}
    assert found["response-hang"].run.virtual == pytest.approx(4.0, abs=0.1)


def test_the_clause_that_keeps_a_cancellation_is_known() -> None:
    assert {found.kept for found in met(cancel(returning)).values()} == {line_of(returning, "except BaseException")}
    assert {found.kept for found in met(cancel(returned_late)).values()} == {line_of(shielded, "except asyncio.CancelledError")}
    assert {found.kept for found in met(cancel(get)).values()} == {""}


async def cleaning_up() -> Any:
    async with httpx.AsyncClient(timeout=None) as client:
        try:
            return (await client.get(URL, timeout=4)).json()
        finally:
            await client.delete(URL)


def test_a_clean_up_may_take_a_second_cancellation() -> None:
    found = met(cancel(cleaning_up, {**BACKEND, "DELETE http://shop.example.com/a": {}}))
    assert found["response-hang"].obeyed


def test_a_stream_of_parts_is_cancelled_like_a_call() -> None:
    async def parts() -> Any:
        yield await get()

    assert all(found.obeyed for found in met(cancel(parts)).values())


def test_a_backend_that_fails_in_a_cancelled_call_spoils_no_other() -> None:
    calls: list[int] = []

    def thrice(request: IncomingRequest) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise LookupError("already sold")
        return {}

    async def after_a_pause() -> Any:
        await asyncio.sleep(1)
        return await get()

    assert set(met(cancel(after_a_pause, {f"GET {URL}": thrice}))) >= {"connect-hang", "response-hang"}


@pytest.mark.parametrize("call", [get, stubborn, pausing, raising])
def test_nothing_is_left_of_a_cancelled_call(call: Any) -> None:
    cancel(get)
    before = set(threading.enumerate())
    cancel(call)
    own = loops.loop()
    assert not own.is_running()
    assert asyncio.all_tasks(own) == set()
    assert {thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("agentready")} == set()
    assert cancel(get).reached[0].obeyed


async def blocks_between_two_attempts() -> str:
    async with httpx.AsyncClient(timeout=1) as client:
        for _ in range(2):
            with contextlib.suppress(httpx.HTTPError):
                response = await client.get("http://api.example.com/orders")
                if response.status_code < 500:
                    return response.text
            time.sleep(0.5)
    return "down"


def test_a_cancellation_that_a_blocked_loop_holds_up_proves_nothing() -> None:
    found = examine(blocks_between_two_attempts, {"backend": {"GET http://api.example.com/orders": {"state": "shipped"}}})
    assert found["AR206"].outcome is Outcome.FAILED
    assert found["AR208"].outcome is not Outcome.FAILED
