"""Races and mistakes of this design that were met once, each with the test that would show it again."""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from pytest_agentready.world import Backend, crowd, real, services
from pytest_agentready.world.allowed import Allowed
from pytest_agentready.world.crowd import Crowd
from pytest_agentready.world.granted import Grant, granted
from pytest_agentready.world.network import Network
from pytest_agentready.world.outages import Outages
from pytest_agentready.world.timeline import Limits, Timeline
from tests.world.entering import HTTP, ORDER, enter, exception, verdicts


def test_the_clock_does_not_jump_on_what_was_true_before_the_bystanders_were_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at them lets go of the interpreter. Without a second look, the wait would end 5 s later, by its timeout."""
    timeline = Timeline(Limits(), lambda: False, lambda: False)
    timeline.members.add(threading.get_ident())
    answers: list[int] = []

    def look() -> bool:
        answers.append(1)  # a thread got its turn, and answered
        return True

    monkeypatch.setattr(timeline.crowd, "bystanders_rest", look)
    assert timeline.wait("wait", 5.0, lambda: bool(answers), real.sleep)
    assert timeline.now == 0.0


def test_a_thread_on_its_last_steps_holds_the_clock_for_who_joins_it() -> None:
    """It has left the list of threads, and is not dead yet. Taken for gone, the join would have been found stuck."""

    class Leaving(threading.Thread):
        def is_alive(self) -> bool:
            return True

    thread = Leaving()
    blocked: Any = {1: SimpleNamespace(primitive="join", since=real.monotonic(), target=thread)}
    around = Crowd({1}, blocked, lambda: 0.0)
    assert not around.bystanders_rest()
    blocked[1].since -= crowd.LAST_STEPS + 1
    assert around.bystanders_rest()


def test_starting_a_thread_takes_no_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts one waits for it in real time, and counts as running. Left out of account, the sleeper's 20 s would pass."""
    start = real.thread_start

    def slowly(thread: threading.Thread) -> None:
        if thread.name == "slow":
            real.sleep(0.05)
        start(thread)

    def tool() -> float:
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
        monkeypatch.setattr(real, "thread_start", slowly)
        threading.Thread(target=int, name="slow").start()
        return time.monotonic()

    run = enter(tool)
    assert run.virtual < 0.1


def test_work_that_was_handed_over_and_not_begun_holds_the_clock() -> None:
    """The pool's thread is busy with its initializer, as no member. Not counted, the 5 s would be over at once."""
    with ThreadPoolExecutor(1, initializer=real.sleep, initargs=(0.1,)) as pool:
        run = enter(lambda: pool.submit(requests.get, HTTP).result(timeout=5).json())
    assert run.value == ORDER
    assert run.virtual < 0.1


def test_an_adopted_thread_does_not_stay_behind_in_a_world_that_is_over() -> None:
    """It waits for its next job as the run ends. Left in the simulation, it would never get one."""
    jobs: queue.Queue[Any] = queue.Queue()
    results: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        while (job := jobs.get()) is not None:
            results.put(job())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def tool() -> Any:
        jobs.put(lambda: requests.get(HTTP, timeout=3).json())
        return results.get(timeout=10)

    assert enter(tool).value == ORDER
    jobs.put(lambda: 7)
    assert results.get(timeout=5) == 7
    jobs.put(None)
    thread.join(5)
    assert not thread.is_alive()


def test_a_server_in_this_process_does_not_hold_the_clock(real_server: Any) -> None:
    """It sits in a select of its own, in real time. Counted as outstanding work, the 30 s would be real ones."""
    run = enter(lambda: threading.Event().wait(30))
    assert run.virtual == pytest.approx(30, abs=0.1)
    assert run.real < 5


def test_a_thread_in_a_real_wait_of_a_tenth_of_a_second_is_not_taken_for_idle() -> None:
    """Under the rule that 20 ms without CPU time are rest, the event would have come too late."""

    def tool() -> bool:
        done = threading.Event()
        threading.Thread(target=lambda: (real.sleep(0.1), done.set())).start()
        return done.wait(timeout=5)

    run = enter(tool)
    assert run.value is True
    assert run.virtual < 0.1


def test_a_number_of_a_closed_connection_is_a_real_socket_when_it_is_used_again() -> None:
    """Told apart by the inode. By the number alone, the pair would have been read as a connection that is silent for ever."""

    def tool() -> Any:
        line = socket.create_connection(("api.example.com", 80), timeout=5)
        number = line.fileno()
        line.close()
        near, far = socket.socketpair()
        with near, far:
            if number not in (near.fileno(), far.fileno()):
                return "the number was not used again"
            far.sendall(b"real")
            near.sendall(b"real")
            return near.recv(9), far.recv(9)

    assert enter(tool).value == (b"real", b"real")


