"""A trivial question, and one that is not: which models are asked."""

from __future__ import annotations

from pytest_agentready.domain import Conversation, Loop, NormalConversation, RoutedPrompts
from pytest_agentready.experiments.conversing import DONE, Player, converse
from pytest_agentready.prices import price_of
from pytest_agentready.script import say
from pytest_agentready.world.stdio import muted

TRIVIAL = "Hi!"
DEMANDING = (
    "Compare our three suppliers by price, delivery time and warranty over the last twelve months, explain step by step how you weigh them "
    "against each other, name the risks of each, and draft a letter to the one that you recommend. "
) * 8


def run(loop: Loop, normal_conversation: NormalConversation) -> RoutedPrompts:
    with muted():
        trivial, demanding = (converse(loop, Player(say(DONE)), text) for text in (TRIVIAL, DEMANDING))
    calls = [call for conversation in (trivial, demanding, *_all(normal_conversation)) for call in conversation.model_calls]
    prices = {call.model: price_of(call.provider, call.model, loop.facts.prices) for call in calls}
    return RoutedPrompts(trivial, demanding, prices)


def _all(normal: NormalConversation) -> tuple[Conversation, ...]:
    return (normal.plain, *(trial.conversation for trial in normal.tools))
