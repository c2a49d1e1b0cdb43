"""What a tool is declared to be, beside what it does: its effects and, where it is declared idempotent, what two identical calls do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from pytest_agentready.domain import DeclaredConduct, Effect, NormalCall, Run, Tool, counted, declared, effects_of, without_gates_own
from pytest_agentready.experiments.calling import approve, memory_of
from pytest_agentready.world import BackendFailed, Limits, Stay, stay
from pytest_agentready.world.stdio import muted

PATIENCE = Limits(attempts=1_000, turns=20_000)
PAUSE = 60.0  # virtual seconds between the two calls


def run(tool: Tool, normal_call: NormalCall) -> DeclaredConduct:
    said = declared(tool)
    if not said.anything:
        return DeclaredConduct(said)
    effects: list[Effect] = []
    repeated: list[Effect] = []
    gap = ""
    for normal in normal_call.runs:
        try:
            with muted(), memory_of(tool).restored():
                found, twice = stay(partial(_twice, tool, normal.arguments), backend=tool.facts.backend, limits=PATIENCE)
        except BackendFailed as failure:
            gap = f"the backend raised {failure} in a repeated call"
            continue
        effects += found
        repeated += twice
    return DeclaredConduct(said, tuple(effects), tuple(repeated), gap)


def _twice(tool: Tool, arguments: Mapping[str, Any], world: Stay) -> tuple[list[Effect], list[Effect]]:
    """The effects of the first call, and those of the second that repeat one of them. Each is confirmed, where there is a gate."""
    confirming: Run | None = None
    calls: list[tuple[Effect, ...]] = []
    for _ in range(2):
        given = arguments
        if tool.facts.confirm is not None:
            confirming, given = approve(world, tool, arguments)
        touched = effects_of(confirming) if confirming is not None else ()
        calls.append(without_gates_own(counted(world.call(tool.call, given), tool.facts), confirming, touched, False))
        world.pause(PAUSE)
    first, second = calls
    once = Counter(_act(effect) for effect in first)
    return list(first), [effect for effect in second if not effect.idempotent and not _same_key(effect, first) and once[_act(effect)]]


def _act(effect: Effect) -> tuple[str, str, str]:
    return effect.kind, effect.verb, effect.target


def _same_key(effect: Effect, first: tuple[Effect, ...]) -> bool:
    return bool(effect.key) and any(one.key == effect.key for one in first)
