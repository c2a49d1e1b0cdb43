"""OpenTelemetry, prometheus_client and logs: what the user's code says to them in a run is written down in the run's own recording."""

from __future__ import annotations

import contextlib
import sys
from _thread import allocate_lock
from collections.abc import Callable, Iterator, Mapping

from pytest_agentready.telemetry import capture, events, logs, metering, overhearing
from pytest_agentready.telemetry.arrivals import Arrivals
from pytest_agentready.telemetry.recording import Recording
from pytest_agentready.world import exporters
from pytest_agentready.world.patching import Patch, Patches

# What is replaced in a module that a run imports.
LATE: Mapping[str, Callable[[], Iterator[capture.Replacement]]] = {
    **capture.MODULES,
    **metering.MODULES,
    **events.MODULES,
    **exporters.MODULES,
}


def patches() -> Iterator[Patch]:
    rooms = (capture.replacements, metering.replacements, exporters.loaded, logs.replacements, events.replacements)
    for owner, name, new in (one for room in rooms for one in room()):
        yield Patch(owner, name, new)


@contextlib.contextmanager
def captured(recording: Recording) -> Iterator[None]:
    """For the time of a run."""
    with contextlib.ExitStack() as undo:
        undo.callback(_end, recording)
        capture.recording = recording
        if any(name not in sys.modules for name in LATE):
            undo.enter_context(_awaited())
        yield


def _end(recording: Recording) -> None:
    capture.recording = None  # whatever becomes of the rest: the code that follows is none of this run
    recording.close()
    overhearing.ended(recording)


@contextlib.contextmanager
def _awaited() -> Iterator[None]:
    """A tool, or a framework of it, may import OpenTelemetry in the middle of its first call.

    A thread that is none of the run's may still be at its import when the run is over: nothing is replaced for it then.
    """
    late: list[Patches] = []
    over, turn = False, allocate_lock()

    def arrived(name: str) -> None:
        with turn:
            if over:
                return
            late.append(Patches(Patch(*found) for found in LATE[name]()))
            late[-1].install()

    finder = Arrivals(LATE, arrived)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        with turn:
            over = True
        while late:
            late.pop().restore()
        with contextlib.suppress(ValueError):  # the code itself has put others there
            sys.meta_path.remove(finder)
