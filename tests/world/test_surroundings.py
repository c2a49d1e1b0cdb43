"""What a tool changes around itself is as it was when its run is over, also after an exception."""

from __future__ import annotations

import decimal
import io
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from pytest_agentready.world import stdio, surroundings
from tests.world.entering import enter


def umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


LOOKS: dict[str, Callable[[], Any]] = {
    "environment": lambda: dict(os.environ),
    "directory": os.getcwd,
    "umask": umask,
    "signal": lambda: signal.getsignal(signal.SIGTERM),
    "path": lambda: (id(sys.path), list(sys.path)),
    "filters": lambda: list(warnings.filters),
    "logging": lambda: (logging.root.level, list(logging.root.handlers), list(logging.root.filters), logging.root.manager.disable),
    "decimal": lambda: (decimal.getcontext().prec, decimal.getcontext().rounding),
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "random": random.getstate,
    "streams": lambda: (sys.stdin, sys.stdout, sys.stderr, sys.stdout.closed, sys.stderr.closed),
    "descriptors": lambda: [os.fstat(fd).st_ino for fd in (0, 1, 2)],
}


def change_the_environment() -> None:
    os.environ["AGENTREADY_TEST"] = "1"
    os.environ.pop("PATH")


def replace_the_streams() -> None:
    sys.stdout = io.StringIO()
    sys.stderr = None  # type: ignore[assignment]


def close_the_streams() -> None:
    sys.stdout.close()
    sys.stderr.detach()  # type: ignore[union-attr]


def close_the_descriptors() -> None:
    os.close(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def replace_the_path() -> None:
    sys.path = [*sys.path, "/elsewhere"]


def log_to_the_terminal() -> None:
    logging.basicConfig(level=logging.DEBUG, force=True)
    logging.disable(logging.ERROR)
    logging.root.addFilter(lambda record: False)


CHANGES: dict[str, tuple[Callable[[], Any], str]] = {
    "environment": (change_the_environment, "environment"),
    "chdir": (lambda: os.chdir("/"), "directory"),
    "umask": (lambda: os.umask(0), "umask"),
    "signal": (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), "signal"),
    "path.append": (lambda: sys.path.append("/elsewhere"), "path"),
    "path =": (replace_the_path, "path"),
    "simplefilter": (lambda: warnings.simplefilter("ignore"), "filters"),
    "basicConfig": (log_to_the_terminal, "logging"),
    "decimal.prec": (lambda: setattr(decimal.getcontext(), "prec", 3), "decimal"),
    "decimal.setcontext": (lambda: decimal.setcontext(decimal.Context(rounding=decimal.ROUND_UP)), "decimal"),
    "setlocale": (lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C"), "locale"),
    "random.seed": (lambda: random.seed(0), "random"),
    "random.random": (random.random, "random"),
    "streams replaced": (replace_the_streams, "streams"),
    "streams closed": (close_the_streams, "streams"),
    "descriptors closed": (close_the_descriptors, "descriptors"),
}


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_taken_back(change: str, raises: bool) -> None:
    make, what = CHANGES[change]
    before = LOOKS[what]()
    inside: list[Any] = []

    def tool() -> None:
        make()
        if what not in ("streams", "descriptors"):
            inside.append(LOOKS[what]())
        if raises:
            raise ValueError("no")

    run = enter(tool)
    assert (run.raised is not None) == raises
    assert LOOKS[what]() == before
    assert all(look != before for look in inside)  # it was a change indeed


def test_a_directory_that_the_tool_removes_is_no_error(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def tool() -> None:
        (tmp_path / "work").mkdir()
        os.chdir(tmp_path / "work")
        (tmp_path / "work").rmdir()

    monkeypatch.chdir(tmp_path)
    assert enter(tool).returned
    assert os.getcwd() == str(tmp_path)


def test_chance_differs_from_run_to_run_of_an_experiment_and_is_the_same_for_the_next_subject() -> None:
    def keys() -> list[float]:
        from pytest_agentready.world import Backend, observe
        from pytest_agentready.world.leftovers import collected

        with collected(object()):
            return [observe(random.random, {}, backend=Backend()).value for _ in range(3)]  # type: ignore[misc]

    first = keys()
    assert len(set(first)) == 3  # a tool that makes up a new key each time shall be seen to
    assert keys() == first


def test_a_thread_that_the_tool_leaves_behind_ends_with_its_run() -> None:
    left: list[threading.Thread] = []

    def poll() -> None:
        while True:
            time.sleep(1)

    def tool() -> None:
        thread = threading.Thread(target=poll)
        thread.start()
        left.append(thread)

    assert enter(tool).returned
    left[0].join(5)
    assert not left[0].is_alive()


def test_telemetry_providers_are_taken_back() -> None:
    code = """
from tests.world.entering import enter

def tool():
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider())
    return type(trace.get_tracer_provider()).__name__

for _ in range(2):
    assert enter(tool).value == "TracerProvider", enter(tool)

from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import TracerProvider
assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"
assert "Proxy" in type(metrics.get_meter_provider()).__name__
mine = TracerProvider()
trace.set_tracer_provider(mine)
enter(tool)
assert trace.get_tracer_provider() is mine
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=os.getcwd())
    assert finished.returncode == 0, finished.stderr


def test_looking_costs_little() -> None:
    def seconds() -> float:
        start = time.thread_time()
        for _ in range(200):
            with surroundings.kept():
                pass
        return (time.thread_time() - start) / 200

    assert min(seconds() for _ in range(5)) < 0.0005  # some 0.1 ms on an idle machine


def test_a_stream_that_is_kept_from_a_silent_run_speaks_again_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    with stdio.muted():
        print("unheard")
        logger = logging.StreamHandler()
        kept = sys.stdout
    print("heard", file=kept)
    logger.stream.write("too")
    assert capsys.readouterr() == ("heard\n", "too")
