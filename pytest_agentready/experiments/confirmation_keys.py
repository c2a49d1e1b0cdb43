"""The keys of one approval: here, here once more, and in another process with another hash seed, each at the same moment of virtual time.

Approvals may well live in memory: it is the keys that are compared, not whether they survive. They are whatever `confirm` writes, and
whatever the confirmed tool asks for before it acts: keys of Redis, parameters of statements, paths and bodies of requests, names of
files, and what is new in the containers of the user's modules. Where there are none, and `confirm` hands a token out (signed, say), the
token is taken to the other process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from pytest_agentready.domain import ConfirmationKeys, Effect, GateWalk, Mark, Request, Run, Tool, counted, is_preparation
from pytest_agentready.experiments.calling import approve, memory_of
from pytest_agentready.experiments.memory import Kept, Memory, added
from pytest_agentready.experiments.orders import There
from pytest_agentready.experiments.other_process import elsewhere
from pytest_agentready.experiments.other_seeds import makes_sets
from pytest_agentready.world import BackendFailed, Limits, Stay, stay
from pytest_agentready.world.stdio import muted

PATIENCE = Limits(attempts=1_000, turns=20_000, horizon=10 * 86_400.0)
OTHERS = (2, 3, 4, 5)  # seeds of hashes: a set of two texts has the same order under every other one
DAY = 90_000.0  # virtual seconds between the two here: a date in the key is no fault of it
NOTHING = "no key was seen: what {confirm} stores is in no container of a module, in no store and in no request"


def run(tool: Tool, gate_walk: GateWalk) -> ConfirmationKeys:
    if gate_walk.not_opened is not None or gate_walk.confirmed is None or tool.facts.confirm is None:
        return ConfirmationKeys()
    arguments = gate_walk.arguments
    began: list[float] = []
    memory = memory_of(tool)

    def visit(world: Stay) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
        began.append(world.began)
        first = _marks_here(world, tool, arguments, memory)
        world.pause(DAY)
        return first, _marks_here(world, tool, arguments, memory)

    try:
        with muted(), memory.restored(gate_walk.stale):
            here, again = stay(visit, backend=tool.facts.backend, limits=PATIENCE)
    except BackendFailed as failure:
        return ConfirmationKeys(gap=f"the backend raised {failure} in a repeated call")
    if not here:
        return _carried(tool, gate_walk) or ConfirmationKeys(gap=NOTHING.format(confirm=gate_walk.confirm_name))
    return _compared(tool, gate_walk, here, again, began[0])


def _compared(tool: Tool, gate_walk: GateWalk, here: tuple[Mark, ...], again: tuple[Mark, ...], began: float) -> ConfirmationKeys:
    """With what another process makes of the same arguments, at the same moment."""
    assert tool.facts.confirm is not None
    arguments = gate_walk.arguments
    calls = [(tool.facts.confirm, arguments), (tool.call, arguments)]
    ask = partial(elsewhere, tool, arguments, began=began, chance="confirmation_keys")
    there = ask(calls=calls)
    if not there.obstacle and there.runs[0].raised is not None:  # it looks for a call that waits for it
        there = ask(calls=[(tool.call, arguments), *calls])
    if there.obstacle:
        return ConfirmationKeys(here, again, gap=f"the key was not compared with another process's: {there.obstacle}")
    confirming, _ = there.runs[-2:]
    if confirming.raised is not None:
        raised = f"{confirming.raised.kind}: {confirming.raised.message}"
        return ConfirmationKeys(here, again, gap=f"in another process {gate_walk.confirm_name} raises {raised}")
    found = _marks_there(tool, there)
    for seed in OTHERS if makes_sets(tool) else ():
        yonder = ask(calls=calls, hash_seed=seed)
        if not yonder.obstacle and len(yonder.runs) > 1 and (marks := _marks_there(tool, yonder)) != found:
            return ConfirmationKeys(here, again, found, marks)
    return ConfirmationKeys(here, again, found)


def _marks_there(tool: Tool, there: There) -> tuple[Mark, ...]:
    kept = {(each.place, each.item): each for before in there.kept[:-1] for each in before}
    return tuple(_marks(tool, there.runs[-2], kept.values(), there.runs[-1]))


def _carried(tool: Tool, gate_walk: GateWalk) -> ConfirmationKeys | None:
    """Is what `confirm` hands out here taken there? None where it hands out nothing, or the other process takes not even its own."""
    arguments = gate_walk.arguments

    def visit(world: Stay) -> tuple[float, Mapping[str, Any]]:
        return world.began, approve(world, tool, arguments)[1]

    try:
        with muted(), memory_of(tool).restored(gate_walk.stale):
            began, given = stay(visit, backend=tool.facts.backend, limits=PATIENCE)
    except BackendFailed:
        return None
    if given == arguments:
        return None
    ask = partial(elsewhere, tool, arguments, began=began, chance="confirmation_keys")
    its_own, ours = ask(), ask(calls=[(tool.call, given)])
    if why := its_own.obstacle or ours.obstacle:
        return ConfirmationKeys(gap=f"the token was not taken to another process: {why}")
    if counted(ours.runs[-1], tool.facts):
        return ConfirmationKeys()
    return ConfirmationKeys(refused=True) if counted(its_own.runs[-1], tool.facts) else None


def _marks_here(world: Stay, tool: Tool, arguments: Mapping[str, Any], memory: Memory) -> tuple[Mark, ...]:
    assert tool.facts.confirm is not None
    before = memory.snapshot()
    confirming, given = approve(world, tool, arguments)
    kept = added(before, memory.snapshot())
    confirmed = world.call(tool.call, given)
    return tuple(_marks(tool, confirming, kept, confirmed))


def _marks(tool: Tool, confirming: Run, kept: Iterable[Kept], confirmed: Run) -> Iterator[Mark]:
    for request in confirming.requests:
        yield _of_request(request)
    for effect in confirming.local_effects:
        if effect.kind != "memory" and not is_preparation(effect):  # `kept` says more of memory; whether a table was there is no key
            yield _of_effect(effect)
    for each in kept:
        yield Mark(each.place, f"{each.item}: {each.value}".encode() if each.value else each.item.encode())
    acts = {(effect.verb, effect.target) for effect in counted(confirmed, tool.facts)}
    for request in confirmed.requests:
        if (request.method, request.url.partition("?")[0]) in acts:
            return  # from here on it acts
        yield _of_request(request)


def _of_request(request: Request) -> Mark:
    place = request.url.partition("?")[0]
    if not request.is_http:
        return Mark(f"{request.method} {place}", request.body)
    origin = "/".join(place.split("/")[:3])
    return Mark(f"{request.method} {origin}", f"{request.url}\n".encode() + request.body)


def _of_effect(effect: Effect) -> Mark:
    if effect.kind == "file":
        return Mark(f"{effect.verb} a file", f"{effect.target}\n".encode() + effect.content)
    return Mark(f"{effect.verb} {effect.target}", effect.content or " ".join(effect.places).encode())
