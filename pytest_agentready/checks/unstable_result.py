"""An agent that is told something else each time it asks cannot be tested, and cannot be debugged.

A customer asks the same question twice and is given two answers, while both traces show the same tools, called in the same order with the
same input. What varies in a tool varies in everything that the model makes of it. A new id, a time stamp and a duration are what they are;
an answer that depends on chance, on the addresses of objects or on what the process did before is not one to build on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from pytest_agentready.domain import (
    Check,
    Difference,
    Finding,
    Judgement,
    OtherSeeds,
    Repeat,
    RepeatedCall,
    Run,
    Severity,
    Tool,
    Unproven,
    counted,
    differences,
    shortened,
    structure_of,
)

check = Check(
    id="AR301",
    title="The same call gives another result each time",
    severity=Severity.MEDIUM,
    profile="checklist",
    fix=(
        "Leave chance out of results, or seed it by the arguments (`random.Random(order_id)`); sort what has no order by a key such as its "
        "id; keep what a call needs in its arguments, and not in the module."
    ),
    since="0.1",
)
SHOWN = 60  # characters of a value


@check
def judge(tool: Tool, repeated_call: RepeatedCall, other_seeds: OtherSeeds) -> Iterator[Judgement]:
    if not repeated_call.repeats:
        yield Unproven(repeated_call.obstacle)
        return
    found: dict[str, Finding] = {}
    for repeat in repeated_call.repeats:
        if not _is_comparable(tool, repeat):
            continue
        unexplained = list(differences(repeat.first.value, repeat.twin.value))
        if unexplained and _was_answered_otherwise(repeat.first, repeat.twin):
            yield Unproven("its peers answered otherwise the second time: let backend= give the same answer to the same request")
        elif unexplained:
            found.setdefault(unexplained[0].path, _finding(tool, repeat, unexplained))
    hidden = None if found else _by_hash(tool, other_seeds) or _by_memory(tool, repeated_call.repeats[0], other_seeds)
    if hidden is not None:
        yield hidden
    yield from list(found.values())[:1]
    if repeated_call.obstacle:
        yield Unproven(repeated_call.obstacle)


def _is_comparable(tool: Tool, repeat: Repeat) -> bool:
    """Did both calls do the same? Who remembers that it has done it, or what it was told, may well say so."""
    one, twin = repeat.first, repeat.twin
    if not twin.returned:
        return twin.raised is not None and one.returned and _did(tool, one) == _did(tool, twin)
    return _did(tool, one) == _did(tool, twin) and len(one.requests) == len(twin.requests)


def _did(tool: Tool, run: Run) -> Counter[tuple[str, str]]:
    return Counter((effect.kind, effect.verb) for effect in counted(run, tool.facts) if effect.kind != "memory")


def _was_answered_otherwise(one: Run, other: Run) -> bool:
    asked = {(request.method, request.url, request.body): request.digest for request in one.requests}
    return any(asked.get((r.method, r.url, r.body), r.digest) != r.digest for r in other.requests)


def _finding(tool: Tool, repeat: Repeat, unexplained: list[Difference]) -> Finding:
    first = unexplained[0]
    by_chance = repeat.seeded is not None and not list(differences(repeat.first.value, repeat.seeded.value))
    why = "; with the same random numbers it gives the same" if by_chance else ""
    more = f", and {len(unexplained) - 1} more differences" if len(unexplained) > 1 else ""
    what = "comes in another order" if first.kind == "order" else "is another"
    return Finding(
        "two calls with the same arguments, at the same time and with the same answers from outside, do not give the same: "
        f"{first.place} {what} ({_shown(first.one)}, then {_shown(first.other)}{more}){why}",
        where=tool.source,
        evidence={difference.path or "result": [_shown(difference.one), _shown(difference.other)] for difference in unexplained[:5]},
    )


def _by_hash(tool: Tool, other_seeds: OtherSeeds) -> Finding | None:
    """`hash()` of a text is another in each process. What is made of the order of a set is AR304's."""
    if not other_seeds.hashes or len(other_seeds.runs) < 2 or other_seeds.twin is None:
        return None
    (seed, one), *_, (other_seed, other) = other_seeds.runs.items()
    by_itself = {found.path for found in differences(structure_of(one.value), structure_of(other_seeds.twin.value))}
    for found in differences(structure_of(one.value), structure_of(other.value)):
        if found.kind == "value" and found.path not in by_itself:
            return Finding(
                f"it is made by `hash()`, which is another in each process: {found.place} is {_shown(found.one)} where PYTHONHASHSEED is "
                f"{seed}, and {_shown(found.other)} where it is {other_seed}",
                where=tool.source,
                fix="Make it by `hashlib.sha256(text.encode())`, which is the same everywhere.",
            )
    return None


def _by_memory(tool: Tool, repeat: Repeat, other_seeds: OtherSeeds) -> Finding | None:
    """What the process has been asked before decides: each later call is told the same, and the first one was told something else."""
    fresh = other_seeds.fresh
    if fresh is None or not fresh.returned or not _is_comparable(tool, replace(repeat, twin=fresh)):
        return None
    if _was_answered_otherwise(repeat.first, fresh):
        return None
    found = next(differences(structure_of(repeat.first.value), structure_of(fresh.value)), None)
    if found is None:
        return None
    return Finding(
        f"what the process was asked before decides: {found.place} is {_shown(found.other)} in one that was not asked yet, and "
        f"{_shown(found.one)} in each later call, at the same time and with the same answers from outside",
        where=tool.source,
        fix="Keep what a call needs in its arguments (`since=`, a cursor), and not in the module.",
    )


def _shown(value: object) -> str:
    return shortened(repr(value), SHOWN)


@check.passes(args={"team": ["Ada", "Grace", "Alan"], "day": "2026-03-02"})
def seeded_by_its_arguments(team: list[str], day: str) -> dict[str, object]:
    import random

    return {"status": "success", "data": random.Random(day).choice(team)}


@check.fails(args={"team": ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Tony", "Leslie"], "day": "2026-03-02"})
def drawn_by_lot(team: list[str], day: str) -> dict[str, object]:
    import random

    return {"status": "success", "data": [day, *random.sample(team, len(team))]}