def test_a_file_that_gets_the_number_of_a_closed_connection_is_left_alone(tmp_path: Any) -> None:
    """A connection is reset through the client's descriptor: it must not be written into somebody else's file."""
    path = tmp_path / "file"

    def tool() -> None:
        line = socket.create_connection(("api.example.com", 80), timeout=5)
        number = line.fileno()
        os.close(number)  # behind the socket's back
        with path.open("wb") as file:
            assert file.fileno() == number
            line.detach()
            requests.get(HTTP, timeout=5)

    with granted(Grant(own=(str(tmp_path),))):
        assert enter(tool).raised is None
    assert path.read_bytes() == b""


@pytest.mark.parametrize("timeout", [0.24, 0.2, 0.1])
def test_a_read_timeout_no_longer_than_the_smallest_step_of_a_trickle_is_a_timeout(timeout: float) -> None:
    """The next byte and the timeout are due at one moment. Decided now so, now so, the verdict would be as random."""
    assert verdicts(lambda: requests.get(HTTP, timeout=timeout), "trickle", repeats=10) == {
        ("ConnectionError", "", round(timeout, 1))  # what requests makes of a timeout in the middle of a body
    }


def test_connections_of_other_threads_may_come_while_somebody_asks_whom_a_wait_is_for() -> None:
    """Without a copy of the list, the run would have failed with a RuntimeError, once in some thousand times under load."""
    network = Network(Outages(), Backend(), Allowed(), services)

    class Arriving:
        peer, name = None, "api.example.com:80"

        @property
        def state(self) -> str:
            network.connections[len(network.connections)] = SimpleNamespace(state="open", peer=None)  # type: ignore[assignment]
            return "hanging"

    network.connections[0] = Arriving()  # type: ignore[assignment]
    assert network.awaited() == "api.example.com:80"


def test_who_was_notified_is_ready_while_the_lock_is_being_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its lock alone, it would look as if it still waited, and the clock could jump over its head."""
    condition = threading.Condition()
    found: list[bool] = []

    def wait(self: Timeline, primitive: str, bound: float | None, ready: Any, *_: Any, **__: Any) -> bool:
        (waiter,) = condition._waiters  # type: ignore[attr-defined]
        found.append(ready())
        with condition:
            real.condition_notify(condition)
        with waiter:
            found.append(ready())
        return True

    def tool() -> bool:
        monkeypatch.setattr(Timeline, "wait", wait)
        with condition:
            try:
                return condition.wait(5)
            finally:
                monkeypatch.undo()

    assert enter(tool).value is True
    assert found == [False, True]


# --- with many


def test_thousands_of_connections_are_opened_and_closed() -> None:
    def tool() -> int:
        found = 0
        for number in range(2_000):
            with socket.create_connection(("api.example.com", 80), timeout=5) as line:
                if number % 50 == 0:
                    line.sendall(b"GET /orders/7 HTTP/1.0\r\nHost: api.example.com\r\n\r\n")
                    found += line.recv(12) == b"HTTP/1.1 200"
        return found

    assert enter(tool, limits=Limits(attempts=5_000)).value == 40


def test_hundreds_of_connections_are_held_open() -> None:
    def tool() -> int:
        lines = [socket.create_connection(("api.example.com", 80), timeout=5) for _ in range(200)]
        try:
            for line in lines:
                line.sendall(b"GET /orders/7 HTTP/1.0\r\nHost: api.example.com\r\n\r\n")
            return sum(line.recv(12) == b"HTTP/1.1 200" for line in lines)
        finally:
            for line in lines:
                line.close()

    before = len(os.listdir("/dev/fd"))
    assert enter(tool, limits=Limits(attempts=5_000)).value == 200
    assert len(os.listdir("/dev/fd")) <= before + 2


# --- where the system does not tell the state of a thread


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "_state", crowd._state_by_frame)


def in_a_pool(timeout: float | None) -> Any:
    with ThreadPoolExecutor(2) as pool:
        return [future.result(timeout=8) for future in [pool.submit(requests.get, HTTP, timeout=timeout) for _ in range(3)]]


def with_a_queue() -> Any:
    answers: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=lambda: answers.put(requests.get(HTTP).json()), daemon=True).start()
    return answers.get(timeout=5)


@pytest.mark.usefixtures("untold")
def test_frames_that_stand_still_are_enough_to_tell_who_waits() -> None:
    assert enter(with_a_queue).value == ORDER
    assert verdicts(with_a_queue, "response-hang", repeats=10) == {("Empty", "", 5.0)}
    assert verdicts(lambda: in_a_pool(3), "response-hang", repeats=10) == {("ReadTimeout", "", 6.0)}


@pytest.mark.usefixtures("untold")
def test_a_thread_that_computes_in_python_is_seen_to_run_by_its_frame() -> None:
    def tool() -> str:
        answers: queue.Queue[int] = queue.Queue()

        def compute() -> None:
            end = time.thread_time() + 0.1
            while time.thread_time() < end:
                sum(range(1000))
            answers.put(7)

        threading.Thread(target=compute).start()
        return str(answers.get(timeout=5))

    run = enter(tool)
    assert (run.value, exception(run)) == ("7", "")
    assert run.virtual < 0.1
