"""A failure of those whom a tool asks, and of nobody else: what the loop itself needs (its model, its own store) goes on working."""

from __future__ import annotations

from pytest_agentready.domain import NormalConversation, Request, ToolTrial, carried_out
from pytest_agentready.experiments.conversing import Outage
from pytest_agentready.world import WireFault

NOBODY = (
    "its tools ask nobody outside of the process, so that none of them can fail or time out: where they do in life, examine it with the "
    "real ones, and give their backend= and args= (in a mark of each tool, or tools=)"
)


def outage_of(trial: ToolTrial, normal_conversation: NormalConversation, fault: WireFault) -> Outage:
    """It begins when the model has called the tool: what the loop asks for beforehand is answered."""
    run = trial.conversation.turns[0].run
    before = next((number for number, request in enumerate(run.requests) if request.to_model), -1) + 1
    usual = {request.host for request in normal_conversation.plain.backend_requests}
    asked = {request.host for request in asked_by(trial)}
    return Outage(fault, but=normal_conversation.model_hosts | (usual if asked - usual else set()), spared=before)


def asked_by(trial: ToolTrial) -> tuple[Request, ...]:
    """What the tool asked for; () where it asks nobody."""
    return next(iter(carried_out(trial.conversation.turns[0])), ())


def obstacle_of(normal_conversation: NormalConversation) -> str:
    """Why no outage can be tried on its tools; "" where one can, or where there are none."""
    tools = normal_conversation.tools
    if not tools:
        return ""
    if not any(asked_by(trial) for trial in tools):
        return NOBODY
    if any(turn.run.in_real_time for trial in tools for turn in trial.conversation.turns):
        return "a client of its tools waits in real time, in which no long outage is tried"
    return ""
