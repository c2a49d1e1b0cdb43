"""Every pattern stands alone: a copy of it runs where neither this package nor pytest is installed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import files, packages_distributions
from pathlib import Path

import pytest

from pytest_agentready.cli.pattern import Pattern, distribution_of, patterns
from pytest_agentready.cli.scaffold import write_all
from pytest_agentready.collect.breaker_marker import FACTS as BREAKER_FACTS
from pytest_agentready.collect.loop_marker import FACTS as LOOP_FACTS
from pytest_agentready.collect.marker import FACTS
from pytest_agentready.registry import Registry

PATTERNS = patterns()
MARKS = {"agent_tool": {"tool", *FACTS}, "agent_loop": {"loop", *LOOP_FACTS}, "agent_breaker": {"breaker", *BREAKER_FACTS}}
IMPORT = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pytest", "_pytest", "pytest_agentready"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    assert importlib.import_module(name).__file__.startswith(sys.argv[1])
"""


@pytest.fixture(params=PATTERNS.values(), ids=lambda pattern: pattern.name)
def pattern(request: pytest.FixtureRequest) -> Pattern:
    return request.param


def imports_alone(folder: Path, *names: str) -> None:
    finished = subprocess.run([sys.executable, "-I", "-W", "error", "-c", IMPORT, str(folder), *names], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_it_imports_nothing_of_ours_and_no_neighbour(pattern: Pattern) -> None:
    strangers = {module.partition(".")[0] for module in pattern.imports}
    assert strangers.isdisjoint({"", "pytest", "_pytest", "pytest_agentready"})


def test_a_copy_of_it_is_imported_in_a_bare_folder(pattern: Pattern, tmp_path: Path) -> None:
    write_all(tmp_path, {pattern.file: pattern.source})
    imports_alone(tmp_path, pattern.name)


def test_copies_of_all_live_in_one_package_and_hide_nobody(tmp_path: Path) -> None:
    write_all(tmp_path / "shop", {pattern.file: pattern.source for pattern in PATTERNS.values()})
    imports_alone(tmp_path, *(f"shop.{name}" for name in PATTERNS))
    imports_alone(tmp_path / "shop", *PATTERNS)
    assert set(PATTERNS).isdisjoint({*sys.stdlib_module_names, *packages_distributions()})


def test_what_it_is_said_to_need_brings_what_it_imports(pattern: Pattern) -> None:
    for module in pattern.imports:
        brought = {Path(file).as_posix() for file in files(distribution_of(module)) or ()}
        path = module.replace(".", "/")
        parent = path.rpartition("/")[0] or path
        ways = {f"{path}.py", f"{path}/__init__.py", f"{parent}.py", f"{parent}/__init__.py"}  # the last part may be a name in a module
        assert brought & ways, f"{distribution_of(module)} does not bring {module}"


def test_it_says_what_it_is_for_in_one_line(pattern: Pattern) -> None:
    assert re.fullmatch(r"[A-Z].{20,136}\.", pattern.summary)
    assert pattern.source.isascii()
    assert b"\r" not in pattern.source


def test_it_says_which_checks_look_at_it_by_which_mark(pattern: Pattern) -> None:
    """The last part of its docstring: `Checked by AR401-AR406, once ...:`, and the test to write."""
    named = re.findall(r"AR\d{3}", pattern.checked_by.partition(":\n")[0])
    assert named, "let its docstring end with `Checked by AR...`, and the test to write"
    assert {check.id for check in Registry().checks}.issuperset(named)
    test = ast.parse(re.sub(r"^ {4}", "", pattern.checked_by.partition(":\n\n")[2], flags=re.MULTILINE))
    marks = [
        node for node in ast.walk(test) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MARKS
    ]
    assert marks
    for mark in marks:
        assert isinstance(mark.func, ast.Attribute)
        assert {keyword.arg for keyword in mark.keywords} <= MARKS[mark.func.attr]
