"""A declaration is what others build on: the framework asks no human before a "read-only" tool, and repeats an "idempotent" one by itself.

Hosts of MCP decide by `readOnlyHint`, `destructiveHint` and `idempotentHint` whether a user is asked and whether a lost answer is tried
again. A tool that says otherwise than it does switches these protections off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    DeclaredConduct,
    Effect,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Severity,
    Tool,
    Unproven,
    some_of,
)

check = Check(
    id="AR407",
    title="The tool does otherwise than it declares",
    severity=Severity.HIGH,
    profile="standard",
    fix=(
        "Declare what it does: drop `read_only` from what writes, and `destructive=False` from what deletes; an `idempotent` write "
        "carries a key that is made of its arguments."
    ),
    since="0.1",
)

DESTROYS = re.compile(r"^(?:DELETE|DROP|TRUNCATE|ALTER|DEL|UNLINK|FLUSHDB|FLUSHALL|remove|HDEL|GETDEL)\b", re.IGNORECASE)
DESTROYING_PATH = re.compile(r"(?:^|[/._:-])(?:delete|remove|destroy|purge|drop|wipe|erase)(?:$|[/._:A-Z-])")
DESTROYING_PROGRAM = re.compile(r"(?:^|/)(?:rm|rmdir|unlink|shred|dropdb|mkfs\S*)$")


@check
def judge(tool: Tool, normal_call: NormalCall, declared_conduct: DeclaredConduct) -> Iterator[Judgement]:
    conduct = declared_conduct
    declared = conduct.declared
    for contradiction in declared.contradictions:
        yield Finding(f"the marker and {declared.source} contradict each other: {contradiction}", where=tool.source)
    if not declared.anything:
        yield NotApplicable("nothing is declared of it: neither read_only nor idempotent nor destructive")
        return
    effects = conduct.effects
    if declared.read_only and effects:
        yield Finding(
            f"it is declared read-only, and writes: {some_of(dict.fromkeys(effect.story for effect in effects))}",
            where=effects[0].where or tool.source,
            evidence={effect.story: effect.where for effect in effects},
        )
    elif declared.destructive is False and (destroyed := [effect for effect in effects if _destroys(effect)]):
        yield Finding(
            f"it is declared not to destroy anything, and does: {some_of(dict.fromkeys(effect.story for effect in destroyed))}",
            where=destroyed[0].where or tool.source,
            evidence={effect.story: effect.where for effect in destroyed},
        )
    if declared.idempotent and conduct.repeated:
        yield Finding(
            "it is declared idempotent, and a second identical call does it once more: "
            f"{some_of(dict.fromkeys(effect.story for effect in conduct.repeated))}",
            where=conduct.repeated[0].where or tool.source,
            evidence={effect.story: effect.where for effect in conduct.repeated},
        )
    if normal_call.obstacle or conduct.gap:
        yield Unproven(normal_call.obstacle or conduct.gap)


def _destroys(effect: Effect) -> bool:
    if effect.kind == "process":
        return DESTROYING_PROGRAM.search(effect.target) is not None
    return DESTROYS.match(effect.verb) is not None or (effect.kind == "request" and DESTROYING_PATH.search(effect.target) is not None)


ORDERS = {"GET https://api.example.com/orders/{id}": {"state": "open"}, "POST https://api.example.com/orders/{id}/views": {"ok": True}}


@check.passes(args={"order_id": "7"}, backend=ORDERS, read_only=True)
def with_a_read(order_id: str) -> dict[str, object]:
    import requests

    return {"status": "success", "data": requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).json()}


@check.fails(args={"order_id": "7"}, backend=ORDERS, read_only=True)
def with_a_write_behind_the_read(order_id: str) -> dict[str, object]:
    import requests

    order = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).json()
    requests.post(f"https://api.example.com/orders/{order_id}/views", timeout=5)
    return {"status": "success", "data": order}
