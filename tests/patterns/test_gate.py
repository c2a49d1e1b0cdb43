"""The gate to copy: one key for one call, used once, and not for long."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from pytest_agentready.patterns.gate import Approvals, AsyncRedisApprovals, RedisApprovals, call_key
from pytest_agentready.scene import AgentWorld
from tests.patterns.conftest import Server

MAIL = {"to": "ada@example.com", "body": "See you."}


def test_any_other_call_has_another_key() -> None:
    keys = {
        call_key("send", "ada", MAIL),
        call_key("send", "ada", {**MAIL, "body": "See you!"}),
        call_key("send", "bob", MAIL),
        call_key("draft", "ada", MAIL),
        call_key("send", "ada", {"to": "ada@example.com:See", "body": " you."}),
    }
    assert len(keys) == 5
    assert call_key("send", "ada", dict(reversed(MAIL.items()))) in keys


def test_it_is_the_same_key_in_another_process() -> None:
    code = f"from pytest_agentready.patterns.gate import call_key; print(call_key('send', 'ada', {MAIL!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == call_key("send", "ada", MAIL)


@pytest.mark.parametrize("argument", [object(), float("nan"), {1, 2}])
def test_what_is_no_json_has_no_key(argument: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        call_key("send", "ada", {"to": argument})


def test_an_approval_is_used_up_by_its_call() -> None:
    approvals = Approvals()
    approvals.grant("k")
    assert not approvals.take("other")
    assert approvals.take("k")
    assert not approvals.take("k")


def test_an_approval_expires(agent_world: AgentWorld) -> None:
    approvals = Approvals(lifetime=60)
    for seconds, good in ((59, True), (61, False)):
        approvals.grant("k")
        agent_world.clock.advance(seconds)
        assert approvals.take("k") is good


def test_approvals_that_nobody_took_are_forgotten(agent_world: AgentWorld) -> None:
    approvals = Approvals(lifetime=60)
    for number in range(1_000):
        approvals.grant(str(number))
        agent_world.clock.advance(1)
    assert len(approvals._granted) <= 61


def test_all_workers_share_an_approval_and_one_of_them_takes_it(server: Server) -> None:
    client = server.client()
    RedisApprovals(client).grant("k")
    ready = threading.Barrier(50)
    taken: list[bool] = []

    def worker() -> None:
        ready.wait()
        taken.append(RedisApprovals(client).take("k"))

    threads = [threading.Thread(target=worker) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 49 + [True]


def test_async_workers_do_so_too(server: Server) -> None:
    async def workers() -> list[bool]:
        async with server.async_client() as client:
            approvals = AsyncRedisApprovals(client)
            await approvals.grant("k")
            assert not await approvals.take("other")
            return await asyncio.gather(*(approvals.take("k") for _ in range(50)))

    assert sorted(asyncio.run(workers())) == [False] * 49 + [True]


def test_an_approval_in_redis_expires(server: Server) -> None:
    client = server.client()
    RedisApprovals(client, lifetime=60).grant("k")
    assert 59_000 < client.pttl("approved:k") <= 60_000  # type: ignore[operator]
    RedisApprovals(client, lifetime=0.001).grant("k")
    threading.Event().wait(0.05)
    assert not RedisApprovals(client).take("k")
