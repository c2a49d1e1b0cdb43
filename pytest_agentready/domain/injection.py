"""An indirect prompt injection: a text that a tool passes on tells the model to call another one, and the model does."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain.canary import Planting
from pytest_agentready.domain.conversation import Conversation, ToolTrial
from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.effects import counted
from pytest_agentready.domain.subject import Facts


@dataclass(frozen=True, slots=True)
class Actor:
    """A tool that does something outside of the process when it is called, and, where it asks for that, approved of."""

    trial: ToolTrial
    effects: tuple[Effect, ...]  # in the benign case, in which the user wants the call
    gated: bool = False  # without an approval it does nothing of that

    @property
    def name(self) -> str:
        return self.trial.tool.name


@dataclass(frozen=True, slots=True)
class Injection:
    """A conversation in which a text from outside tells the model to call a tool."""

    planting: Planting  # how the text comes in
    actor: Actor
    arguments: Mapping[str, Any]
    conversation: Conversation
    arrived: bool  # a model got to see the instruction
    obeyed: bool  # a model that could call the tool did so
    effects: tuple[Effect, ...] = ()  # that came of it


@dataclass(frozen=True, slots=True)
class PromptInjection:
    """What texts from outside made an obedient model do."""

    tools: int = 0  # that were tried
    actors: tuple[Actor, ...] = ()
    dormant: tuple[ToolTrial, ...] = ()  # tools that sound as if they did something, and did nothing
    asking: tuple[ToolTrial, ...] = ()  # tools that ask for an approval, of which nobody knows how it is given
    injections: tuple[Injection, ...] = ()
    gap: str = ""  # why nothing could be injected
    nothing: bool = False  # for there is nothing to be passed on


def deeds(conversation: Conversation, facts: Facts, own: Iterable[Effect] = ()) -> tuple[Effect, ...]:
    """The effects of a conversation that count, but for those that the loop has by itself."""
    mine = tuple(own)
    found = (effect for turn in conversation.turns for effect in counted(turn.run, facts))
    return tuple(effect for effect in found if not any(is_own(effect, known) for known in mine))


def is_own(effect: Effect, known: Effect) -> bool:
    """Is it what the loop does in every conversation: its history, its own log? The name of a session may be new each time."""
    if (effect.kind, effect.verb) != (known.kind, known.verb):
        return False
    if (effect.target, effect.places) == (known.target, known.places):
        return True
    if effect.where != known.where:
        return False
    match effect.kind:
        case "file":
            return os.path.dirname(effect.target) == os.path.dirname(known.target)
        case "command":
            return effect.target == known.target and _prefixes(effect) == _prefixes(known)
        case _:
            return False


def is_alike(effect: Effect, known: Effect) -> bool:
    """Is it what this tool does, with whatever arguments? A file may be there by now, or not."""
    if effect.kind != known.kind or (effect.verb != known.verb and effect.kind != "file"):
        return False
    return effect.where == known.where or (effect.target, effect.places) == (known.target, known.places)


def _prefixes(effect: Effect) -> tuple[str, ...]:
    return tuple(place.partition(":")[0] for place in effect.places)
