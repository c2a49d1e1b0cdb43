"""For each write of the call: its peer carries it out, and the answer is lost, once. Then all is well, and the same call is made again.

Of what stands in a transaction of a database it is the answer to the COMMIT. An answer is lost in two ways: the connection breaks, or
nothing comes any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import Effect, Loss, LostResponse, NormalCall, RepeatedCall, Run, Tool, counted
from pytest_agentready.experiments.calling import CannotConfirm, called_in, confirmed, memory_kept
from pytest_agentready.world import BackendFailed, Stay, let_pass, stay
from pytest_agentready.world.lost import lost_answer
from pytest_agentready.world.stdio import muted

REMOTE = ("request", "mail", "command", "statement")
ENDS = ("COMMIT", "END")
MOST = 3  # answers of one call
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
                for verb, writes in _answers(tool, repeat.first):
                    losses += _losses(tool, repeat.first, verb, writes)
    except CannotConfirm as reason:
        return LostResponse(tuple(losses), str(reason))
    except BackendFailed as failure:
        return LostResponse(tuple(losses), f"the backend raised {failure} after an answer was lost")
    return LostResponse(tuple(losses))


def _answers(tool: Tool, usual: Run) -> list[tuple[str, list[Effect]]]:
    """The answers that can be lost, by the verb of what they answer, and the writes that this makes valid: each kind once.

    A write in a transaction is valid once its COMMIT is carried out; before then the database takes it back with the connection.
    """
    kinds: dict[object, Effect] = {}
    for effect in counted(usual, tool.facts):
        if effect.kind in REMOTE and any(request.method == effect.verb for request in usual.requests):
            kinds.setdefault((effect.verb, effect.target, effect.where, effect.places), effect)
    found: dict[object, tuple[str, list[Effect]]] = {}
    for kind, effect in kinds.items():
        end = _end_of_the_transaction(usual, effect)
        found.setdefault((end, effect.target) if end else kind, (end or effect.verb, []))[1].append(effect)
    return list(found.values())[:MOST]


def _end_of_the_transaction(usual: Run, write: Effect) -> str:
    """The verb by which it is made valid; "" for a write that stands by itself."""
    for request in usual.requests:
        if request.at >= write.at and request.method in ENDS and request.is_write and request.url.partition("?")[0] == write.target:
            return request.method
    return ""


def _losses(tool: Tool, usual: Run, verb: str, writes: list[Effect]) -> Iterator[Loss]:
    for silent in (False, True):
        losses = _lost(tool, usual, verb, writes, silent=silent)
        if not losses[0].lost.fired:  # it remembers an earlier run, and asks nobody: a day passes
            let_pass(DAY)
            losses = _lost(tool, usual, verb, writes, silent=silent)
        yield from losses
        if losses[0].repeaters or not losses[0].lost.fired:  # the other way would only show the same
            return


def _lost(tool: Tool, usual: Run, verb: str, writes: list[Effect], *, silent: bool) -> list[Loss]:
    fault = lost_answer(verb, writes[0].target, silent=silent)

    def visit(world: Stay) -> list[Loss]:
        given = confirmed(world, tool, usual.arguments)
        world.fault(fault)
        lost = called_in(world, tool, usual.arguments, given)
        world.fault(None)
        again = None if world.over else called_in(world, tool, usual.arguments, given)
        repeaters = tuple(fault.watch.repeaters)
        return [Loss(write, usual, lost, again, silent, "" if verb == write.verb else verb, repeaters) for write in writes]

    try:
        return stay(visit, backend=tool.facts.backend)
    finally:
        fault.watch.frames.clear()
