"""Canaries: words that stand nowhere else, in what the user says and in what the peers answer, and where a model gets to see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain.conversation import Conversation, ToolTrial
from pytest_agentready.domain.model import ModelCall, Role


@dataclass(frozen=True, slots=True)
class Sighting:
    """A canary in a message of a prompt."""

    canary: str
    role: Role
    text: str  # the whole message
    call: ModelCall

    @property
    def place(self) -> int:
        """Where the canary stands in the message, the first time."""
        return self.text.casefold().find(self.canary)

    @property
    def surroundings(self) -> str:
        """Some words before and behind it, in one line."""
        shown = self.text[max(0, self.place - 60) : self.place + len(self.canary) + 30]
        return " ".join(shown.split())


def sightings(conversation: Conversation, canary: str) -> Iterator[Sighting]:
    """Each message once, however many requests repeat it."""
    seen = set()
    for call in conversation.model_calls:
        for message in call.messages:
            if canary in message.text.casefold() and (message.role, message.text) not in seen:
                seen.add((message.role, message.text))
                yield Sighting(canary, message.role, message.text, call)


@dataclass(frozen=True, slots=True)
class Planting:
    """A conversation in a world whose peers have a canary in the texts that they answer."""

    conversation: Conversation
    canary: str
    trial: ToolTrial | None  # the tool that the model calls; None: what the loop asks for by itself
    seed: Any  # what was planted in which texts, as the world knows it
    sources: tuple[str, ...]  # whose texts had it: "GET https://api.example.com/orders/42"
    files: tuple[str, ...] = ()  # documents that the loop opens

    @property
    def name(self) -> str:
        """Of the tool; "" for none."""
        return "" if self.trial is None else self.trial.tool.name

    @property
    def is_relayed(self) -> bool:
        return next(sightings(self.conversation, self.canary), None) is not None

    @property
    def origin(self) -> str:
        """In words: where the text comes from."""
        source = f" ({', '.join(self.sources[:2])})" if self.sources else ""
        return f"the output of {self.name}{source}" if self.name else f"what it fetches by itself{source}"


@dataclass(frozen=True, slots=True)
class CanaryConversation:
    """Canaries in the user's words, over two turns, and in the answers of the peers, to the loop itself and to its tools."""

    user: Conversation
    words: tuple[str, ...] = ()  # the user's, one for each turn
    plantings: tuple[Planting, ...] = ()
    missing: str = ""  # requests that nobody has answered, and what to supply

    @property
    def relays(self) -> tuple[Planting, ...]:
        """Those whose text a model got to see."""
        return tuple(planting for planting in self.plantings if planting.is_relayed)
