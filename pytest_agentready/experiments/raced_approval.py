"""One approval, and two calls that use it at the same time: who looks for it, waits, and takes it away only then, lets both through.

The calls take turns where they wait, for a store, a service or a pause. That a thread might lose its turn between two lines that
look for an approval and take it is true of Python, and so rare that it would only be noise.
"""

from __future__ import annotations

from pytest_agentready.domain import GateWalk, NormalCall, RacedApproval, Tool, counted, effects_of, without_gates_own
from pytest_agentready.experiments.at_once import Side, at_once
from pytest_agentready.experiments.calling import CannotConfirm, memory_of
from pytest_agentready.world import Backend, BackendFailed
from pytest_agentready.world.stdio import muted


def run(tool: Tool, normal_call: NormalCall, gate_walk: GateWalk) -> RacedApproval:
    walk = gate_walk
    if walk.not_opened is not None or walk.again is None or walk.again.effects:
        return RacedApproval()
    if normal_call.in_real_time:
        return RacedApproval(gap="two calls were not made at once by one approval: its client waits in real time")
    backend = tool.facts.backend if isinstance(tool.facts.backend, Backend) else Backend()
    sides = [Side(walk.arguments)] * 2
    try:
        with muted(), memory_of(tool).restored(walk.stale):
            _, together = at_once(tool, sides, backend, is_async=bool(normal_call.is_async), approvals=1, by_line=False)
    except (CannotConfirm, BackendFailed) as failure:
        return RacedApproval(gap=f"two calls were not made at once by one approval: {failure}")
    if together.ending is not None:
        return RacedApproval(gap=f"two calls at once, by one approval, do not come to an end ({together.ending.story})")
    touched = [] if walk.confirming is None else effects_of(walk.confirming)
    return RacedApproval(without_gates_own(counted(together, tool.facts), walk.confirming, touched, refused=True))
