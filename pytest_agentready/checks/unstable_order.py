"""The same documents in another order made another answer, and it took two days and four services to find that out.

That is the article's debugging story: a replica of the vector search was slightly behind, and returned the same results in another order.
"The fix was trivial: sort results by deterministic key (document ID) before returning." Whatever a distributed system, a file system or a
database without ORDER BY gives has to be brought into an order before a model reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Difference,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    RepeatedCall,
    Severity,
    Shuffle,
    ShuffledWorld,
    Tool,
    Unproven,
    differences,
    shortened,
    some_of,
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
def judge(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall, shuffled_world: ShuffledWorld) -> Iterator[Judgement]:
    if not shuffled_world.shuffles:
        yield Unproven(shuffled_world.obstacle)
        return
    unstable = {found.path for repeat in repeated_call.repeats for found in differences(repeat.first.value, repeat.twin.value)}
    for shuffle in shuffled_world.shuffles:
        if (finding := _finding(tool, shuffle, unstable)) is not None:
            yield finding
            return
    if (finding := _by_hash(tool, shuffled_world)) is not None:
        yield finding
    elif shuffled_world.obstacle or shuffled_world.no_elsewhere:
        yield Unproven(
            shuffled_world.obstacle or f"it makes sets, and how they come in another process is not known: {shuffled_world.no_elsewhere}"
        )
    elif shuffled_world.elsewhere:
        return
    elif all(normal_call.beside(each.shuffled).went_out and not each.shuffled.went_out for each in shuffled_world.shuffles):
        yield Unproven("it answers from memory, and is given nothing that could come in another order: let each call ask")
    elif not any(shuffle.moved for shuffle in shuffled_world.shuffles):
        yield _nothing_moved(shuffled_world)


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


def _by_hash(tool: Tool, shuffled_world: ShuffledWorld) -> Finding | None:
    """A set of texts is iterated in the order of their hashes, which are others in each process."""
    (seed, value), *others = [*shuffled_world.elsewhere.items()] or [(0, None)]
    for other_seed, other in others:
        for found in differences(value, other):
            if found.kind == "order":
                return Finding(
                    f"{found.place} comes in the order of a set, which is another in each process: {_shown(found.one)} where "
                    f"PYTHONHASHSEED is {seed}, {_shown(found.other)} where it is {other_seed}",
                    where=tool.source,
                )
    return None


def _evidence(found: list[Difference]) -> list[list[str]]:
    return [[each.path, _shown(each.one), _shown(each.other)] for each in found[:5]]


def _nothing_moved(shuffled_world: ShuffledWorld) -> Judgement:
    kept = list(dict.fromkeys(what for shuffle in shuffled_world.shuffles for what in shuffle.kept))
    short = list(dict.fromkeys(what for shuffle in shuffled_world.shuffles for what in shuffle.short))
    if short:
        return Unproven(f"{some_of(short)} has fewer than two parts, which have no order: let backend= give several")
    if kept:
        return NotApplicable(f"all that it is given has an order of its own: {some_of(kept)}")
    return NotApplicable("nothing that it is given has parts that could come in another order")


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
