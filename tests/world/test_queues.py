"""`queue.SimpleQueue`, whose own waits nobody could see."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.world.entering import enter, exception


def test_its_patience_is_virtual() -> None:
    run = enter(lambda: queue.SimpleQueue().get(timeout=50))
    assert exception(run) == "Empty"
    assert run.virtual == pytest.approx(50, abs=0.1)


def test_what_another_thread_puts_arrives_when_it_does() -> None:
    def wait() -> Any:
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Timer(30, answers.put, ["done"]).start()
        return answers.get(timeout=60)

    run = enter(wait)
    assert run.value == "done"
    assert run.virtual == pytest.approx(30, abs=0.1)


def test_without_a_deadline_it_is_stuck() -> None:
    run = enter(lambda: queue.SimpleQueue().get())
    assert run.ending is not None
    assert run.ending.kind == "stuck"


def test_pools_work_as_ever_and_the_real_one_is_back_after_the_run() -> None:
    def work() -> Any:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda seconds: time.sleep(seconds) or seconds, [3, 1, 2]))

    before = queue.SimpleQueue
    run = enter(work)
    assert run.value == [3, 1, 2]
    assert run.virtual == pytest.approx(3, abs=0.1)
    assert queue.SimpleQueue is before


def test_what_is_done_with_the_class_can_be_done_in_a_run() -> None:
    def work() -> Any:
        class Counting(queue.SimpleQueue):  # type: ignore[type-arg]
            def count(self) -> int:
                return self.qsize()

        counting: Any = Counting()
        counting.put("job")
        return counting.count(), isinstance(queue.SimpleQueue(), queue.SimpleQueue), isinstance(counting, queue.SimpleQueue[int].__origin__)

    assert enter(work).value == (1, True, True)
