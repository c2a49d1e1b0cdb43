"""An agent that is told something else each time it asks cannot be tested, and cannot be debugged.

The article's customer got "completely different answers to the same question", with identical traces: same input, same tools, same
sequence. What varies in a tool varies in everything that the model makes of it. A new id, a time stamp and a duration are what they are;
an answer that depends on chance, on the addresses of objects or on what the process did before is not one to build on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Difference,
    Finding,
    Judgement,
    Repeat,
    RepeatedCall,
    Run,
    Severity,
    Tool,
    Unproven,
    counted,
    differences,
    shortened,
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
def judge(tool: Tool, repeated_call: RepeatedCall) -> Iterator[Judgement]:
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
