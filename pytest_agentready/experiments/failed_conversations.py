"""What a loop is known by when something fails, as somebody sees it who looks for its spans: a tool's backend, or the provider."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_agentready.domain import (
    Conversation,
    Loop,
    NormalConversation,
    ProviderOutage,
    ToolTrial,
    Use,
    Watched,
    WatchedRuns,
    read_answer,
)
from pytest_agentready.experiments.conversing import Player, calling, converse
from pytest_agentready.experiments.ordinary_calls import declared
from pytest_agentready.experiments.ordinary_conversations import offered_in
from pytest_agentready.experiments.tool_outage import NOBODY, asked_by, outage_of
from pytest_agentready.script import say
from pytest_agentready.world import WireFault
from pytest_agentready.world.stdio import muted

SLUGS = ("response-hang", "500", "refused")  # each is another exception, and another line of the code that handles it
MANY = 3  # tools that are tried
ANSWER = "I could not find that out."


def run(loop: Loop, normal_conversation: NormalConversation, provider_outage: ProviderOutage, faults: Sequence[WireFault]) -> WatchedRuns:
    """No tool is made to fail where nothing was seen of them in good health."""
    conversations = (normal_conversation.plain, *(trial.conversation for trial in normal_conversation.tools))
    if not any(turn.run.telemetry.spans for each in conversations for turn in each.turns):
        return WatchedRuns()
    outages = tuple(_seen(trial.conversation, trial.mishap) for trial in provider_outage.trials)
    asking = [trial for trial in normal_conversation.tools if asked_by(trial)][:MANY]
    tried = [fault for fault in faults if fault.slug in SLUGS]
    if any(turn.run.in_real_time for trial in asking for turn in trial.conversation.turns):
        tried = [fault for fault in tried if fault.family != "silence"]
    with muted():
        failed = tuple(_failed(loop, normal_conversation, asking, tried))
    obstacle = NOBODY if normal_conversation.tools and not asking else ""
    offered = offered_in(normal_conversation)
    return WatchedRuns((*outages, *failed), obstacle, offered, declared(*loop.facts.tools, *loop.known()))


def _seen(conversation: Conversation, mishap: str) -> Watched:
    return Watched(conversation.last.run, mishap=mishap)


def _failed(loop: Loop, normal: NormalConversation, asking: Sequence[ToolTrial], faults: Sequence[WireFault]) -> Iterator[Watched]:
    for trial in asking:
        call = calling(loop, trial.tool, trial.arguments)
        for fault in faults:
            conversation = converse(loop, Player(call, say(ANSWER)), outage=outage_of(trial, normal, fault))
            run = conversation.last.run
            if run.fired:
                yield Watched(run, tuple(_uses(trial, conversation)), fault.title)


def _uses(trial: ToolTrial, conversation: Conversation) -> Iterator[Use]:
    usual = read_answer(trial.answer) if trial.answer is not None else None
    for asked, wanted in conversation.wanted:
        told = conversation.answers_to(wanted)
        text = "\n".join(message.text for message in told)
        failed = any(message.is_error for message in told) or read_answer(text).reads_as_failure(usual, conversation.last.run.statuses)
        if told or conversation.raised is not None:
            yield Use(wanted.name, wanted.arguments, asked, failed=failed if told else True)
