"""A running script: the model that the providers of a world ask."""

from __future__ import annotations

from pytest_agentready.domain.model import AskedForEver, ModelAnswer, ModelFailure, ModelRequest, OutOfScript
from pytest_agentready.script.steps import ForEver, Scripted, Step, step


class Model:
    """A running script: called with a request, it gives the next answer."""

    def __init__(self, *steps: Scripted, patience: int | None = None) -> None:
        """`patience`: how many answers a step that goes on for ever gives; None: as many as are asked for."""
        self.asked = 0
        self._patience = patience
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

    @property
    def present(self) -> Step | None:
        """The step that answers next; None at the end of the script."""
        return self._steps[self._position] if self._position < len(self._steps) else None

    def upcoming(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        """What the present step answers to this request; it stays the present one.

        Raises OutOfScript where there is none, AskedForEver where it never ends and nobody stops asking.
        """
        if self.present is None:
            raise OutOfScript(_told(self.asked, self.scripted))
        if isinstance(self.present, ForEver) and self._turn == self._patience:
            raise AskedForEver(self._turn)
        return self.present.answer(request, self._turn)

    def go_on(self) -> None:
        """The present step has been played."""
        if isinstance(self.present, ForEver):
            self._turn += 1
        else:
            self._position += 1

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        """Raises OutOfScript where the script has come to its end, AskedForEver where it never will and nobody stops asking."""
        self.asked += 1
        answer = self.upcoming(request)
        self.go_on()
        return answer


def _told(asked: int, scripted: int) -> str:
    if not scripted:
        return 'a model is called, and its answers are not scripted: write `scripted_model.says("...")` first'
    answers = f"{scripted} answers are" if scripted > 1 else "1 answer is"
    return (
        f"the model is called {asked} times, and {answers} scripted. Add what it answers then to `scripted_model.says(...)`, "
        "or let the last step go on: `for_ever(...)`"
    )
