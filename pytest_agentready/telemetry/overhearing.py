"""What all the worlds of a session emit, gathered in short, for those who write rules about it when the session is over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pytest_agentready.domain import Emitted
from pytest_agentready.telemetry.metering import declared
from pytest_agentready.telemetry.recording import Reach, Recording
from pytest_agentready.telemetry.signals import in_spans

_listeners: list[Overheard] = []  # the innermost last: one session of pytest may run within another


class Overheard:
    """Of one session, in one process."""

    def __init__(self) -> None:
        self._emitted = Emitted()
        self.worlds = 0  # in which anything could have been emitted

    def take(self, recording: Recording) -> None:
        self.worlds += 1
        telemetry = recording.frozen(Reach(), 0.0)
        if telemetry.measurements or telemetry.spans:
            self._emitted |= Emitted.of(telemetry.measurements, spans=in_spans(telemetry))

    @property
    def emitted(self) -> Emitted:
        """What is there and was not used is in it, too."""
        return self._emitted | Emitted.of((), declared())


@contextlib.contextmanager
def listening(listener: Overheard) -> Iterator[None]:
    """To the worlds that end meanwhile."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def ended(recording: Recording) -> None:
    """A world is over."""
    if _listeners:
        _listeners[-1].take(recording)
