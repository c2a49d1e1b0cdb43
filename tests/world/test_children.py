"""What stands in for programs: they are missing, they fail, and they never end, in the world's time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world import Limits
from tests.world.entering import enter, line_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")
SILENT, FAILS, MISSING = (Limits(programs=conduct) for conduct in ("silent", "fails", "missing"))


def run_it(timeout: float | None = None) -> str:
    return subprocess.run(["git", "status"], capture_output=True, text=True, timeout=timeout, check=True).stdout


def run_a_line() -> str:
    return subprocess.check_output("git status | head", shell=True, text=True)


def wait_for_it() -> int:
    return subprocess.Popen(["git", "status"], stdout=subprocess.DEVNULL).wait()


async def beside_the_loop(timeout: float | None = None) -> str:
    started = await asyncio.create_subprocess_exec("git", "status", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, _ = await asyncio.wait_for(started.communicate(), timeout)
    except asyncio.TimeoutError:
        started.kill()
        await started.wait()
        return "too slow"
    return out.decode()


async def in_a_thread() -> str:
    return await asyncio.to_thread(run_it)


def ask_again_and_again() -> int | None:
    child = subprocess.Popen(["git", "status"])
    while child.poll() is None:
        time.sleep(0.5)
    return child.returncode


@pytest.mark.parametrize("call", [run_it, run_a_line, wait_for_it, beside_the_loop, in_a_thread])
def test_a_program_that_never_ends_is_proved_to_be_waited_for_without_end(call: Callable[[], Any]) -> None:
    run = enter(call, limits=SILENT)
    assert run.ending is not None
    assert (run.ending.kind, run.unseen) == ("stuck", ())
    assert [bound for bound in bounds(run) if bound is not None] == []
    assert run.real < 3


@pytest.mark.parametrize(
    ("call", "seconds"),
    [
        (lambda: run_it(30), 30),
        (lambda: subprocess.call("git status", shell=True, timeout=700), 700),
        (lambda: subprocess.Popen(["git", "status"], stdin=subprocess.PIPE, stdout=subprocess.PIPE).communicate(b"a", timeout=7), 7),
    ],
)
def test_a_timeout_of_a_program_is_one_of_virtual_seconds(call: Callable[[], Any], seconds: float) -> None:
    run = enter(call, limits=SILENT)
    assert run.raised is not None
    assert run.raised.kind == "subprocess.TimeoutExpired"
    assert run.virtual == pytest.approx(seconds, abs=0.1)
    assert run.real < 3


@pytest.mark.parametrize("by", [{"start_new_session": True}, {"preexec_fn": os.setsid}])
def test_who_ends_all_of_a_group_after_a_timeout_waits_for_nothing_more(by: dict[str, Any]) -> None:
    def end_them_all() -> int:
        child = subprocess.Popen(["git", "status"], **by)
        try:
            return child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(os.getpgid(child.pid), signal.SIGKILL)
            return child.wait()

    run = enter(end_them_all, limits=SILENT)
    assert (run.value, run.ending) == (-signal.SIGKILL, None)
    assert run.virtual == pytest.approx(30, abs=0.1)


def test_an_async_timeout_of_a_program_is_one_of_virtual_seconds() -> None:
    run = enter(lambda: asyncio.run(beside_the_loop(30)), limits=SILENT)
    assert (run.value, run.ending) == ("too slow", None)
    assert run.virtual == pytest.approx(30, abs=0.1)


def test_who_looks_again_and_again_whether_it_has_ended_does_so_for_ever() -> None:
    run = enter(ask_again_and_again, limits=SILENT)
    assert run.ending is not None
    assert run.ending.kind == "endless"


def test_a_wait_for_what_it_says_is_not_seen_and_ends_all_the_same() -> None:
    def read_it() -> bytes:
        child = subprocess.Popen(["git", "status"], stdout=subprocess.PIPE)
        assert child.stdout is not None
        with child, child.stdout as out:
            return out.read()

    run = enter(read_it, limits=SILENT)
    assert run.unseen
    assert run.real < 8


def test_a_program_that_fails_says_so_and_gives_a_status() -> None:
    run = enter(lambda: subprocess.run("git status", shell=True, capture_output=True, text=True), limits=FAILS)
    assert (run.value.returncode, run.value.stdout, run.value.stderr) == (1, "", "error: the operation could not be completed\n")  # type: ignore[attr-defined]
    assert run.fired == 1
    failed = enter(run_it, limits=FAILS)
    assert failed.raised is not None
    assert (failed.raised.kind, failed.raised.where) == ("subprocess.CalledProcessError", line_of(run_it, "subprocess.run"))


@pytest.mark.parametrize("call", [run_it, wait_for_it, beside_the_loop])
def test_a_program_may_be_missing(call: Callable[[], Any]) -> None:
    run = enter(call, limits=MISSING)
    assert run.raised is not None
    assert (run.raised.kind, run.fired) == ("FileNotFoundError", 1)
    assert "'git'" in run.raised.message


def test_a_shell_is_never_missing() -> None:
    run = enter(run_a_line, limits=MISSING)
    assert (run.value, run.fired) == ("", 0)


def test_no_child_outlives_its_run() -> None:
    children: list[Any] = []
    enter(lambda: children.append(subprocess.Popen(["git", "status"])), limits=SILENT)
    assert children[0].wait(timeout=2) == -9


def test_threads_may_wait_for_programs_of_their_own() -> None:
    def both() -> None:
        threads = [threading.Thread(target=wait_for_it) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    run = enter(both, limits=SILENT)
    assert run.virtual == pytest.approx(40, abs=0.1)


def bounds(run: Run) -> list[float | None]:
    return [wait.bound for wait in run.waits if wait.primitive == "process"]
