"""Calls with one hostile text each, in a world that is healthy; what they print is not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pytest_agentready.domain import Run, Tool, read
from pytest_agentready.experiments.texts import Text
from pytest_agentready.world import BackendFailed, Limits, Stay, observe, stay
from pytest_agentready.world.stdio import muted

T = TypeVar("T")
PATIENCE = Limits(attempts=1_000, turns=20_000, horizon=400 * 86_400.0)
HOPELESS = 3.0  # real seconds: a tool that keeps its own time is not called again
PAUSE = 600.0  # virtual seconds between two calls: a breaker that one has opened is not to shield the tool from the next
SHOWN = 60  # characters of a value


def usual_run(tool: Tool, arguments: Mapping[str, Any]) -> Run:
    """One more normal call; an empty record where its backend does not work, which the normal call tells of."""
    try:
        with muted():
            return read(tool, observe(tool.call, arguments, backend=tool.facts.backend, limits=PATIENCE))
    except BackendFailed:
        return Run(arguments)


def in_one_world(tool: Tool, backend: object, visit: Callable[[Calls], T]) -> T:
    """What `visit` gives. All of its calls share a world: each would take several times as long in one of its own."""
    with muted():
        return stay(lambda place: visit(Calls(tool, place)), backend=backend, limits=PATIENCE)


class Calls:
    """Hostile calls, one after the other."""

    def __init__(self, tool: Tool, place: Stay) -> None:
        self._tool = tool
        self._stay = place
        self._untold: list[str] = []
        self._ended = ""
        self.last: Run | None = None
        self.went_out = False  # did any of them turn to somebody outside?

    @property
    def gap(self) -> str:
        """What could not be tried, and why."""
        return self._ended or (f"the backend raised under {len(self._untold)} calls, such as {self._untold[0]}" if self._untold else "")

    def made(self, text: Text, value: str) -> Run | None:
        """None where the argument's type refuses the value, or there is nothing more to be learnt from calls."""
        arguments = text.arguments(value)
        if arguments is None or self._ended:
            return None
        run = read(self._tool, self._stay.call(self._tool.call, arguments))
        self.last = run
        self.went_out = self.went_out or run.went_out
        story = f"{text.name}={_shown(value)}"
        if self._stay.over or run.real > HOPELESS:
            self._ended = f"the call with {story} does not end{f': {run.ending.story}' if run.ending else ''}"
        else:
            self._stay.pause(PAUSE)
        if (failure := self._stay.forgiven()) is not None:  # it was made for the normal call alone
            self._untold.append(f"{story}: {failure!r}")
        return run


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}...")
