"""A blocking call in an async tool stops the whole agent, not only the tool.

All tasks of an event loop share one thread. While a tool waits in it for a peer, a lock or the clock, no other task moves: no other
user's call, no heartbeat, no timeout that would end the wait. With a healthy peer that is a few milliseconds, and nobody sees
it; with a silent one it is an outage of everything that the process serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from pytest_agentready.domain import Check, FaultMatrix, Finding, Judgement, NormalCall, NotApplicable, Run, Severity, Unproven, Wait

SHORT = 0.05  # seconds; a pause that nobody notices
# What each primitive does, with its peer behind it.
NETWORK = {
    "recv": "reading from",
    "send": "writing to",
    "connect": "connecting to",
    "TLS handshake": "the TLS handshake with",
    "TLS read": "reading from",
    "TLS write": "writing to",
    "look-up": "looking up",
    "poll": "waiting for",
    "epoll": "waiting for",
    "select": "waiting for",
}
THREADS = {
    "sleep": "time.sleep()",
    "wait": "waiting for another thread (a future, a queue, an event)",
    "join": "joining another thread",
    "lock": "waiting for the lock of a database",
}

check = Check(
    id="AR206",
    title="The async tool blocks the event loop",
    severity=Severity.HIGH,
    profile="standard",
    fix=(
        "Use an async client (`httpx.AsyncClient`, `aiohttp`, `redis.asyncio`) and `await asyncio.sleep(1)`, or move the blocking call "
        "out of the loop's thread: `await asyncio.to_thread(fetch, order_id)`; a future of another thread is awaited with "
        "`await asyncio.wrap_future(future)`."
    ),
    since="0.1",
    async_only=True,
)


@check
def judge(normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    runs = (*normal_call.runs, *fault_matrix.runs)
    lines: dict[str, list[tuple[Wait, Run]]] = {}
    for run in runs:
        for wait in run.waits:
            if wait.in_loop:
                lines.setdefault(wait.where, []).append((wait, run))
    for where, waits in lines.items():
        worst, run = max(waits, key=lambda found: (found[0].outcome == "unbounded", found[0].seconds))
        network = any(wait.primitive in NETWORK and wait.peer for wait, _ in waits)
        if network or worst.outcome == "unbounded" or worst.seconds >= SHORT:
            yield Finding(
                f"{_what(worst)} blocks the event loop, {_length(worst)} ({run.mishap or 'in a normal call'}): every other task of the "
                "agent stands still meanwhile",
                where=where,
                evidence=_evidence(waits),
            )
    if normal_call.missing or fault_matrix.gap:
        yield Unproven(normal_call.missing or fault_matrix.gap)
    elif normal_call.self_contained and not any(run.waits for run in runs):
        yield NotApplicable("it waits for nothing")


def _what(wait: Wait) -> str:
    if wait.primitive in NETWORK:
        return f"{NETWORK[wait.primitive]} {wait.peer or 'a descriptor'}"
    if wait.primitive == "process":
        return f"waiting for {PurePath(wait.peer).name}"
    return THREADS.get(wait.primitive, wait.primitive)


def _length(wait: Wait) -> str:
    if wait.outcome == "unbounded":
        return "for ever at worst"
    return f"{wait.seconds:.1f} s at worst" if wait.seconds >= SHORT else f"{1000 * wait.seconds:.0f} ms here"


def _evidence(waits: list[tuple[Wait, Run]]) -> dict[str, object]:
    """The longest block of each run, in seconds."""
    longest: dict[str, object] = {}
    for wait, run in sorted(waits, key=lambda found: found[0].seconds):
        longest[run.mishap_slug or "normal"] = round(wait.seconds, 3)
    return dict(sorted(longest.items()))


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
async def beside_the_loop(order_id: str) -> str:
    import asyncio

    import requests

    response = await asyncio.to_thread(requests.get, f"https://api.example.com/orders/{order_id}", timeout=5)
    return response.text


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
async def within_the_loop(order_id: str) -> str:
    import requests

    return requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).text
