"""The incident: a model that wants a tool called in every answer, and a backend that never answers the tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_agentready.domain import Conversation, Loop, NormalConversation, OutageStorm, ToolTrial
from pytest_agentready.experiments.conversing import Outage, Player, calling, converse, limits_of, varied
from pytest_agentready.experiments.delegation import Delegation, delegations
from pytest_agentready.experiments.tool_outage import NOBODY, asked_by, obstacle_of, outage_of
from pytest_agentready.prices import cost_of
from pytest_agentready.script import for_ever
from pytest_agentready.script.steps import ForEver
from pytest_agentready.world import WireFault
from pytest_agentready.world.stdio import muted

MANY = 4  # tools that are tried
ROUND = 2  # times as many calls of the model: here two agents ask one
ATTEMPTS = 8  # requests for each call of the model: a tool may well try a few times


def run(loop: Loop, normal_conversation: NormalConversation, faults: Sequence[WireFault]) -> OutageStorm:
    """Of the first tool that does come to an end; where one waits for ever, no loop can do anything about it."""
    hang = next(fault for fault in faults if fault.slug == "response-hang")
    found = OutageStorm()
    if obstacle := obstacle_of(normal_conversation):
        with muted():
            agents = delegations(loop, normal_conversation) if obstacle == NOBODY else ()
            return _storm_within(agents[0], normal_conversation, hang) if agents else OutageStorm(obstacle=obstacle)
    with muted():
        for trial in [trial for trial in normal_conversation.tools if asked_by(trial)][:MANY]:
            storm = _storm(loop, trial, outage_of(trial, normal_conversation, hang))
            if not _waits_for_ever(storm):
                return storm
            found = found if found.tool else storm
    return found


def _storm(loop: Loop, trial: ToolTrial, outage: Outage) -> OutageStorm:
    limits = replace(limits_of(loop), attempts=ATTEMPTS * loop.facts.max_model_calls)

    def conversation(step: ForEver) -> Conversation:
        return converse(loop, Player(step), outage=outage, limits=limits)

    same = conversation(for_ever(calling(loop, trial.tool, trial.arguments)))
    other = None
    if same.ending is None and varied(trial.arguments, 1, trial.tool) != dict(trial.arguments):
        other = conversation(for_ever(lambda turn: calling(loop, trial.tool, varied(trial.arguments, turn, trial.tool))))
    return OutageStorm(trial.tool.name, same, other, cost_of((other or same).model_calls, loop.facts.prices))


def _storm_within(agents: Delegation, normal_conversation: NormalConversation, hang: WireFault) -> OutageStorm:
    """An agent calls another one, whose tool has no backend, and neither of them sees that."""
    loop, outage = agents.loop, outage_of(agents.inner, normal_conversation, hang)
    limits = replace(limits_of(loop), attempts=ATTEMPTS * loop.facts.max_model_calls)
    rounds = replace(limits, model_calls=ROUND * loop.facts.max_model_calls)
    same = converse(loop, agents.again_and_again(), outage=outage, limits=rounds)
    other = converse(loop, agents.within(), outage=outage, limits=limits) if same.ending is None else None
    return OutageStorm(agents.inner.tool.name, same, other, cost_of((other or same).model_calls, loop.facts.prices))


def _waits_for_ever(storm: OutageStorm) -> bool:
    return storm.same is not None and storm.same.ending is not None and storm.same.ending.kind == "stuck"
