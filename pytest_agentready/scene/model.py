"""`scripted_model`: the model that every provider in the test's world asks, and what the test says it answers."""

from __future__ import annotations

from pytest_agentready.domain import ModelCall, listed
from pytest_agentready.scene.world import AgentWorld
from pytest_agentready.script import Model
from pytest_agentready.script.steps import Scripted


class ScriptedModel:
    """The model of one test. Its script is written before it is asked, or while the test goes on."""

    def __init__(self, world: AgentWorld) -> None:
        self._world = world
        self._model = Model()
        world.respond, world.unplayed = self._model, self._unplayed

    def __repr__(self) -> str:
        return f"<ScriptedModel, asked {self._model.asked} times>"

    def says(self, *steps: Scripted) -> None:
        """What it answers, call by call: `says(call("get_order", order_id="7"), "It is on its way.")`. Once more: and then that."""
        self._model.says(*steps)

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """How it was asked, and what it answered."""
        return () if self._world.last is None else tuple(self._world.last.network.model_calls)

    def _unplayed(self) -> str:
        """What nobody has asked for, when the test is over."""
        left = self._model.unasked
        if not left:
            return ""
        asked = f"the model was called {self._model.asked} time{'s' if self._model.asked != 1 else ''}"
        return (
            f"{asked}, and its script goes on: nobody asked for {listed([str(step) for step in left])}. Let the script end where "
            "the code stops asking, or with for_ever(...), which may be left at any time."
        )
