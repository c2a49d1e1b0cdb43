"""A user tells a loop how to reach him; all goes well, and the tool that it then calls fails.

What stands in the user's text gets to the tool's arguments and to the model, and has no business anywhere else. Under a failure it is
exceptions that carry addresses, with all that stands in them, to wherever they are written down.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_agentready.domain import Confidences, Loop, NormalConversation, ToolTrial
from pytest_agentready.experiments.conversing import DONE, Player, calling, converse
from pytest_agentready.experiments.tool_outage import asked_by, obstacle_of, outage_of
from pytest_agentready.script import say
from pytest_agentready.script.steps import Scripted
from pytest_agentready.world import WireFault
from pytest_agentready.world.stdio import muted

TEXT = "Where is my order 42? Write to ada.lovelace@example.net, or call +44 20 7946 0958."
MANY = 3  # tools that are made to fail
QUOTED = "500"  # whose exception quotes the address, with nearly every client
OTHERS = ("refused",)  # of the first of them: another exception, and another line that handles it


def run(loop: Loop, normal_conversation: NormalConversation, faults: Sequence[WireFault]) -> Confidences:
    """What the tools are given in good health the normal conversations have shown."""
    asking = () if obstacle_of(normal_conversation) else [trial for trial in normal_conversation.tools if asked_by(trial)][:MANY]
    with muted():
        found = [converse(loop, Player(*_script(loop, next(iter(normal_conversation.tools), None))), TEXT)]
        for number, trial in enumerate(asking):
            slugs = (QUOTED,) if number else (QUOTED, *OTHERS)
            for fault in (fault for fault in faults if fault.slug in slugs):
                outage = outage_of(trial, normal_conversation, fault)
                found.append(converse(loop, Player(*_script(loop, trial)), TEXT, outage=outage))
    return Confidences(tuple(found))


def _script(loop: Loop, trial: ToolTrial | None) -> tuple[Scripted, ...]:
    return (say(DONE),) if trial is None else (calling(loop, trial.tool, trial.arguments), say(DONE))
