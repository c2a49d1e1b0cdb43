"""The same call in two worlds that are the same but for the order of all that has none of its own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import NormalCall, RepeatedCall, Run, Shuffle, ShuffledWorld, Tool
from pytest_agentready.experiments.calling import CannotConfirm, called_in, confirmed, memory_kept
from pytest_agentready.world import BackendFailed, Stay, let_pass, stay
from pytest_agentready.world.stdio import muted

DAY = 86_400.0  # virtual seconds


def run(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall) -> ShuffledWorld:
    if not repeated_call.repeats:
        return ShuffledWorld(obstacle=repeated_call.obstacle)
    shuffles: list[Shuffle] = []
    try:
        with muted(), memory_kept(tool):
            for repeat in repeated_call.repeats:
                stable = repeat.seeded is None and len(repeat.twin.requests) == len(repeat.first.requests)
                shuffle = _shuffled(tool, repeat.first, repeat.began) if stable else _both(tool, repeat.first.arguments)
                if normal_call.beside(repeat.first).went_out and not shuffle.shuffled.went_out:  # it remembers an answer: a day passes
                    let_pass(DAY)
                    shuffle = _both(tool, repeat.first.arguments)
                shuffles.append(shuffle)
    except CannotConfirm as reason:
        return ShuffledWorld(tuple(shuffles), str(reason))
    except BackendFailed as failure:
        return ShuffledWorld(tuple(shuffles), f"the backend raised {failure} in a repeated call")
    return ShuffledWorld(tuple(shuffles), repeated_call.obstacle)


def _both(tool: Tool, arguments: Mapping[str, Any]) -> Shuffle:
    """With the same random numbers, the one straight and the other shuffled, a day later, for the tool to forget what it was told."""
    chance = random.getstate()

    def usual(world: Stay) -> Run:
        return called_in(world, tool, arguments, confirmed(world, tool, arguments))

    straight = stay(usual, backend=tool.facts.backend)
    let_pass(DAY)
    random.setstate(chance)
    return _shuffled(tool, straight, None)


def _shuffled(tool: Tool, straight: Run, began: float | None) -> Shuffle:
    def visit(world: Stay) -> Shuffle:
        if began is not None:
            world.begin_at(began)
        given = confirmed(world, tool, straight.arguments)
        with world.shuffled() as order:
            run = called_in(world, tool, straight.arguments, given)
        order_alone = order.searched or began is None
        return Shuffle(straight, run, tuple(order.moved), tuple(order.kept), tuple(order.short), tuple(order.held), order_alone)

    return stay(visit, backend=tool.facts.backend)
