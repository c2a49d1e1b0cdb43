"""A call in a world of several, after the confirmation that its gate asks for, and with what its value is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import NormalCall, Run, Tool, read, structure_of
from pytest_agentready.experiments.calling import approve, problem_of, with_token
from pytest_agentready.experiments.normal_call import obstacle_of
from pytest_agentready.world import Stay


class NotConfirmed(Exception):
    """The marker's `confirm` did not get through; the message says why."""


def confirm(world: Stay, tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """A human approves of exactly this call, where the tool has a gate; with what the call is then to be made. Raises NotConfirmed."""
    if tool.facts.confirm is None:
        return arguments
    run = approve(world, tool, arguments)
    if problem := problem_of(tool, run):
        raise NotConfirmed(problem)
    return with_token(tool, arguments, run.value)


def call(world: Stay, tool: Tool, arguments: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> Run:
    """The value of the run is what the result is made of: it holds nothing open, and can be compared.

    `given` are the arguments with the token of an approval, where there is one.
    """
    run = world.call(tool.call, arguments if given is None else given)
    return replace(read(tool, run), arguments=dict(arguments), value=structure_of(run.value) if run.returned else None)


def obstacle(tool: Tool, normal_call: NormalCall) -> str:
    """Why the tool cannot be called again in a world; a gate that says no to the unconfirmed normal call is none."""
    if not normal_call.runs:
        return normal_call.obstacle or "there is no normal call to repeat"
    return normal_call.obstacle if tool.facts.confirm is None else ""


def hindered(tool: Tool, run: Run) -> str:
    """What stood in the way of this call, which was to be a normal one; "" for nothing."""
    if found := obstacle_of(tool, [run]):
        return found.replace("the normal call", "the confirmed call") if tool.facts.confirm is not None else found
    return ""
