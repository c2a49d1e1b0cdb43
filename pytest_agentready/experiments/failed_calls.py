"""The calls of a tool whose peers failed, as somebody sees them who looks for its spans."""

from __future__ import annotations

from pytest_agentready.domain import FaultMatrix, NormalCall, Tool, Use, Watched, WatchedRuns
from pytest_agentready.experiments.ordinary_calls import declared, name_of


def run(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> WatchedRuns:
    name, watched = name_of(tool), []
    for found in fault_matrix.failures:
        told = found.answer is not None and found.answer.reads_as_failure(normal_call.beside(found).answer, found.statuses)
        watched.append(Watched(found, (Use(name, failed=found.raised is not None or told),), found.mishap))
    obstacle = "" if watched else fault_matrix.gap or "it asks nobody outside of the process, so that no call of it can be made to fail"
    return WatchedRuns(tuple(watched), obstacle, frozenset((name,)), declared(tool))
