"""The house keeps its storeys: the import contracts of pyproject.toml hold."""

from __future__ import annotations

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent


def test_the_import_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    run = subprocess.run([*command, "--config", "pyproject.toml", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Also not for their types alone: what a module needs of one above it is a protocol of its own, or handed in."""
    graph = grimp.build_graph("pytest_agentready", cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert {*TopologicalSorter(imported).static_order()} == graph.modules  # raises CycleError where there is one, and names it
