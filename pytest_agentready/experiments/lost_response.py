"""For each write of the call: its peer carries it out, and the answer is lost, once. Then all is well, and the same call is made again.

An answer is lost in two ways: the connection breaks, or nothing comes any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import Effect, Loss, LostResponse, NormalCall, RepeatedCall, Run, Tool, counted
from pytest_agentready.experiments.calling import CannotConfirm, called_in, confirmed, memory_kept
from pytest_agentready.world import BackendFailed, Stay, let_pass, stay
from pytest_agentready.world.lost import lost_answer
from pytest_agentready.world.stdio import muted

REMOTE = ("request", "mail", "command", "statement")
MOST = 3  # writes of one call
DAY = 86_400.0  # virtual seconds


def run(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall) -> LostResponse:
    if not repeated_call.repeats:
        return LostResponse(obstacle=repeated_call.obstacle)
    if normal_call.in_real_time:
        return LostResponse(obstacle="its client waits in real time, and its answers are not lost there")
    losses: list[Loss] = []
    try:
        with muted(), memory_kept(tool):
            for repeat in repeated_call.repeats[:1]:
                for write in _writes(tool, repeat.first):
                    losses += _losses(tool, repeat.first, write)
    except CannotConfirm as reason:
        return LostResponse(tuple(losses), str(reason))
    except BackendFailed as failure:
        return LostResponse(tuple(losses), f"the backend raised {failure} after an answer was lost")
    return LostResponse(tuple(losses))


def _writes(tool: Tool, usual: Run) -> list[Effect]:
    """Those that a peer answers, each kind once."""
    kinds: dict[tuple[str, str, str], Effect] = {}
    for effect in counted(usual, tool.facts):
        if effect.kind in REMOTE and any(request.method == effect.verb for request in usual.requests):
            kinds.setdefault((effect.verb, effect.target, effect.where), effect)
    return list(kinds.values())[:MOST]


def _losses(tool: Tool, usual: Run, write: Effect) -> Iterator[Loss]:
    for silent in (False, True):
        loss = _lost(tool, usual, write, silent=silent)
        if not loss.lost.fired:  # it remembers an earlier run, and asks nobody: a day passes
            let_pass(DAY)
            loss = _lost(tool, usual, write, silent=silent)
        yield loss
        if loss.repeaters or not loss.lost.fired:  # the other way would only show the same
            return


def _lost(tool: Tool, usual: Run, write: Effect, *, silent: bool) -> Loss:
    fault = lost_answer(write.verb, write.target, silent=silent)

    def visit(world: Stay) -> Loss:
        given = confirmed(world, tool, usual.arguments)
        world.fault(fault)
        lost = called_in(world, tool, usual.arguments, given)
        world.fault(None)
        again = None if world.over else called_in(world, tool, usual.arguments, given)
        return Loss(write, usual, lost, again, silent, tuple(fault.watch.repeaters))

    try:
        return stay(visit, backend=tool.facts.backend)
    finally:
        fault.watch.frames.clear()
