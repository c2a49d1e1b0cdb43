"""A model that wants a tool called in every answer, for ever: the same call each time and, where that is stopped, another one each time.

A scripted model answers at once, and a real one takes its time: who has no other limit than a deadline is asked once more, by a model
that does as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytest_agentready.domain import Conversation, EndlessCalls, Loop, NormalConversation, Respond
from pytest_agentready.experiments.conversing import Outage, Player, calling, converse, limits_of, varied
from pytest_agentready.experiments.delegation import delegations
from pytest_agentready.prices import cost_of
from pytest_agentready.script import for_ever
from pytest_agentready.world import BackendFailed
from pytest_agentready.world.lateness import TakesItsTime
from pytest_agentready.world.stdio import muted

THINKING = 5.0  # virtual seconds for each answer of the model
SLOWLY = 30  # such answers: a deadline of two minutes is seen, for a quarter of what as many as ever would cost


def run(loop: Loop, normal_conversation: NormalConversation) -> EndlessCalls:
    trial = normal_conversation.trial
    if trial is None:
        return EndlessCalls()
    hosts = normal_conversation.model_hosts
    with muted():
        same = _until_it_ends(loop, lambda: Player(for_ever(calling(loop, trial.tool, trial.arguments))), hosts)
        if same.ending is not None:  # who never stops that, never stops anything
            return EndlessCalls(same, cost=cost_of(same.model_calls, loop.facts.prices))
        try:
            script = for_ever(lambda turn: calling(loop, trial.tool, varied(trial.arguments, turn, trial.tool)))
            other = _until_it_ends(loop, lambda: Player(script), hosts)
        except BackendFailed:  # it was made for these arguments alone
            return EndlessCalls(same, cost=cost_of(same.model_calls, loop.facts.prices), varies=False)
        within = _within_an_agent(loop, normal_conversation, hosts) if other.ending is None else None
    return EndlessCalls(same, other, cost_of((within or other).model_calls, loop.facts.prices), within=within)


def _within_an_agent(loop: Loop, normal_conversation: NormalConversation, hosts: frozenset[str]) -> Conversation | None:
    try:
        agents = delegations(loop, normal_conversation)
        return _until_it_ends(loop, agents[0].within, hosts) if agents else None
    except BackendFailed:
        return None


def _until_it_ends(loop: Loop, model: Callable[[], Respond], hosts: frozenset[str]) -> Conversation:
    at_once = converse(loop, model())
    if at_once.ending is None or not at_once.ending.asks_a_model:
        return at_once
    slow = TakesItsTime("takes-its-time", "a model takes its time", "content", failure=False, hosts=hosts, delay=THINKING)
    limits = replace(limits_of(loop), model_calls=min(SLOWLY, loop.facts.max_model_calls))
    in_time = converse(loop, model(), outage=Outage(slow, but=()), limits=limits)
    heard = bool(in_time.model_calls)  # else its client gives up sooner than any answer comes, and a quick model would go on
    return in_time if in_time.ending is None and heard else at_once
