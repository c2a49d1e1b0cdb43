"""The normal calls of a tool, as somebody sees them who looks for its spans."""

from __future__ import annotations

from pytest_agentready.domain import NormalCall, Tool, Use, Watched, WatchedRuns


def run(tool: Tool, normal_call: NormalCall) -> WatchedRuns:
    name = name_of(tool)
    return WatchedRuns(
        tuple(Watched(run, (Use(name),)) for run in normal_call.runs), normal_call.obstacle, frozenset((name,)), declared(tool)
    )


def name_of(tool: Tool) -> str:
    """As a model knows it."""
    return tool.name.rpartition(".")[2]


def declared(*tools: Tool) -> frozenset[str]:
    """The names of those whose mark says whether a call may be repeated."""
    return frozenset(name_of(tool) for tool in tools if tool.facts.idempotent is not None or tool.facts.read_only)
