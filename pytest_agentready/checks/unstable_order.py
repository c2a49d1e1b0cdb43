"""The same documents in another order made another answer, and it took two days and four services to find that out.

A replica of the vector search was slightly behind, and returned the same results in another order; one line that sorted them by the id of
the document was all that was missing. Whatever a distributed system, a file system or a database without ORDER BY gives has to be brought
into an order before a model reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_agentready.domain import (
    Check,
    Difference,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    OtherSeeds,
    RepeatedCall,
    Run,
    Severity,
    Shuffle,
    ShuffledWorld,
    Tool,
    Unproven,
    differences,
    shortened,
    some_of,
    structure_of,
)

check = Check(
    id="AR304",
    title="What comes in another order is passed on in another order",
    severity=Severity.MEDIUM,
    profile="checklist",
    fix=(
        'Sort by a key that is the same everywhere before returning: `sorted(found, key=lambda item: item["id"])`; or ask for an order '
        "(`sort=id`, `ORDER BY id`)."
    ),
    since="0.1",
)
SHOWN = 90  # characters of a list


@check
def judge(
    tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall, shuffled_world: ShuffledWorld, other_seeds: OtherSeeds
) -> Iterator[Judgement]:
    if not shuffled_world.shuffles:
        yield Unproven(shuffled_world.obstacle)
        return
    unstable = {found.path for repeat in repeated_call.repeats for found in differences(repeat.first.value, repeat.twin.value)}
    for shuffle in shuffled_world.shuffles:
        if (finding := _finding(tool, shuffle, unstable)) is not None:
            yield finding
            return
    if (finding := _by_hash(tool, other_seeds, unstable)) is not None:
        yield finding
    elif shuffled_world.obstacle or (other_seeds.obstacle and not other_seeds.hashes):
        yield Unproven(
            shuffled_world.obstacle or f"it makes sets, and how they come in another process is not known: {other_seeds.obstacle}"
        )
    elif all(normal_call.beside(each.shuffled).went_out and not each.shuffled.went_out for each in shuffled_world.shuffles):
        yield Unproven("it answers from memory, and is given nothing that could come in another order: let each call ask")
    elif not any(shuffle.moved for shuffle in shuffled_world.shuffles):
        yield from _nothing_moved(shuffled_world, other_seeds)
    elif held := list(dict.fromkeys(what for shuffle in shuffled_world.shuffles for what in shuffle.held)):
        yield _held(held)


def _finding(tool: Tool, shuffle: Shuffle, unstable: set[str]) -> Finding | None:
    if not shuffle.moved or not shuffle.usual.returned:
        return None
    moved = some_of(shuffle.moved, 2)
    if not shuffle.shuffled.returned:
        raised = shuffle.shuffled.raised
        return (
            None
            if raised is None
            else Finding(f"where {moved} come in another order, it raises {raised.kind}", where=raised.where or tool.source)
        )
    found = [each for each in differences(shuffle.usual.value, shuffle.shuffled.value) if each.path not in unstable]
    reordered = [each for each in found if each.kind == "order"]
    if not found or (shuffle.order_alone and not reordered):
        return None
    first = (reordered or found)[0]
    what = f"{first.place} comes in that order, too" if first.kind == "order" else f"{first.place} is another"
    return Finding(
        f"where {moved} come in another order, {what}: {_shown(first.one)}, then {_shown(first.other)}",
        where=tool.source,
        evidence={"moved": list(shuffle.moved), "result": _evidence(found)},
    )


def _by_hash(tool: Tool, other_seeds: OtherSeeds, unstable: set[str]) -> Finding | None:
    """A set of texts is iterated in the order of their hashes, which are others in each process. What is made of `hash()` is AR301's."""
    (seed, one), *others = [*other_seeds.runs.items()] or [(0, Run({}))]
    if other_seeds.twin is None:  # nobody knows what chance alone does
        return None
    unstable = unstable | {found.path for found in differences(structure_of(one.value), structure_of(other_seeds.twin.value))}
    for other_seed, other in others:
        for found in differences(structure_of(one.value), structure_of(other.value)):
            if found.path in unstable or (found.kind != "order" and other_seeds.hashes):
                continue
            how = "comes in the order of a set" if found.kind == "order" else "is made by the order of a set"
            return Finding(
                f"{found.place} {how}, which is another in each process: {_shown(found.one)} where "
                f"PYTHONHASHSEED is {seed}, {_shown(found.other)} where it is {other_seed}",
                where=tool.source,
            )
    return None


def _evidence(found: list[Difference]) -> list[list[str]]:
    return [[each.path, _shown(each.one), _shown(each.other)] for each in found[:5]]


def _nothing_moved(shuffled_world: ShuffledWorld, other_seeds: OtherSeeds) -> Iterator[Judgement]:
    kept = list(dict.fromkeys(what for shuffle in shuffled_world.shuffles for what in shuffle.kept))
    short = list(dict.fromkeys(what for shuffle in shuffled_world.shuffles for what in shuffle.short))
    held = list(dict.fromkeys(what for shuffle in shuffled_world.shuffles for what in shuffle.held))
    if held:
        yield _held(held)
    elif short:
        yield Unproven(f"of {some_of(short)} there are fewer than two, which have no order: let backend=, or the fixture, give several")
    elif other_seeds.runs and not other_seeds.hashes:
        if all(_is_short(structure_of(run.value)) for run in other_seeds.runs.values()):
            yield Unproven("it makes a set of fewer than two parts, which have no order: let args= or backend= give several")
    elif kept:
        yield NotApplicable(f"all that it is given has an order of its own: {some_of(kept)}")
    else:
        yield NotApplicable("nothing that it is given has parts that could come in another order")


def _held(held: list[str]) -> Unproven:
    return Unproven(f"{some_of(held)} could not be brought into another order")


def _is_short(value: Any) -> bool:
    """Are there lists in it, and none of several parts? A number that is made of a set has no order, and is none."""
    lists = list(_lists(value))
    return bool(lists) and all(len(found) < 2 for found in lists)


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _lists(part)


def _shown(value: object) -> str:
    return shortened(value if isinstance(value, str) else repr(value), SHOWN)


BACKEND = {"GET https://search.example.com/documents": {"results": [{"id": "d-2", "title": "Lease"}, {"id": "d-1", "title": "Deed"}]}}


@check.passes(args={"topic": "house"}, backend=BACKEND)
def sorted_by_id(topic: str) -> dict[str, object]:
    import requests

    response = requests.get("https://search.example.com/documents", params={"topic": topic}, timeout=5)
    found = sorted(response.json()["results"], key=lambda document: document["id"])
    return {"status": "success", "data": [document["title"] for document in found]}


@check.fails(args={"topic": "house"}, backend=BACKEND)
def as_it_comes(topic: str) -> dict[str, object]:
    import requests

    response = requests.get("https://search.example.com/documents", params={"topic": topic}, timeout=5)
    return {"status": "success", "data": [document["title"] for document in response.json()["results"]]}
