"""A tool that does it again when it is called again charges the card twice, for agents do call again.

A model that is not sure whether its call got through makes the same call once more; so does a framework that resumes a run, and a user
who presses the button again. The article asks for tools that are idempotent by default: the same call with the same arguments does it
once. A peer knows a write again by a key that stays the same, or by what it sets: a PUT, a DELETE or an upsert may come twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Duplicate,
    Effect,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Repeat,
    RepeatedCall,
    Severity,
    Tool,
    Unproven,
    counted,
    duplicates,
    looked_first,
    nothing_written,
    shortened,
)

check = Check(
    id="AR302",
    title="The same call, made twice, writes twice",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Send an idempotency key that is made from the arguments (`hashlib.sha256` over their canonical JSON), the same in each call; "
        "write by PUT or upsert under an id that is made so, or remember what has been done (`SET key value NX`) before doing it."
    ),
    since="0.1",
)
SHOWN = 36  # characters of a key or a name


@check
def judge(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall) -> Iterator[Judgement]:
    if not repeated_call.repeats:
        yield Unproven(repeated_call.obstacle)
        return
    found: dict[tuple[str, str, str], list[tuple[Repeat, Duplicate]]] = {}
    for repeat in repeated_call.repeats:
        before = counted(repeat.first, tool.facts) or counted(normal_call.beside(repeat.first), tool.facts)
        for duplicate in duplicates(before, counted(repeat.second, tool.facts)):
            again = duplicate.again
            if (asked := looked_first(repeat.second, again)) is not None:
                yield Unproven(
                    f"it asks {asked.method} {shortened(asked.url, 80)} before {again.story}, and backend= answers each time that nothing "
                    "is there: give a callable that remembers what was written"
                )
            else:
                found.setdefault((again.kind, again.verb, again.where), []).append((repeat, duplicate))
    for pairs in found.values():
        yield _finding(tool, pairs)
    if not any(counted(run, tool.facts) for repeat in repeated_call.repeats for run in (repeat.first, repeat.second)):
        written = any(counted(run, tool.facts) for run in normal_call.runs)
        if repeated_call.obstacle:
            yield Unproven(repeated_call.obstacle)
        elif tool.facts.confirm is not None:
            yield Unproven("it writes nothing once it is confirmed, see AR402")
        elif not written:
            yield NotApplicable(nothing_written(normal_call))


def _finding(tool: Tool, pairs: list[tuple[Repeat, Duplicate]]) -> Finding:
    repeat, duplicate = pairs[0]
    before, again = duplicate.before, duplicate.again
    match duplicate.why:
        case "new key":
            how = (
                f"with another idempotency key each time ({_short(before.key)}, then {_short(again.key)}), by which no peer knows it again"
            )
        case "new name":
            how = f"under a name that is new in each call ({_name(before)}, then {_name(again)})"
        case _:
            how = "with nothing by which its peer could know it again"
    times = len([each for each, _ in pairs if each is repeat])
    gate = " on one confirmation" if tool.facts.confirm is not None else ""
    more = f", {times} times" if times > 1 else ""
    return Finding(
        f"the same call, made a second time{gate}, writes a second time: {again.story}{more}, {how}",
        where=again.where or tool.source,
        evidence={"first": before.content[:200], "again": again.content[:200]},
    )


def _name(effect: Effect) -> str:
    return _short(", ".join(effect.places) if effect.places else effect.target.rpartition("/")[2])


def _short(text: str) -> str:
    return shortened(text, SHOWN)


@check.passes(args={"order": "7", "cents": 990}, backend={"POST https://pay.example.com/charges": {"id": "ch_1"}})
def with_a_key_of_its_arguments(order: str, cents: int) -> dict[str, object]:
    import hashlib
    import json

    import requests

    charge = {"order": order, "cents": cents}
    key = hashlib.sha256(json.dumps(charge, sort_keys=True).encode()).hexdigest()
    response = requests.post("https://pay.example.com/charges", json=charge, headers={"Idempotency-Key": key}, timeout=5)
    return {"status": "success", "data": response.json()["id"]}


@check.fails(args={"order": "7", "cents": 990}, backend={"POST https://pay.example.com/charges": {"id": "ch_1"}})
def with_a_new_key_each_time(order: str, cents: int) -> dict[str, object]:
    import uuid

    import requests

    charge = {"order": order, "cents": cents}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    response = requests.post("https://pay.example.com/charges", json=charge, headers=headers, timeout=5)
    return {"status": "success", "data": response.json()["id"]}
