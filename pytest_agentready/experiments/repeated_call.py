"""The same call once more: in the same world, a few seconds later, and in a world like it, at the same time.

Chance goes on from run to run, as in life. Where the twin gives another result, a third run has the random numbers of the first: if that
makes the results equal, it was chance that made them differ.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import NormalCall, Repeat, RepeatedCall, Run, Tool
from pytest_agentready.experiments.calling import CannotConfirm, called_in, confirmed, memory_kept
from pytest_agentready.experiments.normal_call import hindered, obstacle
from pytest_agentready.experiments.reach import expected_refusal
from pytest_agentready.world import BackendFailed, Stay, stay
from pytest_agentready.world.stdio import muted

PAUSE = 10.0  # virtual seconds between the two: as soon as an agent would call again, and long enough for a time stamp to be another
SETS = 2  # of arguments
DATABASES = ("postgresql:", "mysql:")


def run(tool: Tool, normal_call: NormalCall) -> RepeatedCall:
    if why := obstacle(tool, normal_call):
        return RepeatedCall(obstacle=why)
    repeats: list[Repeat] = []
    try:
        with muted(), memory_kept(tool):
            for normal in normal_call.runs[:SETS]:
                repeat = _repeat(tool, normal.arguments)
                if why := hindered(tool, repeat.first):
                    return RepeatedCall(tuple(repeats), why)
                repeats.append(repeat)
    except CannotConfirm as reason:
        return RepeatedCall(obstacle=str(reason))
    except BackendFailed as failure:
        return RepeatedCall(obstacle=f"the backend raised {failure} in a repeated call")
    asks = any(request.url.startswith(DATABASES) for repeat in repeats for request in repeat.first.requests)
    return RepeatedCall(tuple(repeats), refusal=expected_refusal(tool) if asks else "")


def _repeat(tool: Tool, arguments: Mapping[str, Any]) -> Repeat:
    chance = random.getstate()

    def twice(world: Stay) -> tuple[Run, Run, float]:
        given = confirmed(world, tool, arguments)
        first = called_in(world, tool, arguments, given)
        world.pause(PAUSE)
        return first, called_in(world, tool, arguments, given), world.began

    def once(world: Stay) -> Run:
        world.begin_at(began)
        return called_in(world, tool, arguments, confirmed(world, tool, arguments))

    first, second, began = stay(twice, backend=tool.facts.backend)
    twin = stay(once, backend=tool.facts.backend)
    if twin.value == first.value:
        return Repeat(first, second, twin, began)
    random.setstate(chance)
    return Repeat(first, second, twin, began, stay(once, backend=tool.facts.backend))
