"""The loop with canaries: in what the user says over two turns, and in what the peers answer, to the loop itself and to each of its tools.

The peers' canary stands in prose first, then in all texts, then in every string: the more of them it changes, the likelier it is that
a tool cannot read the answer any more, and the next depth is only tried where no model got to see the last one.
"""

from __future__ import annotations

import os.path
from dataclasses import replace

from pytest_agentready.domain import CanaryConversation, Loop, NormalConversation, Planting, ToolTrial, effects_of
from pytest_agentready.experiments.conversing import DONE, QUESTION, Player, calling, converse
from pytest_agentready.experiments.planting import converse_among
from pytest_agentready.script import say
from pytest_agentready.world import BackendFailed
from pytest_agentready.world.planted import DEPTHS, PROSE, Seed
from pytest_agentready.world.stdio import muted
from pytest_agentready.world.unanswered import unanswered

CANARY = "quokka7193"  # in the answers of the peers
WORDS = ("wombat5128", "numbat6034")  # in the user's turns


def run(loop: Loop, normal_conversation: NormalConversation) -> CanaryConversation:
    plain = normal_conversation.plain
    kept = frozenset(name for turn in plain.turns for effect in effects_of(turn.run) for name in (effect.target, *effect.places))
    addresses = frozenset(f"{request.method} {request.url.partition('?')[0]}" for request in plain.backend_requests)
    with muted():
        texts = (f"{QUESTION} I call it {WORDS[0]}.", f"And where is my {WORDS[1]}?")
        user = converse(loop, Player(say(DONE), say(DONE)), *texts)
        found = _planting(loop, None, Seed(CANARY, stores=kept, by_itself=True))
        own = () if found is None else found.files
        trials = [_planting(loop, trial, Seed(CANARY, addresses=addresses, stores=kept | set(own))) for trial in normal_conversation.tools]
    plantings = tuple(planting for planting in (found, *trials) if planting is not None)
    asked = [request for planting in plantings for request in planting.conversation.backend_requests]
    missing = unanswered((request for request in asked if request.routed is False), loop.facts.backend)
    return CanaryConversation(user, WORDS, plantings, missing)


def _planting(loop: Loop, trial: ToolTrial | None, seed: Seed) -> Planting | None:
    """The first that arrives, else the last; None where there is nothing to plant in."""
    found = None
    files: tuple[str, ...] = ()
    for depth in DEPTHS if trial is not None and _reads(trial) else (PROSE,):  # a setting that the loop looks up is no document
        at_depth = replace(seed, depth=depth)
        for _ in range(2):  # what it opens is only known afterwards
            script = (say(DONE),) if trial is None else (calling(loop, trial.tool, trial.arguments), say(DONE))
            try:
                sown = converse_among(loop, Player(*script), at_depth, files=files)
            except BackendFailed:  # it was made for the normal texts alone
                return found
            found = Planting(sown.conversation, CANARY, trial, at_depth, sown.sources, files)
            if found.is_relayed:
                return found
            opened = [place for place in sown.documents if trial is not None or os.path.isfile(place)]
            if set(opened) <= set(files):
                break
            files = tuple(dict.fromkeys([*files, *opened]))
        if not (sown.conversation.backend_requests or files or sown.sources):
            return None
    return found


def _reads(trial: ToolTrial) -> bool:
    """What a write answers is its receipt, and need not be known in every form."""
    requests = trial.conversation.backend_requests
    return any(not request.is_write for request in requests) or not any(effects_of(turn.run) for turn in trial.conversation.turns)
