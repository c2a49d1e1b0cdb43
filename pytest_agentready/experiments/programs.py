"""Programs that a tool starts, and that fail it: they are missing, end badly, or never.

None of them is really started. How a tool that needs nothing but programs goes on behind one that succeeds is seen with another in its
place, which says nothing: enough to tell what kind of thing it returns, and what it does besides, and not what it makes of their words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import Fault, Run, Tool, read
from pytest_agentready.experiments.calling import called
from pytest_agentready.world import Conduct, Limits

FAULTS: Mapping[Conduct, Fault] = {
    "missing": Fault("program-missing", "its program is not installed", "break"),
    "fails": Fault("program-fails", "its program fails with status 1", "status"),
    "silent": Fault("program-silent", "its program never ends", "silence", expected="transient", may_commit=True),
}
PATIENCE = Limits(attempts=1_000, turns=20_000)


def wanted_alone(runs: tuple[Run, ...]) -> bool:
    """Is a program that must not run all that stands in the way of these calls, and do they ask nobody else?"""
    return any(run.refused for run in runs) and all(
        len(run.refused_processes) == len(run.refused) and not run.peers and not run.unspoken and run.exit is None for run in runs
    )


def stood_in(tool: Tool, arguments: Mapping[str, Any]) -> Run | None:
    """The call with programs that succeed; None where it does not go well behind them, for it needs what they say, or asks others, too."""
    run = read(tool, called(tool, arguments, limits=replace(PATIENCE, programs="succeeds")))
    fails = run.answer is not None and run.answer.tells_of_failure
    return run if run.returned and not fails and not run.peers and wanted_alone((run,)) else None


def failing(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[Run]:
    """The call under each fault of a program."""
    for conduct, fault in FAULTS.items():
        run = called(tool, arguments, limits=replace(PATIENCE, programs=conduct))
        yield read(tool, replace(run, fault=fault))
