"""Waits that cannot be seen from Python: the run says so, and no check that judges time makes a proof of it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import requests

from pytest_agentready.checks import slow_timeout, unbounded_wait
from pytest_agentready.domain import Outcome, Unproven
from pytest_agentready.experiments import fault_matrix, normal_call
from pytest_agentready.world.leftovers import collected
from tests.examining import as_tool, examine
from tests.world.entering import FAULT, HTTPS, SHOP, enter, line_of

LIMIT = 1.2  # real seconds: the watchdog has to get its looks in, on a busy machine too


def with_a_lock_as_time_limit() -> Any:
    answers: list[Any] = []
    done = threading.Lock()
    done.acquire()

    def work() -> None:
        answers.append(requests.get(HTTPS).json())
        done.release()

    threading.Thread(target=work, daemon=True).start()
    return answers[0] if done.acquire(timeout=LIMIT) else "too late"


def with_a_simple_queue() -> Any:
    answers: SimpleQueue[Any] = SimpleQueue()  # the one in C, by a name that is older than the run
    threading.Thread(target=lambda: answers.put(requests.get(HTTPS).json()), daemon=True).start()
    return answers.get(timeout=LIMIT)


TOOLS = pytest.mark.parametrize(("tool", "line"), [(with_a_lock_as_time_limit, "done.acquire("), (with_a_simple_queue, "answers.get(")])


@TOOLS
def test_the_run_names_the_wait(tool: Callable[[], Any], line: str) -> None:
    run = enter(tool, "response-hang")
    assert len(run.unseen) == 1
    code, _, where = run.unseen[0].rpartition(" at ")
    assert line in code or "timeout=LIMIT" in code
    assert where.rpartition(":")[0] == line_of(tool, "timeout=LIMIT").rpartition(":")[0]


@TOOLS
def test_time_is_unproven_where_such_a_wait_is_the_time_limit(tool: Callable[[], Any], line: str) -> None:
    examined = as_tool(tool, {"backend": SHOP})
    with collected(tool):
        normal = normal_call.run(examined)
        matrix = fault_matrix.run(examined, normal, (FAULT["response-hang"],))
    unbounded = list(unbounded_wait.judge(normal_call=normal, fault_matrix=matrix))
    late = list(slow_timeout.judge(tool=examined, normal_call=normal, fault_matrix=matrix))
    reason = f"a thread sits in a wait that cannot be seen from Python ({matrix.runs[0].unseen[0]})"
    assert {*unbounded, *late} == {Unproven(reason)}


def test_a_thread_that_waits_alone_is_seen_by_the_watchdog() -> None:
    def tool() -> None:
        threading.Lock().acquire()
        held = threading.Lock()
        held.acquire()
        held.acquire(timeout=0.6)

    (unseen,) = enter(tool).unseen
    assert "`held.acquire(timeout=0.6)`" in unseen


def test_waits_that_are_seen_and_work_are_no_such_waits() -> None:
    def tool() -> int:
        threading.Event().wait(5)
        end = time.perf_counter_ns
        assert end() > 0
        return sum(number * number for number in range(6_000_000))  # some 0.4 real seconds

    assert enter(tool).unseen == ()


def test_a_tool_with_sqlite_alone_asks_nobody_outside(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id, state)")
        connection.execute("INSERT INTO orders VALUES (7, 'shipped')")
    connection.close()

    def tool() -> Any:
        connection = sqlite3.connect(path, timeout=5)
        try:
            return connection.execute("SELECT state FROM orders WHERE id = 7").fetchone()[0]
        finally:
            connection.close()

    verdicts = examine(tool, {})
    for check in ("AR202", "AR203", "AR103", "AR104"):
        assert verdicts[check].outcome is Outcome.NOT_APPLICABLE, verdicts[check]
        assert verdicts[check].reason == "it asks nothing outside of the process"
