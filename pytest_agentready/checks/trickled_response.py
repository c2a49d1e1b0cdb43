"""One byte a second defeats every timeout that counts from the last byte.

The timeouts of requests, httpx and urllib bound each read, not the call: a peer that sends a little now and then holds the
tool for as long as it likes. Only a deadline around the whole call ends that.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import Check, FaultMatrix, Finding, Judgement, NormalCall, NotApplicable, Severity, Tool, Unproven, unended

check = Check(
    id="AR204",
    title="A peer that sends a byte at a time holds the tool for ever",
    severity=Severity.LOW,
    profile="strict",
    fix=(
        "Put one deadline around the whole call: `aiohttp.ClientTimeout(total=5)`, `asyncio.timeout(5)` around an httpx call, or a "
        "stream that is read until a deadline of your own."
    ),
    since="0.1",
    about_peers=True,
)


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    trickled = list(fault_matrix.trickled)
    if elsewhere := unended(normal_call, fault_matrix):
        yield NotApplicable(elsewhere)
        return
    if normal_call.stood_in and any(fault_matrix.silent) and not fault_matrix.untimed:
        yield NotApplicable("it waits for programs alone, and for each of them to end: see AR202 and AR203")
        return
    if not trickled:
        yield Unproven(normal_call.obstacle or fault_matrix.gap or fault_matrix.skipped.get("trickle") or "no answer could be trickled")
        return
    if fault_matrix.untimed:
        yield Unproven(fault_matrix.untimed)
        return
    if fault_matrix.gap:
        yield Unproven(fault_matrix.gap)
    # A deadline of its own for the whole, be it a late one (AR203 speaks of that), ends a trickle when it ends a silence.
    limit = max([tool.time_limit, *(run.virtual for run in fault_matrix.silent if run.finished)])
    for run in trickled:
        if tool.is_late(run.virtual, limit):
            held = "was still reading" if run.ending is not None else "read on"
            yield Finding(
                f"{held} after {run.virtual:,.0f} s, for a byte came in time for each of its reads ({run.mishap})",
                where=run.longest_wait_at or tool.source,
                evidence={"seconds": round(run.virtual, 1)},
            )
            return
        if run.ending is not None:
            yield Unproven(f"the trickled answer was given up after {run.virtual:.0f} s, within the limit of {tool.time_limit:g} s")


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
async def with_a_deadline_for_all(order_id: str) -> str:
    import aiohttp

    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
        session.get(f"https://api.example.com/orders/{order_id}") as response,
    ):
        return await response.text()


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_a_timeout_for_each_read(order_id: str) -> str:
    import requests

    return requests.get(f"https://api.example.com/orders/{order_id}", timeout=5).text
