"""One answer is lost, once, and it is known who sends the request again."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import httpx
import openai
import pytest
import redis
import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pytest_agentready.domain import Run
from pytest_agentready.world import Backend, Stay, stay
from pytest_agentready.world.lost import by_birth, lost_answer

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
URL = "https://api.example.com/orders"


def by_the_adapter() -> None:
    with requests.Session() as session:
        session.mount("https://", HTTPAdapter(max_retries=Retry(2, allowed_methods=None)))
        session.post(URL, timeout=2)


def by_a_loop() -> None:
    for _ in range(2):
        try:
            requests.post(URL, timeout=2)
            return
        except requests.RequestException:
            continue


@tenacity.retry(stop=tenacity.stop_after_attempt(3))
def by_a_decorator() -> None:
    requests.post(URL, timeout=2)


async def by_a_loop_of_awaits() -> None:
    async with httpx.AsyncClient(timeout=2) as client:
        for _ in range(2):
            try:
                await client.post(URL)
                return
            except httpx.HTTPError:
                await asyncio.sleep(0.1)


def by_an_sdk() -> None:
    with openai.OpenAI(api_key="sk-test", base_url="https://api.example.com", timeout=2, max_retries=2) as client:
        client.post("/orders", body={}, cast_to=object)


def by_nobody() -> None:
    requests.post(URL, timeout=2)


def lose(call: Any, *, silent: bool, method: str = "POST", target: str = URL) -> tuple[list[str], Run]:
    fault = lost_answer(method, target, silent=silent)

    def visit(world: Stay) -> Run:
        world.fault(fault)
        return world.call(call, {})

    run = stay(visit, backend=Backend.parse({f"POST {URL}": {"id": 1}}))
    fault.watch.frames.clear()
    gc.collect()  # the sockets that an exception has held are not to be found by another test
    return fault.watch.repeaters, run


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(
    ("call", "repeaters"),
    [
        (by_the_adapter, ["urllib3"]),
        (by_a_loop, [""]),
        (by_a_decorator, ["tenacity"]),
        (by_a_loop_of_awaits, [""]),
        (by_an_sdk, ["openai"]),
        (by_nobody, []),
    ],
)
def test_it_is_known_whose_loop_sends_the_write_again(call: Any, repeaters: list[str], silent: bool) -> None:
    found, run = lose(call, silent=silent)
    assert found == repeaters
    assert [request.committed for request in run.requests] == [True] * (1 + len(repeaters))
    assert run.fired == 1


def test_an_answer_of_another_protocol_is_lost_as_well() -> None:
    def push() -> None:
        with redis.Redis(host="cache.internal", socket_timeout=2) as store:
            store.rpush("jobs", "tea")

    found, run = lose(push, silent=False, method="RPUSH", target="redis://cache.internal:6379")
    assert found == ["redis"]
    assert sum(request.method == "RPUSH" for request in run.requests) == 2


def test_a_write_under_a_new_name_is_the_same_write() -> None:
    def put() -> None:
        requests.put(f"{URL}/9f8e7d6c-5b4a-4321-8fed-cba987654321", timeout=2)

    _, run = lose(put, silent=False, method="PUT", target=f"{URL}/01234567-89ab-4cde-8f01-23456789abcd")
    assert run.fired == 1


def test_tasks_are_looked_at_in_the_order_of_their_birth() -> None:
    async def born() -> tuple[list[str], list[str]]:
        tasks = [asyncio.create_task(asyncio.sleep(0), name=f"Task-{number}") for number in (8, 9, 10, 11)]
        await asyncio.gather(*tasks)
        return [task.get_name() for task in tasks], [task.get_name() for task in sorted(set(tasks), key=by_birth)]

    names, found = asyncio.run(born())
    assert found == names
