"""A running script: the model that the providers of a world ask."""

from __future__ import annotations

from pytest_agentready.domain.model import ModelAnswer, ModelFailure, ModelRequest, OutOfScript
from pytest_agentready.script.steps import ForEver, Scripted, Step, step


class Model:
    """A running script: called with a request, it gives the next answer."""

    def __init__(self, *steps: Scripted) -> None:
        self.asked = 0
        self._steps: list[Step] = []
        self._position = 0
        self._turn = 0  # how often the present step has been asked before
        self.says(*steps)

    def says(self, *steps: Scripted) -> None:
        """Add to the script. Raises ValueError behind a step that never ends."""
        for one in map(step, steps):
            if self._steps and isinstance(self._steps[-1], ForEver):
                raise ValueError(f"nothing comes after {self._steps[-1]}: leave {one} out, or put it before")
            self._steps.append(one)

    @property
    def scripted(self) -> int:
        """How many answers there are; one that goes on for ever counts once."""
        return len(self._steps)

    @property
    def unasked(self) -> tuple[Step, ...]:
        """The steps that nobody has asked for yet."""
        left = self._steps[self._position :]
        return tuple(left[1:] if self._turn else left)

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        """Raises OutOfScript where the script has come to its end."""
        self.asked += 1
        if self._position == len(self._steps):
            raise OutOfScript(_told(self.asked, self.scripted))
        present, turn = self._steps[self._position], self._turn
        if isinstance(present, ForEver):
            self._turn += 1
        else:
            self._position += 1
        return present.answer(request, turn)


def _told(asked: int, scripted: int) -> str:
    if not scripted:
        return 'a model is called, and its answers are not scripted: write `scripted_model.says("...")` first'
    answers = f"{scripted} answers are" if scripted > 1 else "1 answer is"
    return (
        f"the model is called {asked} times, and {answers} scripted. Add what it answers then to `scripted_model.says(...)`, "
        "or let the last step go on: `for_ever(...)`"
    )
