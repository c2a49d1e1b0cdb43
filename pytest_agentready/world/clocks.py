"""The time functions, sleep, and the alarm signal, for members of the running world."""

from __future__ import annotations

import math
import signal
import time
from _thread import get_ident
from collections.abc import Callable, Iterator
from typing import Any

from pytest_agentready.world import active, real
from pytest_agentready.world.patching import Patch


def patches() -> Iterator[Patch]:
    for name, replacement in REPLACEMENTS.items():
        yield Patch(time, name, replacement)
    if real.setitimer is not None:
        yield Patch(signal, "setitimer", setitimer)
        yield Patch(signal, "alarm", alarm)


def _clock(name: str) -> Callable[[], float]:
    original: Callable[[], float] = getattr(real, name)

    def look() -> float:
        world = active.mine()
        found: float = original() if world is None else getattr(world.time, name)()
        return found

    look.__name__ = name
    return look


def _clock_ns(name: str) -> Callable[[], int]:
    original: Callable[[], int] = getattr(real, f"{name}_ns")

    def look() -> int:
        world = active.mine()
        return original() if world is None else int(getattr(world.time, name)() * 1e9)

    look.__name__ = f"{name}_ns"
    return look


def sleep(seconds: float, /) -> None:
    world = active.mine()
    if world is None and active.world is not None:
        active.world.bystanders.add(get_ident())
    # Zero only yields; a negative number is refused, and so is what is none (None, a text, a Decimal), in Python's own words.
    if world is None or not (isinstance(seconds, (int, float)) or hasattr(seconds, "__index__")) or not seconds > 0:
        return real.sleep(seconds)
    return world.time.sleep(float(seconds))


CLOCKS = ("time", "monotonic", "perf_counter")
REPLACEMENTS: dict[str, Callable[..., Any]] = {
    "sleep": sleep,
    **{name: _clock(name) for name in CLOCKS},
    **{f"{name}_ns": _clock_ns(name) for name in CLOCKS},
}


def setitimer(which: int, seconds: float, interval: float = 0.0) -> tuple[float, float]:
    """A timeout by SIGALRM becomes an event of virtual time."""
    world = active.mine()
    if world is None or which != signal.ITIMER_REAL:
        found: tuple[float, float] = real.setitimer(which, seconds, interval)
        return found
    before = world.alarm
    left = max(0.0, before - world.time.now) if before is not None else 0.0
    world.alarm = None
    if seconds > 0:
        moment = world.alarm = world.time.now + seconds

        def ring() -> None:
            if world.alarm == moment:
                world.alarm = None
                signal.raise_signal(signal.SIGALRM)

        world.time.at(seconds, ring)
    return left, 0.0


def alarm(seconds: int, /) -> int:
    if active.mine() is None:
        return int(real.alarm(seconds))
    return math.ceil(setitimer(signal.ITIMER_REAL, seconds)[0])
