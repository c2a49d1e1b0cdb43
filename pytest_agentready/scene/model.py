"""`scripted_model`: the model that every provider in the test's world asks, and what the test says it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from pytest_agentready.domain import ModelAnswer, ModelCall, did_you_mean, listed, some_of
from pytest_agentready.scene.world import AgentWorld
from pytest_agentready.script import Model
from pytest_agentready.script.steps import Scripted

PATIENCE = 200  # answers of a step that goes on for ever: a loop with a stop has met it long before


class ScriptedModel:
    """The model of one test. Its script is written before it is asked, or while the test goes on."""

    def __init__(self, world: AgentWorld) -> None:
        self._world = world
        self._model = Model(patience=PATIENCE)
        world.respond, world.unplayed, world.astray = self._model, self._unplayed, lambda: astray(self.calls)

    def __repr__(self) -> str:
        return f"<ScriptedModel, asked {self._model.asked} times>"

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Raises TypeError: it is no function."""
        __tracebackhide__ = True
        raise TypeError(
            "scripted_model is the model itself, and no function. Write what it answers: scripted_model.says('It is on its way.')"
        )

    def says(self, *steps: Scripted, **given: object) -> None:
        """What it answers, call by call: `says(call("get_order", order_id="7"), "It is on its way.")`. Once more: and then that."""
        __tracebackhide__ = True
        if given or not steps:
            told = f"and no {listed(given)}=" if given else "and it was given none"
            raise TypeError(f'says() takes the answers in their order, {told}: says(call("get_order", order_id="7"), "It is on its way.")')
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


def astray(calls: Sequence[ModelCall]) -> list[str]:
    """Calls in the script of tools that no request of the test has offered: a slip of the pen shows nothing of the loop."""
    offered = list(dict.fromkeys(tool.name for call in calls for tool in call.tools))
    answers = [call.answer for call in calls if isinstance(call.answer, ModelAnswer)]
    called = [each.name for answer in answers for each in (*answer.calls, *answer.withheld) if not each.made_up]
    return [_never_offered(name, offered, len(calls)) for name in dict.fromkeys(called) if name not in offered]


def _never_offered(name: str, offered: Sequence[str], asked: int) -> str:
    told = f"the script calls {name!r}, and the loop has never offered such a tool"
    if not offered:
        requests = f"none of its {asked} requests offers" if asked > 1 else "its request does not offer"
        return f"{told}: {requests} any. Hand the tools over with the request, or let the script say what the model says without them."
    return (
        f"{told}.{did_you_mean(name, offered)} Offered: {some_of(offered, 8)}. "
        f"Where the model is to call what is not there, write unknown_tool({name!r})."
    )
