"""Calls that break the tool's own schema: one argument at a time, everything else as in the normal call, and a world that is healthy."""

from __future__ import annotations

from pytest_agentready.arguments.hostile import is_taken_as_json, violations
from pytest_agentready.domain import HostileArguments, HostileCall, NormalCall, Tool, read
from pytest_agentready.world import BackendFailed, Limits, observe
from pytest_agentready.world.stdio import muted

PATIENCE = Limits(attempts=1_000, turns=20_000)  # as much as the normal call has


def run(tool: Tool, normal_call: NormalCall) -> HostileArguments:
    arguments = (tool.facts.args or ({},))[0]
    if nothing := _nothing_to_violate(tool):
        return HostileArguments(nothing=nothing)
    if normal_call.obstacle:
        return HostileArguments()
    calls: list[HostileCall] = []
    untold: list[str] = []
    with muted():
        for name, value in violations(tool.interface(), arguments):
            try:
                found = observe(tool.call, {**arguments, name: value}, backend=tool.facts.backend, limits=PATIENCE)
            except BackendFailed as failure:  # it was made for the normal call alone
                untold.append(f"{name}={value!r}: {failure}")
                continue
            calls.append(HostileCall(name, value, read(tool, found)))
            if found.ending is not None and found.ending.kind in ("spin", "blind"):
                break  # ten real seconds for each further call would teach nothing
    gap = f"the backend raised under {len(untold)} calls, such as {untold[0]}" if untold else ""
    return HostileArguments(tuple(calls), gap=gap)


def _nothing_to_violate(tool: Tool) -> str:
    offered = tool.interface().offered
    if not offered:
        return "it has no parameters that a model fills"
    typed = [parameter for parameter in offered if parameter.schema]
    if not typed:
        return "its parameters have no types: nothing says what is wrong for them"
    arguments = (tool.facts.args or ({},))[0]
    if not any(is_taken_as_json(parameter, arguments) for parameter in typed):
        types = ", ".join(dict.fromkeys(parameter.type for parameter in typed))
        return f"its arguments are made from JSON before it is called ({types}): who makes them refuses what is wrong"
    if not violations(tool.interface(), arguments):
        return "its parameters take anything that JSON can carry"
    return ""
