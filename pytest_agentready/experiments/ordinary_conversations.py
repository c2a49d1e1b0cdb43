"""The loop in good health, as somebody sees it who looks for its spans: each of its tools called once, and one of them thrice at once."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    ASKS,
    Conversation,
    Loop,
    ModelCall,
    NormalConversation,
    ParallelCalls,
    Turn,
    Use,
    Watched,
    WatchedRuns,
    read_answer,
)
from pytest_agentready.experiments.ordinary_calls import declared


def run(loop: Loop, normal_conversation: NormalConversation, parallel_calls: ParallelCalls) -> WatchedRuns:
    together = () if parallel_calls.together is None else (parallel_calls.together,)
    alone = (normal_conversation.plain, *(trial.conversation for trial in normal_conversation.tools))
    runs = tuple(watched for each in (*alone, *parallel_calls.apart, *together) for watched in watched_in(each))
    offered = offered_in(normal_conversation)
    found = WatchedRuns(runs, "", offered, declared(*loop.facts.tools, *loop.known()))
    return found if found.used else WatchedRuns(runs, "none of its tools was called", offered)


def offered_in(normal: NormalConversation) -> frozenset[str]:
    """The names of all tools, those of inner agents among them."""
    conversations = (normal.plain, *(trial.conversation for trial in normal.tools))
    return frozenset(tool.name for conversation in conversations for tool in conversation.offered)


def watched_in(conversation: Conversation) -> Iterator[Watched]:
    """Each turn, with the calls whose answers the model was told, or that were carried out before it was asked again.

    Some loops tell a model what its tools say as the user, or in a text of their own, and then under no call's id.
    """
    for turn in conversation.turns:
        uses = []
        for asking, call in conversation.wanted:
            if asking not in turn.model_calls:
                continue
            answers = conversation.answers_to(call)
            asked = [request for request in turn.run.requests if request.at >= asking.at and request.is_http and not request.to_model]
            if not answers and not any(request.at <= _asked_again(turn, asking) for request in asked):
                continue
            told = "\n".join(message.text for message in answers)
            refused = bool(answers) and (read_answer(told).tells_of_failure or ASKS.search(told) is not None)
            uses.append(Use(call.name, call.arguments, asking, carried_out=bool(asked) or not refused, failed=refused))
        yield Watched(turn.run, tuple(uses))


def _asked_again(turn: Turn, asking: ModelCall) -> float:
    """The virtual moment at which the next call of a model begins; the end of time where there is none."""
    return next((call.at for call in turn.model_calls[turn.model_calls.index(asking) + 1 :]), float("inf"))
