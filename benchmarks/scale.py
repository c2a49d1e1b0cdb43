"""Measures what twenty tools cost, and how that grows: the matrix, all checks, workers, two hundred tools, memory.

    python benchmarks/scale.py

The figures are of one process, warm, without pytest around it, but for those that name pytest.
"""

from __future__ import annotations

import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tools import CASES, Case

from pytest_agentready.adapters.python import adapt
from pytest_agentready.domain import Facts, FaultMatrix, Tool
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Registry
from pytest_agentready.world import Backend

HERE = Path(__file__).parent
ROUNDS = 3
FOR_EVER = 60.0  # seconds that an unbounded wait counts for, in the estimate of real time
PLUGINS = [part for name in ("hypothesispytest", "anyio", "time_machine", "asyncio", "cov", "timeout") for part in ("-p", f"no:{name}")]
PROJECT = """
import sys
import pytest
sys.path.insert(0, {here!r})
from tools import CASES


def ready(case, number):
    def tool(**arguments):
        return case.tool(**arguments)

    tool.__signature__, tool.__doc__ = inspect.signature(case.tool), case.tool.__doc__
    tool.__qualname__ = f"{{case.tool.__name__}}_{{number}}"

    @pytest.mark.agent_tool(tool=tool, args=case.args, backend=case.backend, kind=case.kind)
    def test(readiness_check):
        readiness_check()

    return test


for number in range({count}):
    globals()[f"test_{{number}}"] = ready(CASES[number % len(CASES)], number)
"""


def as_tool(case: Case) -> Tool:
    found = adapt(case.tool)
    assert found is not None
    return replace(found, facts=Facts(args=(case.args,), backend=Backend.parse(case.backend), kind=case.kind))  # type: ignore[arg-type]


def matrices(registry: Registry) -> tuple[float, list[FaultMatrix]]:
    """Seconds for the normal calls and fault matrices of all tools, and what they saw."""
    engine = Engine(registry, HERE)
    tools = [as_tool(case) for case in CASES]
    start = time.perf_counter()
    found = [engine._observe(tool, "fault_matrix") for tool in tools]
    return time.perf_counter() - start, found


def all_checks(registry: Registry, copies: int = 1) -> tuple[float, Counter[str]]:
    """Seconds for all checks of all tools, so many times over."""
    engine = Engine(registry, HERE)
    tools = [as_tool(case) for _ in range(copies) for case in CASES]
    outcomes: Counter[str] = Counter()
    start = time.perf_counter()
    for tool in tools:
        outcomes.update(engine.examine(tool, check).outcome.value for check in registry.checks if "tool" in check.about)
        engine.forget(tool)  # as a session does
    return time.perf_counter() - start, outcomes


def in_real_time(found: list[FaultMatrix]) -> float:
    """Seconds that the same runs would take with a real clock, an unbounded one counted as a minute."""
    return sum(FOR_EVER if run.ending is not None else run.virtual for matrix in found for run in matrix.runs)


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB on Linux


def by_pytest(count: int, *options: str) -> tuple[float, float]:
    """Seconds that pytest takes for so many tools, and seconds of CPU time, those of its workers included."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_tools.py").write_text("import inspect\n" + PROJECT.format(here=str(HERE), count=count), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=no",
            "-p",
            "no:cacheprovider",
            *PLUGINS,
            "--rootdir",
            folder,
            *options,
            folder,
        ]
        start, before = time.perf_counter(), _cpu_of_children()
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "100"})
        assert run.returncode in (0, 1), run.stdout + run.stderr
        return time.perf_counter() - start, _cpu_of_children() - before


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows() -> Iterator[str]:
    registry = Registry()
    matrices(registry)  # imports, certificates
    rounds = [matrices(registry) for _ in range(ROUNDS)]
    matrix = statistics.median(seconds for seconds, _ in rounds)
    found = rounds[-1][1]
    runs = sum(len(one.runs) for one in found)
    yield f"the fault matrix of {len(CASES)} tools | {matrix:.2f} s | 3 s | {runs} runs, {matrix / runs * 1e3:.1f} ms a run"
    real = in_real_time(found)
    yield f"the same in real time, estimated | {real:,.0f} s | - | {real / matrix:,.0f} x as long"
    checked = [all_checks(registry) for _ in range(ROUNDS)]
    seconds, outcomes = statistics.median(seconds for seconds, _ in checked), checked[-1][1]
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    yield f"all checks of {len(CASES)} tools | {seconds:.2f} s | 8 s | {told}"
    before = memory()
    grown = {copies: all_checks(registry, copies)[0] for copies in (5, 10)}
    line = ", ".join(f"{copies * len(CASES)} tools {taken:.1f} s" for copies, taken in grown.items())
    yield f"growth | {grown[10] / 10 / seconds:.2f} x a tool | 1.1 x | {line}"
    yield f"memory, from 20 to 200 tools | +{memory() - before:.0f} MiB | flat | {before:.0f} MiB before"
    rounds_of_both = [(by_pytest(100), by_pytest(100, "-n", "2", "--dist", "loadgroup")) for _ in range(ROUNDS)]
    # Each ratio is of one round: what else the machine does meanwhile concerns both.
    ratio = statistics.median(alone / together for (alone, _), (together, _) in rounds_of_both)
    (alone, cpu_alone), (together, cpu_together) = rounds_of_both[-1]
    yield (
        f"pytest, 100 tools, -n 2 --dist loadgroup | {ratio:.2f} x faster | 1.6 x | "
        f"{alone:.1f} s alone, {together:.1f} s with two workers; {cpu_alone:.0f} and {cpu_together:.0f} s of CPU time"
    )


def table() -> str:
    """Printed line by line, for it takes minutes."""
    lines = []
    for line in itertools.chain(["| what | measured | target | |", "|---|---|---|---|"], (f"| {row} |" for row in rows())):
        print(line, flush=True)
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    table()
