"""A tool whose backend refuses for good: the model calls it, and then makes the same call again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pytest_agentready.domain import Loop, NormalConversation, PermanentFailure, PermanentFailures, ToolTrial
from pytest_agentready.experiments.conversing import DONE, Player, calling, converse, limits_of
from pytest_agentready.experiments.tool_outage import asked_by, obstacle_of, outage_of
from pytest_agentready.script import say
from pytest_agentready.world import Response
from pytest_agentready.world.faults import answering
from pytest_agentready.world.stdio import muted

ANSWERS = {404: "not found", 403: "forbidden", 400: "invalid request"}
MANY = 3  # tools that are tried
ATTEMPTS = 100  # requests, after which something goes on for ever


def run(loop: Loop, normal_conversation: NormalConversation) -> PermanentFailures:
    """Until a failure tells the model that the call is not to be repeated."""
    if obstacle := obstacle_of(normal_conversation):
        return PermanentFailures(obstacle=obstacle)
    trials = []
    with muted():
        for trial in [trial for trial in normal_conversation.tools if asked_by(trial)][:MANY]:
            for status in ANSWERS:
                trials.append(_tried(loop, normal_conversation, trial, status))
                if trials[-1].told is not None or trials[-1].conversation.ending is not None:
                    return PermanentFailures(tuple(trials))
    return PermanentFailures(tuple(trials))


def _tried(loop: Loop, normal_conversation: NormalConversation, trial: ToolTrial, status: int) -> PermanentFailure:
    refusal = answering(Response(status=status, json={"error": {"message": ANSWERS[status]}}))
    call = calling(loop, trial.tool, trial.arguments)
    outage = outage_of(trial, normal_conversation, refusal)
    limits = replace(limits_of(loop), attempts=ATTEMPTS)
    conversation = converse(loop, Player(call, call, say(DONE)), outage=outage, limits=limits)
    asked = Counter((request.method, request.url, request.body) for request in asked_by(trial))
    return PermanentFailure(trial.tool, status, conversation, max(asked.values()))
