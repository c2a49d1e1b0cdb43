"""What the run did on this machine, as it happened; what it did at its peers stands in their requests."""

from __future__ import annotations

from collections.abc import Callable

from pytest_agentready.domain import Effect, EffectKind
from pytest_agentready.world import stack


class Ledger:
    """The local effects of one run."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.effects: list[Effect] = []

    def note(
        self,
        kind: EffectKind,
        verb: str,
        target: str,
        content: bytes = b"",
        *,
        places: tuple[str, ...] = (),
        refused: bool = False,
        idempotent: bool = False,
    ) -> None:
        """An effect that happens now, by the user's line on the stack."""
        self.effects.append(
            Effect(kind, verb, target, content, self._now(), stack.here(1), places=places, refused=refused, idempotent=idempotent)
        )
