"""The same call in two worlds that are the same but for the order of all that has none of its own."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import NormalCall, RepeatedCall, Run, Shuffle, ShuffledWorld, Tool
from pytest_agentready.experiments.confirmed import NotConfirmed, call, confirm
from pytest_agentready.experiments.reach import named_values
from pytest_agentready.world import BackendFailed, Stay, let_pass, stay
from pytest_agentready.world.stdio import muted

DAY = 86_400.0  # virtual seconds


def run(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall) -> ShuffledWorld:
    if not repeated_call.repeats:
        return ShuffledWorld(obstacle=repeated_call.obstacle)
    shuffles: list[Shuffle] = []
    try:
        with muted():
            for repeat in repeated_call.repeats:
                stable = repeat.seeded is None and len(repeat.twin.requests) == len(repeat.first.requests)
                shuffle = _shuffled(tool, repeat.first, repeat.began) if stable else _both(tool, repeat.first.arguments)
                if normal_call.beside(repeat.first).went_out and not shuffle.shuffled.went_out:  # it remembers an answer: a day passes
                    let_pass(DAY)
                    shuffle = _both(tool, repeat.first.arguments)
                shuffles.append(shuffle)
    except NotConfirmed as reason:
        return ShuffledWorld(tuple(shuffles), str(reason))
    except BackendFailed as failure:
        return ShuffledWorld(tuple(shuffles), f"the backend raised {failure} in a repeated call")
    return ShuffledWorld(tuple(shuffles), repeated_call.obstacle)


def _both(tool: Tool, arguments: Mapping[str, Any]) -> Shuffle:
    """With the same random numbers, at the same time, the one straight and the other shuffled; the former lets the tool forget."""
    chance = random.getstate()

    def usual(world: Stay) -> tuple[Run, float]:
        confirm(world, tool, arguments)
        return call(world, tool, arguments), world.began

    straight, began = stay(usual, backend=tool.facts.backend)
    let_pass(DAY)
    random.setstate(chance)
    return _shuffled(tool, straight, began)


def _shuffled(tool: Tool, straight: Run, began: float) -> Shuffle:
    def visit(world: Stay) -> Shuffle:
        world.begin_at(began)
        confirm(world, tool, straight.arguments)
        older = _connections(tool)
        with world.shuffled() as order:
            for connection in older:
                order.of_connection(connection)
            try:
                run = call(world, tool, straight.arguments)
            finally:
                for connection in older:
                    order.let_go(connection)
        return Shuffle(straight, run, tuple(order.moved), tuple(order.kept), tuple(order.short), searched=order.searched)

    return stay(visit, backend=tool.facts.backend)


def _connections(tool: Tool) -> list[Any]:
    """Those to a SQLite that the tool's code names, and has opened before."""
    sqlite = sys.modules.get("_sqlite3")
    if sqlite is None:
        return []
    return [value for value in named_values(tool) if isinstance(value, sqlite.Connection)]
