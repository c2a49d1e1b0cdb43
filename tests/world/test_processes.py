"""Processes of a run: recorded and refused, but for the programs that are allowed; and nothing that it does ends the session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from os import _exit as leave_by_name
from os import kill as kill_by_name
from typing import Any

import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world import Limits
from pytest_agentready.world.granted import Grant, granted
from tests.world.entering import enter, line_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


def told(run: Run) -> list[tuple[str, str, str, bool]]:
    return [(effect.verb, os.path.basename(effect.target), effect.content.decode(), effect.refused) for effect in run.local_effects]


def by_words() -> Any:
    return subprocess.run(["echo", "a b"], capture_output=True, text=True, check=True).stdout


def by_a_line() -> Any:
    return subprocess.check_output("echo 'a b'", shell=True, text=True)


def by_a_path() -> Any:
    return subprocess.check_output(["/bin/echo", "a b"], text=True)


async def beside_the_loop() -> Any:
    import asyncio

    started = await asyncio.create_subprocess_exec("echo", "a b", stdout=subprocess.PIPE)
    out, _ = await started.communicate()
    return out.decode()


@pytest.mark.parametrize(
    ("call", "content"),
    [(by_words, "echo 'a b'"), (by_a_line, "echo 'a b'"), (by_a_path, "/bin/echo 'a b'"), (beside_the_loop, "echo 'a b'")],
)
def test_a_process_is_an_effect_whether_it_is_refused_or_runs(call: Callable[[], Any], content: str) -> None:
    refused = enter(call)
    assert told(refused) == [("start", "echo", content, True)]
    assert len(refused.refused) == 1
    assert not refused.returned
    with granted(Grant(programs=("echo",))):
        run = enter(call)
    assert run.value == "a b\n"
    assert told(run) == [("start", "echo", content, False)]
    assert run.refused == ()


def in_a_folder_of_the_run(folder: str = "made-by-the-run") -> Any:
    os.mkdir(folder)
    return subprocess.run(
        ["echo", "a b"], cwd=folder, env={"LD_PRELOAD": "/tmp/library.so"}, capture_output=True, text=True, check=True
    ).stdout


def with_a_word_before() -> Any:
    done = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.write(1, b"told"))
    return done.communicate("a b", timeout=5)[0] + str(done.returncode).removeprefix("0")


@pytest.mark.parametrize(
    "call", [by_words, by_a_line, by_a_path, beside_the_loop, in_a_folder_of_the_run, pytest.param(with_a_word_before, id="before")]
)
def test_a_stand_in_says_nothing_and_succeeds(call: Callable[[], Any], recwarn: pytest.WarningsRecorder) -> None:
    """So that a loop goes on behind it; what was wanted is recorded as refused all the same."""
    run = enter(call, limits=Limits(programs="succeeds"))
    assert (run.value, run.ending) == ("", None)
    assert len(run.refused) == 1
    assert [refused for verb, _, _, refused in told(run) if verb == "start"] == [True]


@pytest.mark.parametrize("word", [None, 7, [], ["a"], "a\0b"])
def test_what_is_no_word_is_refused_by_python_itself(word: Any) -> None:
    for limits in (Limits(), Limits(programs="succeeds"), Limits(programs="missing")):
        run = enter(lambda: subprocess.run(["echo", word]), limits=limits)
        assert run.raised is not None
        assert run.raised.message in (f"expected str, bytes or os.PathLike object, not {type(word).__name__}", "embedded null byte")
        assert (run.refused, told(run)) == ((), [])


def test_no_stand_in_takes_the_place_of_a_line_for_the_system() -> None:
    assert not enter(lambda: os.system("true"), limits=Limits(programs="succeeds")).returned


def test_an_effect_names_the_line() -> None:
    assert enter(by_words).local_effects[0].where == line_of(by_words, "subprocess.run")


@pytest.mark.parametrize("line", ["echo a; rm -rf b", "echo $(rm b)", "echo a > b", "X=1 echo a", "true | echo a", "echo 'a"])
def test_a_line_that_may_start_anything_is_not_that_of_an_allowed_program(line: str) -> None:
    with granted(Grant(programs=("echo", "true"))):
        run = enter(lambda: os.system(line))
    assert [effect.refused for effect in run.local_effects] == [True]
    assert run.local_effects[0].content.decode() == line


def test_a_line_behind_any_shell_and_its_options_is_that_of_its_program() -> None:
    with granted(Grant(programs=("echo", "sh"))):
        run = enter(lambda: subprocess.check_output(["sh", "-ec", "echo a"], text=True))
        refused = enter(lambda: subprocess.run(["sh", "-u", "-ec", "rm b"], check=True))
    assert (run.value, told(run)) == ("a\n", [("start", "echo", "echo a", False)])
    assert told(refused) == [("start", "rm", "rm b", True)]


def test_an_allowed_program_allows_no_other() -> None:
    with granted(Grant(programs=("echo",))):
        run = enter(lambda: subprocess.run(["cat", "/dev/null"], check=True))
    assert told(run) == [("start", "cat", "cat /dev/null", True)]


def test_the_clock_waits_for_what_really_runs() -> None:
    def wait() -> tuple[int, float]:
        begun = time.monotonic()
        done = subprocess.run(["sleep", "0.2"], timeout=5, check=False)
        return done.returncode, time.monotonic() - begun

    with granted(Grant(programs=("sleep",))):
        code, seconds = enter(wait).value  # type: ignore[misc]
    assert code == 0
    assert seconds < 1


def test_what_python_asks_about_the_machine_is_none() -> None:
    run = enter(lambda: subprocess.run(["uname"], capture_output=True, check=True).returncode)
    assert run.value == 0
    assert run.local_effects == ()


# --- what would end the session


def in_a_thread(end: Callable[[], object]) -> Callable[[], str]:
    def call() -> str:
        thread = threading.Thread(target=end)
        thread.start()
        thread.join()
        return "still here"

    return call


ENDS = [
    pytest.param(lambda: os._exit(3), id="os._exit"),
    pytest.param(lambda: leave_by_name(3), id="from os import _exit"),
    pytest.param(lambda: os.abort(), id="os.abort"),
    pytest.param(lambda: os.kill(os.getpid(), signal.SIGTERM), id="os.kill"),
    pytest.param(lambda: os.kill(os.getpid(), signal.SIGKILL), id="SIGKILL"),
    pytest.param(lambda: kill_by_name(os.getpid(), signal.SIGTERM), id="from os import kill"),
    pytest.param(lambda: os.killpg(os.getpgid(0), signal.SIGTERM), id="os.killpg"),
    pytest.param(lambda: signal.raise_signal(signal.SIGTERM), id="signal.raise_signal"),
]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_ends_the_process_is_refused_and_recorded(end: Callable[[], object], threaded: bool) -> None:
    run = enter(in_a_thread(end) if threaded else end)
    assert [effect.refused for effect in run.local_effects] == [True]
    assert len(run.refused) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exit_in_a_thread_ends_that_thread() -> None:
    assert enter(in_a_thread(lambda: sys.exit(3))).value == "still here"


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_a_signal_that_does_nothing_or_is_ignored_is_nobodys_business() -> None:
    def send() -> str:
        os.kill(os.getpid(), signal.SIGCHLD)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)
        return "alive"

    run = enter(send)
    assert run.value == "alive"
    assert not run.refused
    assert not run.local_effects


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_a_signal_after_which_a_handler_of_c_ends_the_process_is_refused() -> None:
    import faulthandler

    was_on = faulthandler.is_enabled()
    faulthandler.enable(sys.__stderr__)
    try:
        run = enter(lambda: os.kill(os.getpid(), signal.SIGSEGV))
    finally:
        if not was_on:
            faulthandler.disable()
    assert run.refused == ("the end of the whole process (SIGSEGV)",)


def test_a_signal_that_the_code_itself_handles_arrives() -> None:
    def call() -> list[int]:
        heard: list[int] = []
        signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)
        return heard

    run = enter(call)
    assert run.value == [signal.SIGUSR1] * 2
    assert run.local_effects == ()


def test_to_ask_whether_a_process_is_there_is_no_effect() -> None:
    run = enter(lambda: os.kill(os.getppid(), 0))
    assert run.returned
    assert run.local_effects == ()


def test_another_process_is_left_in_peace() -> None:
    run = enter(lambda: os.kill(os.getppid(), signal.SIGTERM))
    assert [(effect.verb, effect.target) for effect in run.local_effects] == [("kill", str(os.getppid()))]
    assert not run.returned


def test_a_child_of_the_run_may_be_ended() -> None:
    def call() -> int:
        child = subprocess.Popen(["sleep", "5"])
        child.terminate()
        return child.wait()

    with granted(Grant(programs=("sleep",))):
        run = enter(call)
    assert run.value == -signal.SIGTERM


def test_a_fork_is_recorded() -> None:
    run = enter(os.fork)
    assert [(effect.verb, effect.target, effect.refused) for effect in run.local_effects] == [("start", "fork", True)]
