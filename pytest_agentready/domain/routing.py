"""Which model answers what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pytest_agentready.domain.conversation import Conversation


@dataclass(frozen=True, slots=True)
class RoutedPrompts:
    """A trivial question and a demanding one, and the models that any conversation with the loop has asked."""

    trivial: Conversation
    demanding: Conversation
    prices: Mapping[str, Decimal | None]  # dollars of a token of input, by model; None: not known
