"""Calls with one hostile text each, in a world that is healthy; what they print is not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pytest_agentready.domain import Run, Tool, read
from pytest_agentready.experiments.texts import Text
from pytest_agentready.world import BackendFailed, Limits, Stay, granted, observe, stay
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
    """What `visit` gives. All of its calls share a world: each would take several times as long in one of its own.

    Programs that the configuration allows are not started either: a hostile text is nothing to hand to a real one.
    """
    grant = granted.in_force()
    with muted(), granted.granted(grant.without_programs()):
        return stay(lambda place: visit(Calls(tool, place, grant.programs)), backend=backend, limits=PATIENCE)


class Calls:
    """Hostile calls, one after the other."""

    def __init__(self, tool: Tool, place: Stay, programs: tuple[str, ...] = ()) -> None:
        """`programs` are those that are allowed elsewhere."""
        self._tool = tool
        self._stay = place
        self._untold: list[str] = []
        self._ended = ""
        self._programs = programs
        self.held_back: list[Run] = []  # calls that ended where they would have started one of these
        self.last: Run | None = None
        self.went_out = False  # did any of them turn to somebody outside?

    @property
    def gap(self) -> str:
        """What could not be tried, and why."""
        return self._ended or (f"the backend raised under {len(self._untold)} calls, such as {self._untold[0]}" if self._untold else "")

    @property
    def beyond_programs(self) -> str:
        """What was not seen because a program was not started; "" where no call came as far as to one that is allowed."""
        if not self.held_back:
            return ""
        program = self.held_back[0].refused_processes[0].target
        return f"no program is started with hostile texts: what it does after it has started {program} is not seen"

    def made(self, text: Text, value: str) -> Run | None:
        """None where the argument's type refuses the value, or there is nothing more to be learnt from calls."""
        arguments = text.arguments(value)
        if arguments is None or self._ended:
            return None
        run = read(self._tool, self._stay.call(self._tool.call, arguments))
        self.last = run
        self.went_out = self.went_out or run.went_out
        if self._programs and run.refused_processes:
            self.held_back.append(run)
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
