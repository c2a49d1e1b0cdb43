"""The same call in two worlds that are the same but for the order of all that has none of its own."""

from __future__ import annotations

import dis
import random
import sys
from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import NormalCall, Repeat, RepeatedCall, Run, Shuffle, ShuffledWorld, Tool, structure_of
from pytest_agentready.experiments.calling import CannotConfirm, called_in, confirmed, memory_kept
from pytest_agentready.experiments.other_process import elsewhere
from pytest_agentready.experiments.reach import code_of, named_values
from pytest_agentready.world import BackendFailed, Stay, let_pass, stay
from pytest_agentready.world.stdio import muted

DAY = 86_400.0  # virtual seconds
SEEDS = (1, 2, 3)  # two elements have the same order under every other one
TYPES = ("set", "frozenset")
METHODS = ("smembers", "sinter", "sunion", "sdiff")


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
    elsewhere, no_elsewhere = _elsewhere(tool, repeated_call.repeats[0]) if makes_sets(tool) else ({}, "")
    return ShuffledWorld(tuple(shuffles), repeated_call.obstacle, elsewhere, no_elsewhere)


def makes_sets(tool: Tool) -> bool:
    """A set of texts has another order in each process. Others need not be asked."""
    return any(_builds_one(step) for code in code_of(tool) for step in dis.get_instructions(code))


def _builds_one(step: dis.Instruction) -> bool:
    if step.opname == "BUILD_SET":
        return True
    return step.argval in (TYPES if step.opname == "LOAD_GLOBAL" else METHODS) and step.opname.startswith("LOAD_")


def _elsewhere(tool: Tool, repeat: Repeat) -> tuple[dict[int, Any], str]:
    """What the call gives in processes with other seeds of their hashes, until two differ; or why it cannot be made there."""
    found: dict[int, Any] = {}
    for seed in SEEDS:
        there = elsewhere(tool, repeat.first.arguments, hash_seed=seed, began=repeat.began, chance="repeated_call")
        if there.obstacle:
            return {}, there.obstacle
        if not there.runs or not there.runs[-1].returned or there.runs[-1].value is None:
            return {}, ""
        found[seed] = structure_of(there.runs[-1].value)
        if len({repr(value) for value in found.values()}) > 1:
            break
    return found, ""


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
        older = _connections(tool)
        with world.shuffled() as order:
            for connection in older:
                order.of_connection(connection)
            try:
                run = called_in(world, tool, straight.arguments, given)
            finally:
                for connection in older:
                    order.let_go(connection)
        return Shuffle(straight, run, tuple(order.moved), tuple(order.kept), tuple(order.short), order.searched or began is None)

    return stay(visit, backend=tool.facts.backend)


def _connections(tool: Tool) -> list[Any]:
    """Those to a SQLite that the tool's code names, and has opened before."""
    sqlite = sys.modules.get("_sqlite3")
    if sqlite is None:
        return []
    return [value for value in named_values(tool) if isinstance(value, sqlite.Connection)]
