"""Dates in step with the virtual clock: `datetime.now()`, `date.today()`, `time.gmtime()`, bound early too.

time-machine replaces them in C. Its traveller is asked for the time at each look, so that members see the world's time
and everybody else what they would see anyway.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import active, real
from pytest_agentready.world.world import World


@contextlib.contextmanager
def in_step(world: World) -> Iterator[None]:
    """Where a test has frozen time by other means, its dates stand still: two cannot move them."""
    import time_machine

    before: Any = time_machine.traveller_stack[-1] if time_machine.traveller_stack else None
    travel = time_machine.travel(world.time.wall, tick=False)
    try:
        traveller: Any = travel.start()
    except RuntimeError:  # freezegun is at work
        yield
        return

    def time_ns() -> int:
        mine = active.mine()
        if mine is not None:
            return int(mine.time.time() * 1e9)
        if before is not None:
            return int(before.time_ns())
        try:
            return int(time_machine.escape_hatch.time.time_ns())
        except ValueError:  # asked for by a thread beside the run, just as that has ended: the clock itself is back
            return int(real.time_ns())

    traveller.time_ns = time_ns
    try:
        yield
    finally:
        travel.stop()
