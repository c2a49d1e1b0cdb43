"""The same call in other processes: with other hashes, of a tool that makes sets or calls `hash()`, and with nothing remembered, of one
whose first answer was another one than the later. Others need not be asked.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import NormalCall, OtherSeeds, Repeat, RepeatedCall, Run, Tool, differences, structure_of
from pytest_agentready.experiments.orders import There
from pytest_agentready.experiments.other_process import elsewhere
from pytest_agentready.experiments.reach import code_of

TWO = (1, 2)  # a number that is made of a hash is another with each
SEEDS = (1, 2, 3)
MORE_SEEDS = (4, 5)  # for few elements: two have the same order under every other seed
FEW = 3
TYPES = ("set", "frozenset")
METHODS = ("smembers", "sinter", "sunion", "sdiff")


def run(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall) -> OtherSeeds:
    if not repeated_call.repeats:
        return OtherSeeds()
    repeat = repeated_call.repeats[0]
    found = OtherSeeds()
    if makes_sets(tool):
        found = _elsewhere(tool, repeat, SEEDS + MORE_SEEDS)
    elif hashes(tool):
        found = _elsewhere(tool, repeat, TWO)
    return replace(found, fresh=_fresh(tool, normal_call.beside(repeat.first), repeat))


def _fresh(tool: Tool, normal: Run, repeat: Repeat) -> Run | None:
    """The call in a process that remembers nothing; None where what this one remembers has made no difference, as far as can be told.

    Who keeps something for its caller in memory may well say that it is there already: only reads of something outside are looked at.
    """
    if tool.facts.confirm is not None or not normal.requests or any(request.is_write for request in normal.requests):
        return None
    if _tells_the_same(normal, repeat.first) or len(normal.requests) != len(repeat.first.requests):
        return None
    there = _there(tool, repeat, TWO[0])
    return there.runs[-1] if there.runs and _tells_the_same(normal, there.runs[-1]) else None


def _tells_the_same(one: Run, other: Run) -> bool:
    if one.answer is None or other.answer is None:
        return one.answer is other.answer
    return not any(differences(one.answer.text, other.answer.text))


def makes_sets(tool: Tool) -> bool:
    """A set of texts has another order in each process."""
    return _has(tool, _builds_a_set)


def hashes(tool: Tool) -> bool:
    """Does it call the builtin `hash`? That of a text is another in each process."""
    return _has(tool, lambda step: step.argval == "hash" and step.opname in ("LOAD_GLOBAL", "LOAD_NAME"))


def _has(tool: Tool, wanted: Callable[[dis.Instruction], bool]) -> bool:
    return any(wanted(step) for code in code_of(tool) for step in dis.get_instructions(code))


def _builds_a_set(step: dis.Instruction) -> bool:
    if step.opname == "BUILD_SET":
        return True
    return step.argval in (TYPES if step.opname == "LOAD_GLOBAL" else METHODS) and step.opname.startswith("LOAD_")


def _elsewhere(tool: Tool, repeat: Repeat, seeds: tuple[int, ...]) -> OtherSeeds:
    """With one seed after the other, until two results differ."""
    runs: dict[int, Run] = {}
    confirming: Run | None = None
    results: list[Any] = []
    for seed in seeds:
        if seed in MORE_SEEDS and not any(2 <= parts <= FEW for parts in _parts(results[0])):
            break
        there = _there(tool, repeat, seed)
        if there.obstacle:
            return OtherSeeds(obstacle=there.obstacle)
        if not there.runs or not there.runs[-1].returned:
            return OtherSeeds()
        runs[seed] = there.runs[-1]
        if confirming is None and tool.facts.confirm is not None and len(there.runs) > 1:
            confirming = there.runs[-2]
        results.append(structure_of(runs[seed].value))
        if len({repr(result) for result in results}) > 1:
            break
    again = _there(tool, repeat, seeds[0])
    return OtherSeeds(runs, again.runs[-1] if again.runs else None, again.obstacle, hashes(tool), confirming)


def _there(tool: Tool, repeat: Repeat, seed: int) -> There:
    return elsewhere(tool, repeat.first.arguments, hash_seed=seed, began=repeat.began, chance="repeated_call")


def _parts(value: Any) -> Iterator[int]:
    """How many parts each list and each text of the value has."""
    if isinstance(value, str):
        yield len(value.split())
    elif isinstance(value, list):
        yield len(value)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(part)
