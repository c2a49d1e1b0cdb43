"""Programs that the configuration allows are real: they are started by ordinary calls, and never with a hostile text."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Outcome, Verdict
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Registry
from pytest_agentready.world.granted import Grant
from tests.examining import ROOT, as_tool

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")
SELECT = "SELECT 1 WHERE 'x' = "


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """It writes down how it was called, for real."""
    program = tmp_path / "record"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\necho done\n')
    program.chmod(0o755)
    return program


def judged(call: Callable[..., Any], check: str, program: Path, **facts: Any) -> Verdict:
    engine = Engine(Registry(), ROOT, grant=lambda: Grant(programs=(str(program),)))
    return engine.examine(as_tool(call, facts), engine.registry.check(check))


def called(program: Path) -> set[str]:
    return set((program.parent / "called").read_text().splitlines())


@pytest.mark.parametrize("check", ["AR904", "AR905", "AR906"])
def test_no_hostile_text_reaches_a_real_program(program: Path, check: str) -> None:
    def fetch(path: str, url: str) -> Any:
        return {"status": "success", "data": subprocess.check_output([str(program), path, url], text=True)}

    judged(fetch, check, program, args={"path": "notes/today.txt", "url": "https://example.com/page"})
    assert called(program) == {"notes/today.txt https://example.com/page"}


def test_a_list_of_arguments_is_data_although_the_program_is_not_started(program: Path) -> None:
    def log(ref: str) -> Any:
        return {"status": "success", "data": subprocess.check_output([str(program), ref], text=True)}

    assert judged(log, "AR906", program, args={"ref": "main"}).outcome is Outcome.PASSED


def test_a_line_for_the_shell_is_a_finding_all_the_same(program: Path) -> None:
    def log(ref: str) -> Any:
        return {"status": "success", "data": subprocess.check_output(f"{program} {ref}", shell=True, text=True)}

    (found,) = judged(log, "AR906", program, args={"ref": "main"}).findings
    assert "ref reaches a shell as code" in found.message


def test_what_comes_after_a_program_that_was_not_started_is_unproven(program: Path) -> None:
    def log(ref: str) -> Any:
        subprocess.run([str(program)], check=True)
        with closing(sqlite3.connect(":memory:")) as store:
            return {"status": "success", "data": store.execute(f"{SELECT}'{ref}'").fetchall()}

    found = judged(log, "AR906", program, args={"ref": "main"})
    assert found.outcome is Outcome.UNPROVEN
    assert f"what it does after it has started {program} is not seen" in found.reason
