"""What a call leaves behind adds up until the process has no more of it.

A connection, a thread, a task or a file that each call leaves open costs nothing in a test, and nothing on the first day. After some
thousand calls, or some hundred failing ones, the limit of the process or of the peer is reached, and then every tool of
the agent fails, not only the one that leaks. A client that a module keeps does not grow, and is no leak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_agentready.domain import (
    Check,
    FaultMatrix,
    Finding,
    Held,
    HeldKind,
    Judgement,
    NormalCall,
    RepeatedCalls,
    Series,
    Severity,
    Tool,
    Unproven,
    listed,
    some_of,
)

check = Check(
    id="AR207",
    title="Each call leaves something open",
    severity=Severity.MEDIUM,
    profile="standard",
    fix=(
        "Open it in a `with` block (`async with httpx.AsyncClient() as client:`), or close it in `finally`; share one client, pool or "
        "executor of the module between all calls; keep a task that is started in a call, and cancel or await it before the call ends."
    ),
    since="0.1",
)

NAMED = 4  # of the files or peers that each call leaves open


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix, repeated_calls: RepeatedCalls) -> Iterator[Judgement]:
    causes: list[Leak] = []
    for series in repeated_calls.series:
        left = {kind: _where(series, kind) for kind in series.leaking}
        known = [cause for cause in causes if any(cause.where.get(kind) == where for kind, where in left.items())]
        for cause in known:
            cause.series.append(series)
        new = {kind: where for kind, where in left.items() if not any(cause.where.get(kind) == where for cause in known)}
        if new:
            causes.append(Leak(new, [series]))
    for cause in causes:
        yield Finding(
            cause.story,
            where=next(filter(None, cause.where.values()), tool.source),
            evidence={kind: cause.series[0].counts(kind) for kind in cause.where},
        )
    if gap := normal_call.obstacle or repeated_calls.gap or fault_matrix.gap:
        yield Unproven(gap)


@dataclass(frozen=True)
class Leak:
    """What calls leave behind together, by the line that opened it, and in which circumstances they do."""

    where: dict[HeldKind, str]
    series: list[Series]

    @property
    def story(self) -> str:
        first = self.series[0]
        circumstances = some_of((series.circumstance for series in self.series), separator="; ")
        only = "; only the garbage collector ends it" if set(self.where) <= first.freed else ""
        left = listed(_each(first, kind) for kind in self.where)
        kind = next(iter(self.where))
        return f"each call leaves {left} behind: {first.counts(kind)[-1]} {kind}s after {len(first.left)} calls ({circumstances}){only}"


def _each(series: Series, kind: HeldKind) -> str:
    counts = series.counts(kind)
    number = round((counts[-1] - counts[0]) / (len(counts) - 1))
    names = Counter(held.what for held in _of(series, kind) if held.what)
    most = [name for name, _ in names.most_common(number)]  # one that each call leaves has been left most often
    named = f" ({some_of(most, NAMED)})" if most else ""
    return f"{number} {kind}{'s' if number > 1 else ''}{named}"


def _where(series: Series, kind: HeldKind) -> str:
    lines = Counter(held.where for held in _of(series, kind) if held.where)
    return lines.most_common(1)[0][0] if lines else ""


def _of(series: Series, kind: HeldKind) -> list[Held]:
    return [held for held in series.left[-1] if held.kind == kind]


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
async def closed_after_use(order_id: str) -> str:
    import httpx

    async with httpx.AsyncClient(timeout=5) as client:
        return (await client.get(f"https://api.example.com/orders/{order_id}")).text


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
async def never_closed(order_id: str) -> str:
    import httpx

    client = httpx.AsyncClient(timeout=5)
    return (await client.get(f"https://api.example.com/orders/{order_id}")).text
