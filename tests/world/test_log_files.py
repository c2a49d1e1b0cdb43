"""Loggers write and rotate in the run's copies, and go on with their real files afterwards."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler, WatchedFileHandler
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Run
from pytest_agentready.world import observe
from pytest_agentready.world.granted import Grant, granted

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")
LINE = "x" * 50


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("rotating")
    made.setLevel("INFO")
    made.propagate = False
    yield made
    for handler in tuple(made.handlers):
        made.removeHandler(handler)
        handler.close()


def run(logger: logging.Logger, lines: int = 4) -> Run:
    def call() -> None:
        for _ in range(lines):
            logger.info(LINE)

    with granted(Grant()):  # as in an examination, which has no folder of its own
        found = observe(call, {})
    assert found.returned, (found.raised, found.ending)
    return found


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_log_that_rotates_is_no_effect_and_loses_nothing(logger: logging.Logger, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("before\n")
    (tmp_path / "app.log.1").write_text("long before\n")
    logger.addHandler(RotatingFileHandler(tmp_path / "app.log", maxBytes=100, backupCount=2))
    for _ in range(3):
        found = run(logger)
        assert (found.local_effects, found.refused) == ((), ())
    logger.info("after")
    kept = contents(tmp_path)
    assert kept["app.log"].startswith("before\n") or kept["app.log.1"].startswith("before\n")
    assert kept["app.log"].endswith("after\n")


@pytest.mark.parametrize("kind", [logging.FileHandler, WatchedFileHandler])
def test_a_handler_that_a_run_makes_and_keeps_writes_to_the_real_file_afterwards(logger: logging.Logger, tmp_path: Path, kind: Any) -> None:
    made: list[logging.Handler] = []

    def call() -> None:
        if not made:
            made.append(kind(tmp_path / "app.log"))
            logger.addHandler(made[0])
        logger.info(LINE)

    with granted(Grant()):
        for _ in range(2):
            found = observe(call, {})
            assert (found.returned, found.local_effects, found.refused) == (True, (), ())
    assert contents(tmp_path) == {}
    logger.info("after")
    assert contents(tmp_path) == {"app.log": "after\n"}


def test_a_handler_that_goes_by_time_rotates_when_it_would_have(logger: logging.Logger, tmp_path: Path) -> None:
    handler = TimedRotatingFileHandler(tmp_path / "app.log", when="midnight")
    logger.addHandler(handler)
    due = handler.rolloverAt = 1  # long since
    run(logger)
    assert handler.rolloverAt == due


def test_a_handler_that_nobody_finds_is_led_into_the_run_too(logger: logging.Logger, tmp_path: Path) -> None:
    logger.addHandler(RotatingFileHandler(tmp_path / "app.log", maxBytes=100, backupCount=1, delay=True))
    assert run(logger).refused == ()  # a logger is found by its name alone
    assert contents(tmp_path) == {}
