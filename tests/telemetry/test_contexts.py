"""Whose spans reach the root of a run: what keeps OpenTelemetry's context does, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import context, trace

from pytest_agentready.domain import Telemetry
from pytest_agentready.world import observe

tracer = trace.get_tracer("shop")


def work() -> None:
    with tracer.start_as_current_span("work"):
        time.sleep(0.1)


def in_a_thread() -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_a_thread_with_context() -> None:
    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
    thread.start()
    thread.join()


def in_a_thread_with_its_own_attach() -> None:
    here = context.get_current()

    def attached() -> None:
        token = context.attach(here)
        try:
            work()
        finally:
            context.detach(token)

    thread = threading.Thread(target=attached)
    thread.start()
    thread.join()


def in_a_pool() -> None:
    with ThreadPoolExecutor(2) as pool:
        pool.submit(work).result()


def in_a_pool_with_context() -> None:
    with ThreadPoolExecutor(2) as pool:
        pool.submit(contextvars.copy_context().run, work).result()


async def in_tasks() -> None:
    await asyncio.gather(asyncio.create_task(asyncio.to_thread(work)), asyncio.to_thread(work))


async def in_a_task() -> None:
    async def waits() -> None:
        with tracer.start_as_current_span("work"):
            await asyncio.sleep(1)

    await asyncio.create_task(waits())


async def in_an_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, work)


async def in_an_executor_with_context() -> None:
    await asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, work)


def told(call: Callable[..., Any]) -> Telemetry:
    return observe(call, {}).telemetry


KEEPS = [work, in_a_thread_with_context, in_a_thread_with_its_own_attach, in_a_pool_with_context, in_tasks, in_a_task]
KEEPS += [in_an_executor_with_context]
LOSES = [in_a_thread, in_a_pool, in_an_executor]


@pytest.mark.parametrize(
    ("call", "kept"), [(call, True) for call in KEEPS] + [(call, False) for call in LOSES], ids=lambda found: getattr(found, "__name__", "")
)
def test_a_span_reaches_the_root_as_far_as_the_context_goes(call: Callable[..., Any], kept: bool) -> None:
    def within() -> Any:
        with tracer.start_as_current_span("agent"):
            return call()

    async def within_async() -> None:
        with tracer.start_as_current_span("agent"):
            await call()

    telemetry = told(within_async if asyncio.iscoroutinefunction(call) else within)
    agent, *found = telemetry.spans
    assert found
    assert telemetry.reaches_root(agent)
    assert {telemetry.reaches_root(span) for span in found} == {kept}
    assert {agent in telemetry.above(span) for span in found} == {kept}
    assert all(span.seconds is not None for span in found)


def test_the_thread_of_a_span_is_told() -> None:
    (span,) = told(in_a_thread).spans
    assert span.thread.startswith("Thread-")
    assert told(work).spans[0].thread == threading.current_thread().name


def test_an_async_generator_that_holds_a_span_makes_what_its_consumer_does_a_part_of_it(caplog: pytest.LogCaptureFixture) -> None:
    async def pieces() -> AsyncIterator[int]:
        with tracer.start_as_current_span("stream"):
            yield 1
            yield 2

    async def consumer() -> None:
        async for _ in pieces():
            work()
            break  # the generator is closed by the loop, in another context

    with caplog.at_level(logging.ERROR, logger="opentelemetry.context"):
        telemetry = told(consumer)
    stream, done = telemetry.spans
    assert (stream.name, done.parent) == ("stream", stream.id)
    assert telemetry.reaches_root(done)
    assert_nothing_is_left()


def test_a_generator_as_the_subject_is_drained_within_the_root() -> None:
    def pieces() -> Iterator[int]:
        with tracer.start_as_current_span("stream"):
            yield 1

    async def pieces_async() -> AsyncIterator[int]:
        with tracer.start_as_current_span("stream"):
            yield 1

    for subject in (pieces, pieces_async):
        telemetry = told(subject)
        assert [telemetry.reaches_root(span) for span in telemetry.spans] == [True]


def assert_nothing_is_left() -> None:
    assert context.get_current() == {}
    assert not trace.get_current_span().get_span_context().is_valid


def test_the_root_is_left_nowhere() -> None:
    kept: list[Any] = []

    def call() -> None:
        kept.append(contextvars.copy_context())
        context.attach(context.set_value("kept", 1))  # and never detached

    told(call)
    assert context.get_value("kept") == 1  # the user's own slip is the user's own
    context.attach(context.Context())
    assert_nothing_is_left()
    for one in kept:
        one.run(assert_nothing_is_left)


def test_a_thread_that_outlives_its_run_is_not_in_the_root_of_the_next() -> None:
    jobs: list[threading.Event] = []
    seen: list[bool] = []

    def waits() -> None:
        while True:
            if jobs:
                jobs.pop().set()
            time.sleep(0.01)
            seen.append(trace.get_current_span().get_span_context().is_valid)

    def call() -> None:
        threading.Thread(target=contextvars.copy_context().run, args=(waits,), daemon=True).start()
        time.sleep(1)

    told(call)
    assert seen
    assert all(seen)
    seen.clear()
    told(work)
    assert not any(seen)


def test_a_run_within_a_span_of_the_test_has_a_root_of_its_own_and_leaves_the_tests_span_alone() -> None:
    with tracer.start_as_current_span("test"):
        telemetry = told(work)
    assert [telemetry.reaches_root(span) for span in telemetry.spans] == [True]


def test_what_a_bystander_does_meanwhile_is_none_of_the_run() -> None:
    from opentelemetry.sdk.trace import TracerProvider

    own = TracerProvider().get_tracer("monitor")
    stop = threading.Event()
    beats: list[int] = []

    def heartbeat() -> None:
        while not stop.wait(0.001):
            with own.start_as_current_span("heartbeat"):
                beats.append(1)

    thread = threading.Thread(target=heartbeat)
    thread.start()
    try:
        while not beats:
            pass
        for _ in range(20):
            before = len(beats)
            names = [span.name for span in told(lambda: (work(), _until(lambda: len(beats) > before))).spans]
            assert names == ["work"]
    finally:
        stop.set()
        thread.join()


def _until(ready: Callable[[], bool]) -> None:
    for _ in range(10_000_000):
        if ready():
            return
