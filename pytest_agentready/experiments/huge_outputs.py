"""Tools whose backend answers with a megabyte, and, where much of that reaches the model, once more with two."""

from __future__ import annotations

from collections.abc import Callable

from pytest_agentready.domain import Conversation, HugeOutput, Loop, NormalConversation, Respond, ToolTrial
from pytest_agentready.experiments.conversing import Outage, Player, calling, converse
from pytest_agentready.experiments.delegation import delegations
from pytest_agentready.script import say
from pytest_agentready.world.faults import HugeAnswer
from pytest_agentready.world.stdio import muted

ANSWER = "There is a lot of that."
SIZE = 1 << 20  # bytes
MUCH = 50_000  # characters: what is less is bounded
TOOLS = 3  # that are tried


def run(loop: Loop, normal_conversation: NormalConversation) -> tuple[HugeOutput, ...]:
    def flooded(model: Respond, size: int) -> Conversation:
        fault = HugeAnswer("huge-body", "a huge answer", "content", failure=False, good_status=True, size=size)
        return converse(loop, model, outage=Outage(fault, normal_conversation.model_hosts))

    def calls_of(trial: ToolTrial) -> Callable[[], Respond]:
        return lambda: Player(calling(loop, trial.tool, trial.arguments), say(ANSWER))

    found = []
    with muted():
        tried = [(trial, calls_of(trial)) for trial in normal_conversation.tools if trial.conversation.backend_requests]
        tried = tried or [(each.inner, each.once) for each in delegations(loop, normal_conversation)]
        for trial, model in tried[:TOOLS]:
            huge = flooded(model(), SIZE)
            is_much = any(len(message.text) > MUCH for request in huge.requests for message in request.messages)
            found.append(HugeOutput(trial, SIZE, huge, flooded(model(), 2 * SIZE) if is_much else None))
    return tuple(found)
