"""What the run did on this machine, as it happened; what it did at its peers stands in their requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytest_agentready.domain import Effect, EffectKind
from pytest_agentready.world.files import Files


class Ledger:
    """The local effects of one run."""

    def __init__(self, now: Callable[[], float], where: Callable[[], str], files: Files) -> None:
        self._now = now
        self._where = where
        self._files = files
        self._settle: Callable[[], None] = lambda: None
        self._effects: list[Effect] = []
        self._settled = 0

    @property
    def effects(self) -> list[Effect]:
        """Those so far. What has become of files and transactions is looked at now: they count by what they are in the end, and once."""
        self._settle()
        self._effects += self._files.settled()
        self._effects[self._settled :] = sorted(self._effects[self._settled :], key=lambda effect: effect.at)
        self._settled = len(self._effects)
        return self._effects

    def settle_by(self, settle: Callable[[], None]) -> None:
        """Called before each look."""
        self._settle = settle

    def add(self, effects: list[Effect]) -> None:
        """They were noted elsewhere, and stand by now."""
        self._effects += effects

    def close(self) -> None:
        """The run is over: what has become of its files is looked at, and then they go."""
        _ = self.effects
        self._settle = lambda: None
        self._files.close()

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
        self.record(Effect(kind, verb, target, content, places=places, refused=refused, idempotent=idempotent))

    def record(self, effect: Effect) -> None:
        """It happens now, by the user's line on the stack."""
        self._effects.append(replace(effect, at=self._now(), where=self._where()))
