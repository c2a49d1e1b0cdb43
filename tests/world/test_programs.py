"""Programs that a run may start: those by which libraries ask the machine about itself, where this machine has them, and no others."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A program that calls itself uname, and leaves a file behind."""
    program = tmp_path / "bin" / "uname"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/leaked\n")
    program.chmod(0o755)
    return program


def by_path(evil: Path) -> None:
    subprocess.run([str(evil), "-s"], check=True)


def by_the_path_of_its_environment(evil: Path) -> None:
    subprocess.run(["uname", "-s"], check=True, env={"PATH": f"{evil.parent}:/usr/bin:/bin"})


def by_the_changed_path_of_the_process(evil: Path) -> None:
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{evil.parent}:{before}"
    try:
        subprocess.run(["uname", "-s"], check=True)
    finally:
        os.environ["PATH"] = before


def by_the_folder_in_which_it_starts(evil: Path) -> None:
    subprocess.run(["./uname"], check=True, cwd=evil.parent)


def by_a_detour(evil: Path) -> None:
    subprocess.run([f"/usr/bin/../..{evil}"], check=True)


def by_posix_spawn(evil: Path) -> None:
    os.waitpid(os.posix_spawn(str(evil), ["uname"], {}), 0)


def as_another_executable(evil: Path) -> None:
    subprocess.run(["uname"], executable=str(evil), check=True)


@pytest.mark.parametrize(
    "start",
    [
        by_path,
        by_the_path_of_its_environment,
        by_the_changed_path_of_the_process,
        by_the_folder_in_which_it_starts,
        by_a_detour,
        by_posix_spawn,
        as_another_executable,
    ],
)
def test_a_program_that_only_bears_the_name_of_a_harmless_one_is_refused(start: Callable[[Path], None], evil: Path, tmp_path: Path) -> None:
    run = enter(lambda: start(evil))
    assert [what.startswith("a process (") for what in run.refused] == [True]
    assert not (tmp_path / "leaked").exists()


@pytest.mark.parametrize("words", [["uname", "-s"], ["/bin/uname", "-s"], ["/usr/bin/../bin/uname", "-s"]])
def test_the_harmless_program_of_the_machine_may_be_asked(words: list[str]) -> None:
    run = enter(lambda: subprocess.check_output(words, text=True))
    assert run.value == f"{os.uname().sysname}\n"
    assert run.refused == ()


def test_a_harmless_program_that_is_nowhere_is_missing_as_ever() -> None:
    def ask() -> str:
        try:
            subprocess.run(["sw_vers"], check=True, env={"PATH": "/nowhere"})
        except FileNotFoundError:
            return "missing"
        return "there"

    run = enter(ask)
    assert (run.value, run.refused) == ("missing", ())


def test_other_programs_are_refused_wherever_they_are() -> None:
    assert enter(lambda: subprocess.run(["/bin/true"], check=True)).refused == ("a process (/bin/true)",)
