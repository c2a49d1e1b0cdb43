"""When a run is ended that does not end by itself."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_agentready.world.stand_ins import Conduct


@dataclass(frozen=True, slots=True)
class Limits:
    """Each is met by another kind of runaway."""

    attempts: int = 100  # look-ups, connections or requests
    model_calls: int | None = None  # of all models together; None: as many as there are attempts
    turns: int = 1_500  # jumps of the clock
    horizon: float = 86_400.0  # virtual seconds
    real: float = 10.0  # real seconds: the watchdog's
    patience: float = 6.5  # real seconds, for a client that waits in real time
    programs: Conduct = "refused"  # what becomes of a program that must not run: else the run goes on with what stands in for it
