"""A tool that waits forever takes the agent, its user and its worker with it.

A peer that accepts a connection and then says nothing is the commonest outage of all, and most clients wait for it without
limit unless they are told otherwise. Attempts without limit are the same wait under another name: each is short, and
together they never end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from pytest_agentready.domain import (
    Check,
    Ending,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    Run,
    Severity,
    Unproven,
    is_storm,
    mishaps,
)

check = Check(
    id="AR202",
    title="The tool waits forever on a silent peer",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Give every outbound call a deadline (`requests.get(url, timeout=5)`, `httpx.Client(timeout=5)`, "
        "`aiohttp.ClientTimeout(total=5)`, `redis.Redis(socket_timeout=2)`, `asyncpg.connect(timeout=5, command_timeout=5)`, "
        "`smtplib.SMTP(host, timeout=5)`, `subprocess.run(command, timeout=30)`), and every retry a last attempt. psycopg has none for an "
        "answer: `connect_timeout` ends with the connection, and a silent server keeps no `statement_timeout`; wait for its "
        "`AsyncConnection` by `asyncio.wait_for(ask(), 5)`."
    ),
    since="0.1",
    about_peers=True,
)


@check
def judge(normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    yield from _of_the_normal_call(normal_call)
    causes: dict[tuple[str, str], list[Run]] = {}
    for run in fault_matrix.to_be_ended:
        if run.ending is None or is_storm(run, normal_call.beside(run)):
            continue  # AR205 speaks of it
        if run.ending.kind == "blind" or run.unseen:
            yield Unproven(fault_matrix.untimed or run.ending.detail)
        else:
            causes.setdefault(_cause(run, run.ending), []).append(run)
    for (what, where), runs in causes.items():
        longest = max((run.ending for run in runs if run.ending is not None), key=lambda ending: ending.count)
        count = f": {longest.story}" if longest.kind != "stuck" else ""
        shown = next(run for run in runs if run.ending is longest)
        yield Finding(f"{what}{count} ({mishaps(runs)})", where=where, evidence=_evidence(runs), fix=_fix(longest), seen=shown)
    if fault_matrix.gap or fault_matrix.untimed or not any(fault_matrix.silent):
        yield Unproven(normal_call.obstacle or fault_matrix.gap or fault_matrix.untimed or fault_matrix.no_silence)


def _of_the_normal_call(normal_call: NormalCall) -> Iterator[Judgement]:
    for run in normal_call.runs:
        if run.ending is not None and run.ending.kind in ("spin", "runaway", "endless"):
            yield Finding(f"a normal call does not end: {run.ending.story}", where=run.ending.where, fix=_fix(run.ending), seen=run)
            return


def _cause(run: Run, ending: Ending) -> tuple[str, str]:
    if ending.kind == "stuck" and not run.peers and run.refused_processes:
        program, where = _awaited_program(run)
        return f"waits for {PurePath(program).name} for ever, for no timeout is set", where
    if ending.kind == "stuck":
        for wait in run.waits:
            if wait.outcome == "unbounded" and wait.bound is None and wait.peer:
                return f"waits for {wait.peer} for ever, for no timeout is set", wait.where
        return "waits for a thread or a signal that will never come", ending.where
    return "does not give up", ending.where


def _awaited_program(run: Run) -> tuple[str, str]:
    """The one that it waits for without end, and where; the last that it has started where it waits in another way, for its pipe say."""
    for wait in run.waits:
        if wait.primitive == "process" and wait.outcome == "unbounded" and wait.peer:
            return wait.peer, wait.where
    started = run.refused_processes[-1]
    return started.target, started.where


def _fix(ending: Ending) -> str:
    if ending.kind in ("runaway", "spin"):
        return "Give the loop an end: a last attempt (3 are plenty), or a deadline that it looks at in every round."
    return ""


def _evidence(runs: list[Run]) -> dict[str, object]:
    return {run.mishap_slug: {"ending": run.ending.kind, "attempts": run.ending.count} for run in runs if run.fault and run.ending}


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_a_deadline(order_id: str) -> str:
    import httpx

    return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).text


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def without_a_deadline(order_id: str) -> str:
    import requests

    return requests.get(f"https://api.example.com/orders/{order_id}").text
