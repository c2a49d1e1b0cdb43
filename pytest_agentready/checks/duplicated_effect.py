"""A tool that does it again when it is called again charges the card twice, for agents do call again.

A model that is not sure whether its call got through makes the same call once more; so does a framework that resumes a run, and a user
who presses the button again. So a tool should be idempotent by default: the same call with the same arguments does it once. A peer
recognises a repeated write by a key that stays the same; and a write that only sets what is to be the case, such as a PUT, a DELETE or
an upsert, may come twice.
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
    OtherSeeds,
    Repeat,
    RepeatedCall,
    Run,
    Severity,
    Tool,
    Unproven,
    could_be_refused,
    counted,
    duplicates,
    effects_of,
    looked_first,
    nothing_written,
    shortened,
    without_gates_own,
)

check = Check(
    id="AR302",
    title="The same call, made twice, writes twice",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Send an idempotency key that is made from the arguments (`hashlib.sha256` over their canonical JSON), the same in each call; "
        "write by PUT or upsert under an id that is made like that, or remember what has been done (`SET key value NX`) before doing it."
    ),
    since="0.1",
)
FIXES = {
    "file": (
        "Look first whether it stands in the file already, or give each entry a file of its own whose name is made from the arguments, "
        "and write that anew (`path.write_text(...)`) in the place of `open(path, 'a')`."
    ),
    "mail": (
        "Remember what has been sent, under a key that is made from the arguments (`hashlib.sha256` over their canonical JSON), and look "
        "there before sending it: a mail server takes the same mail as often as it comes."
    ),
    "statement": (
        "Give the row a key that is made from the arguments, with a unique index, and write by `INSERT ... ON CONFLICT DO NOTHING`, or set "
        "values (`SET stock = 5`) in the place of counting (`stock = stock - 1`)."
    ),
    "command": (
        "Write what may come twice, under a key that is made from the arguments: `SET`, `HSET` or `SADD` in the place of `INCR` and "
        "`LPUSH`; or remember what has been done (`SET key value NX`) before doing it."
    ),
}
SHOWN = 36  # characters of a key or a name


@check
def judge(tool: Tool, normal_call: NormalCall, repeated_call: RepeatedCall, other_seeds: OtherSeeds) -> Iterator[Judgement]:
    if not repeated_call.repeats:
        only_reads = normal_call.stood_in and not any(counted(run, tool.facts) for run in normal_call.stood_in)
        yield NotApplicable(nothing_written(normal_call)) if only_reads else Unproven(repeated_call.obstacle)
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
            elif repeated_call.refusal and could_be_refused(duplicate.before, again):
                yield Unproven(
                    f"it knows by {repeated_call.refusal} that its database has the row of {again.story} already, and backend= takes it "
                    "each time: give a callable that remembers, and answers DatabaseError(message, code)"
                )
            else:
                found.setdefault((again.kind, again.verb, again.where), []).append((repeat, duplicate))
    for pairs in found.values():
        yield _finding(tool, pairs)
    if not found and (finding := _by_hash(tool, other_seeds)) is not None:
        yield finding
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
        case _ if again.kind == "file":
            how = "whatever stands there already"
        case _:
            how = "with nothing by which its peer could know it again"
    times = len([each for each, _ in pairs if each is repeat])
    gate = " on one confirmation" if tool.facts.confirm is not None else ""
    more = f", {times} times" if times > 1 else ""
    return Finding(
        f"the same call, made a second time{gate}, writes a second time: {again.story}{more}, {how}",
        where=again.where or tool.source,
        evidence={"first": before.content[:200], "again": again.content[:200]},
        fix=FIXES.get(again.kind, ""),
    )


def _by_hash(tool: Tool, other_seeds: OtherSeeds) -> Finding | None:
    """A key, or a name, by which a peer knows the write again in this process alone."""
    if len(other_seeds.runs) < 2 or other_seeds.twin is None:
        return None
    (seed, first), *others = other_seeds.runs.items()
    confirming = other_seeds.confirming
    touched = effects_of(confirming) if confirming is not None else ()

    def written(run: Run) -> tuple[Effect, ...]:
        """The key of an approval is AR404's."""
        return without_gates_own(counted(run, tool.facts), confirming, touched, refused=False)

    known, again = written(first), written(other_seeds.twin)
    for other_seed, other in others:
        for effect, same, there in zip(known, again, written(other), strict=False):
            if (effect.kind, effect.verb) != (there.kind, there.verb):
                break
            for by, by_itself, by_other in zip(_marks(effect), _marks(same), _marks(there), strict=True):
                if by == by_itself != by_other:
                    return Finding(
                        f"the same call, made by another process, writes a second time: {effect.story} is known again by {_short(by)} "
                        f"where PYTHONHASHSEED is {seed}, and by {_short(by_other)} where it is {other_seed}",
                        where=there.where or tool.source,
                        fix=(
                            "Make the key by `hashlib.sha256` over the canonical JSON of the arguments: `hash()`, and the order of a set, "
                            "are others in each process."
                        ),
                    )
    return None


def _marks(effect: Effect) -> tuple[str, str, str]:
    """By what a peer knows it again: its key, its name, and the row that an upsert meets."""
    row = effect.content.decode("utf-8", "replace") if effect.kind == "statement" and effect.verb == "INSERT" and effect.idempotent else ""
    return effect.key, _full_name(effect), row


def _full_name(effect: Effect) -> str:
    return ", ".join(effect.places) if effect.places else effect.target


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
