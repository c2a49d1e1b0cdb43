"""The stage of a gate's walk: how one step of it is made, each in a world of its own, with the memory put back after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_agentready.domain import Run, Tool, Trial, counted, effects_of, read, without_gates_own
from pytest_agentready.experiments.calling import approve, memory_of
from pytest_agentready.world import Limits, Stay, stay

# What a program would do is not known; that it was started is, and what the tool does behind it.
PATIENCE = Limits(attempts=1_000, turns=20_000, horizon=10 * 86_400.0, programs="succeeds")

Step = Callable[[Stay], Sequence[Run]]


class Stage:
    """What all steps have in common; the walk fills in what it gets to know."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        self.memory = memory_of(tool)
        self.stale: tuple[str, ...] = ()  # containers in which somebody else has left an approval of the same call
        self.refusal = ""  # what the tool says unconfirmed
        self.confirming: Run | None = None  # the first call of `confirm`

    def in_a_world(self, step: Step, limits: Limits = PATIENCE) -> Sequence[Run]:
        with self.memory.restored(self.stale):
            return stay(step, backend=self.tool.facts.backend, limits=limits)

    def approve(self, world: Stay, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """A human's word for exactly this call; with what it is then to be made."""
        return approve(world, self.tool, arguments)[1]

    def trial(self, run: Run, how: str = "") -> Trial:
        run = read(self.tool, run) if run.answer is None else run
        plain = Trial(run, how=how)
        touched = [] if self.confirming is None else effects_of(self.confirming)
        effects = without_gates_own(counted(run, self.tool.facts), self.confirming, touched, plain.asks)
        return Trial(run, effects, how)

    def is_moot(self, trial: Trial) -> bool:
        """Was it refused for another reason than that this call is not confirmed?"""
        return not trial.effects and not trial.asks and trial.told != self.refusal
