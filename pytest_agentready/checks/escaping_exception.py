"""An exception that leaves a tool ends the run, or reaches the model as a traceback that it tries to read as data.

Every outside call fails some day: timeouts, resets, error pages, a changed schema. What the tool does not turn into a
result, the framework turns into something else: most let it end the run, the others feed its text to the model.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    Effect,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Raised,
    Run,
    Severity,
    Unproven,
    listed,
    mishaps,
    shortened,
)

check = Check(
    id="AR102",
    title="An exception leaves the tool when its peer fails",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Catch the client's base exceptions around the call and its parsing (`requests.RequestException`, `httpx.HTTPError`, "
        "`aiohttp.ClientError` and `TimeoutError`, `redis.RedisError`, `asyncpg.PostgresError` and `OSError`, `psycopg.Error`, "
        "`smtplib.SMTPException` and `OSError`), and `ValueError`, "
        "`KeyError` and `TypeError` for a body that is not what you expect; "
        "return a typed error."
    ),
    since="0.1",
)

EXIT = (
    "A tool does not end its process: return a typed error where it now exits (`sys.exit`, `raise SystemExit`, `os._exit`, a signal to "
    "its own process)."
)
SHOWN = 80  # characters of an exception's message


@check
def judge(normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    for normal in normal_call.runs:
        if normal.raised is not None and normal.raised.fatal:
            yield Finding(
                f"a normal call raises {normal.raised.kind}, which ends the whole process", where=normal.raised.where, fix=EXIT, seen=normal
            )
            return
        if normal.exit is not None:
            yield Finding(f"a normal call {_ends(normal.exit)}", where=normal.exit.where, fix=EXIT)
            return
    if normal_call.self_contained:
        yield NotApplicable("it asks nothing outside of the process")
        return
    exits = list(_exits(fault_matrix))
    yield from exits
    runs = [run for run in fault_matrix.fired if run.finished]
    if exits and not runs:
        return
    if not runs:
        yield Unproven(normal_call.obstacle or fault_matrix.gap or "no fault reached the tool")
        return
    if fault_matrix.gap:
        yield Unproven(fault_matrix.gap)
    causes: dict[tuple[str, bool, bool], list[Run]] = {}
    for run in runs:
        if run.raised is not None:
            causes.setdefault((run.raised.where, run.raised.accidental, run.raised.fatal), []).append(run)
    for (where, accidental, fatal), found in causes.items():
        yield Finding(
            f"{_exceptions(found)} the tool in {len(found)} of {len(runs)} failing calls{_remark(accidental, fatal)} ({mishaps(found)})"
            f"{_example(found)}",
            where=where,
            evidence={run.mishap_slug: _text(run.raised) for run in found if run.fault and run.raised},
            fix=EXIT if fatal else "",
            seen=found[0],
        )


def _exceptions(runs: list[Run]) -> str:
    kinds = dict.fromkeys(run.raised.kind.rpartition(".")[2] for run in runs if run.raised)
    return f"{listed(kinds)} {'leaves' if len(kinds) == 1 else 'leave'}"


def _example(runs: list[Run]) -> str:
    """The first message that says something: the kind alone often does not tell what went wrong."""
    raised = next((run.raised for run in runs if run.raised and run.raised.message.strip()), None)
    if raised is None:
        return ""
    message = " ".join(raised.message.split())
    return f", such as {raised.kind.rpartition('.')[2]}: {shortened(message, SHOWN)}"


def _remark(accidental: bool, fatal: bool) -> str:
    if fatal:
        return ", and ends the whole process"
    return ", by accident, for the code expects another body" if accidental else ""


def _exits(fault_matrix: FaultMatrix) -> Iterator[Finding]:
    """Of failing calls that would have ended the process, past every `except`."""
    found: dict[str, list[tuple[Run, Effect]]] = {}
    for run in fault_matrix.fired:
        if run.exit is not None:
            found.setdefault(run.exit.where, []).append((run, run.exit))
    for where, pairs in found.items():
        runs = [run for run, _ in pairs]
        yield Finding(f"it {_ends(pairs[0][1])} when its peer fails ({mishaps(runs)})", where=where, fix=EXIT)


def _ends(exit: Effect) -> str:
    return f"ends the whole process, past every `except` and `finally` of the agent ({exit.content.decode(errors='replace')})"


def _text(raised: Raised) -> str:
    return f"{raised.kind}: {raised.message}"[:200]


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_errors_as_results(order_id: str) -> dict[str, object]:
    import requests

    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["state"]}
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": f"The order service failed: {error}"}


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_timeouts_alone(order_id: str) -> dict[str, object]:
    import requests

    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5)
    except requests.Timeout:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The order service timed out."}
    return {"status": "success", "data": response.json()["state"]}
