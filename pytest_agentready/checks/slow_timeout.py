"""A timeout that is longer than the user's patience is only a slower way to hang.

Five seconds for an API, thirty for a database query or a program that is started, or what the tool itself declares:
retries and the pauses between them counted, for that is how long the agent and its user wait.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Run,
    Severity,
    Tool,
    Unproven,
    unended,
)

check = Check(
    id="AR203",
    title="The tool gives up later than it should",
    severity=Severity.MEDIUM,
    profile="checklist",
    fix=(
        "Let all attempts together end within the limit: a shorter timeout for each, fewer retries, or one deadline around them. If the "
        'work needs longer, say so in its agent_tool mark: `timeout=20`, or `kind="db"` for a query.'
    ),
    since="0.1",
    about_peers=True,
)


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    if fault_matrix.untimed:
        yield Unproven(fault_matrix.untimed)
        return
    if elsewhere := unended(normal_call, fault_matrix):
        yield NotApplicable(elsewhere)
        return
    if not any(fault_matrix.silent):
        yield Unproven(normal_call.obstacle or fault_matrix.gap or fault_matrix.no_silence)
        return
    if fault_matrix.gap:
        yield Unproven(fault_matrix.gap)
    limit = tool.program_limit if normal_call.stood_in else tool.time_limit
    late = [run for run in fault_matrix.to_be_ended if tool.is_late(run.virtual, limit)]
    if late:
        worst = max(late, key=lambda run: round(run.virtual, 1))  # of those that read alike, the first of the matrix
        yield Finding(
            f"holds its caller for {worst.virtual:.1f} s, {worst.virtual - limit:.1f} s more than the limit of "
            f"{limit:g} s: {_made_of(worst)} ({worst.mishap})",
            where=worst.longest_wait_at,
            seen=worst,
            evidence={run.mishap_slug: round(run.virtual, 1) for run in late if run.fault},
        )


def _made_of(run: Run) -> str:
    attempts = [wait for wait in run.waits if wait.outcome == "timeout" and wait.primitive != "sleep" and wait.seconds >= 0.1]
    pauses = sum(sleep.seconds for sleep in run.sleeps)
    parts = [f"{len(attempts)} waits of up to {max(wait.seconds for wait in attempts):.1f} s"] if len(attempts) > 1 else []
    cut = [wait.bound for wait in run.waits if wait.outcome == "cut" and wait.bound is not None and run.in_real_time]
    if cut:
        parts.append(f"cut off in a wait of up to {max(cut):g} s")
    elif not attempts and pauses < 0.1:
        endless = any(wait.primitive in ("connect", "await") and wait.bound is None for wait in run.waits)
        parts.append("only the operating system ends it" if endless else f"{len(run.waits)} short waits")
    elif len(attempts) == 1:
        parts.append(f"one wait of {attempts[0].seconds:.1f} s")
    return " and ".join(parts + ([f"{pauses:.1f} s of pauses"] if pauses >= 0.1 else []))


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_two_short_attempts(order_id: str) -> str:
    import httpx

    for _ in range(2):
        try:
            return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=2).text
        except httpx.TimeoutException:
            continue
    return "The order service timed out."


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_three_long_attempts(order_id: str) -> str:
    import httpx

    for _ in range(3):
        try:
            return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).text
        except httpx.TimeoutException:
            continue
    return "The order service timed out."
