"""The command line as a whole: its help, its exit codes, and what it costs to start."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pytest_agentready
from pytest_agentready import cli
from pytest_agentready.registry import Registry
from tests.cli.command import run

ROOT = Path(__file__).parents[2]
COMMANDS = ["scaffold", "list", "explain"]


def test_the_installed_command_is_the_same_as_the_module() -> None:
    declared = re.search(r'^pytest-agentready = "([\w.]+):(\w+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert declared is not None
    assert getattr(import_module(declared[1]), declared[2]) is cli.main


def test_help_names_every_command_with_an_example() -> None:
    finished = run("--help")
    assert finished.returncode == 0
    assert finished.stderr == ""
    assert [name for name in COMMANDS if not re.search(rf"^    {name} +\w", finished.stdout, re.MULTILINE)] == []
    assert [name for name in COMMANDS if f"  pytest-agentready {name}" not in finished.stdout] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_works(name: str, tmp_path: Path) -> None:
    finished = run(name, "--help")
    assert finished.returncode == 0
    example = re.search(rf"\nexample:\n  pytest-agentready ({name} .*)\n", finished.stdout)
    assert example is not None
    assert run(*example[1].split(), cwd=tmp_path).returncode == 0


def test_the_page_names_every_command_and_option() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    options = {option for name in COMMANDS for option in re.findall(r"--[a-z-]+", run(name, "--help").stdout)} - {"--help"}
    assert options == {"--into", "--profile"}
    assert [word for word in (*options, *(f"pytest-agentready {name}" for name in COMMANDS)) if word not in page] == []


def test_without_a_command_it_says_which_there_are_and_examines_nothing() -> None:
    finished = run()
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "commands:" in finished.stderr


def test_version() -> None:
    assert run("--version").stdout == f"pytest-agentready {pytest_agentready.__version__}\n"


@pytest.mark.parametrize(
    "words", [["scaffolt"], ["list", "AR101"], ["list", "--prof", "strict"], ["scaffold", "gate", "--int", "x"], ["explain"]]
)
def test_what_argparse_refuses_ends_with_2_and_without_a_traceback(words: list[str], tmp_path: Path) -> None:
    finished = run(*words, cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.startswith("usage: pytest-agentready")
    assert not any(tmp_path.iterdir())


def test_it_starts_without_the_checks_and_without_pytest(tmp_path: Path) -> None:
    code = (
        "import sys; from pytest_agentready.cli import main; main(['scaffold', 'gate', '--into', '.']); "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('pytest', '_pytest', 'pydantic', 'dataclasses') "
        "or name in ('pytest_agentready.domain', 'pytest_agentready.registry', 'pytest_agentready.patterns', 'importlib.metadata')))"
    )
    finished = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [["list"], ["explain", "AR101"]])
def test_looking_checks_up_does_not_import_pytest(words: list[str]) -> None:
    code = f"import sys; from pytest_agentready.cli import main; main({words}); sys.exit(not HEAVY.isdisjoint(sys.modules))"
    code = code.replace("HEAVY", "{'pytest', 'pydantic', 'fakeredis', 'hypothesis'}")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    command = [sys.executable, "-m", "pytest_agentready", "explain", *(check.id for check in Registry().checks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_output_that_cannot_be_written_is_told() -> None:
    with open("/dev/full", "w") as full:
        finished = subprocess.run([sys.executable, "-m", "pytest_agentready", "list"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert finished.returncode == 2
    assert finished.stderr == "pytest-agentready list: No space left on device\n"


def test_a_terminal_of_few_letters_gets_escapes() -> None:
    finished = run("scaffold", "gàte", "--into", "x", PYTHONIOENCODING="ascii")
    assert finished.returncode == 2
    assert r"'g\xe0te'" in finished.stderr


def test_an_interruption_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.scaffold, "patterns", interrupted)
    assert cli.main(["scaffold"]) == 130
