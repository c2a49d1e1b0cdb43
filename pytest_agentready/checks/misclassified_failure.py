"""Whether to try again is the model's most expensive decision, and the tool is the only one who knows.

A timeout called permanent gives up on a request that would have worked in a second; a missing order called transient is
asked for until the money is gone. The classes are the article's: `transient` and `rate_limit` may be tried again,
`permanent` may not.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Answer,
    Check,
    Facts,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Run,
    Severity,
    Tool,
    Unproven,
    mishaps,
    only_reads,
)

check = Check(
    id="AR104",
    title="A failure is given the wrong class, or none",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Set `error_type` and `retry_safe` by what happened: timeouts, resets, refused connections and 5xx are `transient` and retry-safe, "
        "429 is `rate_limit` and retry-safe, 401, 403 and 404 are `permanent` and not. For a write without an idempotency key "
        "`retry_safe` may be False wherever it may have been committed."
    ),
    since="0.1",
    about_peers=True,
)

CLASSES = ("transient", "rate_limit", "permanent")
# What says nothing of whether the write was done: a proxy answers 503, too, where the service behind it broke off in the middle.
UNSURE = ("500", "502", "503", "504")


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    failures = [run for run in fault_matrix.failures if run.fault is not None and (run.fault.expected or normal_call.stood_in)]
    if not failures:
        yield Unproven(normal_call.obstacle or fault_matrix.gap or "no fault reached the tool and let it return")
        return
    if fault_matrix.gap:
        yield Unproven(fault_matrix.gap)
    told = [run for run in failures if run.answer is not None and _tells(run, run.answer, normal_call.beside(run))]
    if not told:
        escaped = not any(run.returned for run in failures)
        yield NotApplicable("see AR102: every failure leaves the tool as an exception" if escaped else "see AR103: no failure is told")
        return
    unclassified = [run for run in told if run.answer and run.answer.error_type is None and run.answer.retry_safe is None]
    if unclassified:
        yield Finding(
            f"{len(unclassified)} of {len(told)} failures say neither of which type they are nor whether to try again",
            where=tool.source,
            seen=unclassified[0],
            evidence={run.mishap_slug: run.answer.text[:200] for run in unclassified if run.fault and run.answer},
        )
    wrong: dict[tuple[str, str], list[Run]] = {}
    for run in told:
        if run not in unclassified and run.answer is not None and not _is_right(run, run.answer, normal_call.beside(run), tool.facts):
            wrong.setdefault((_said(run.answer), _expected(run)), []).append(run)
    for (said, expected), runs in wrong.items():
        unsent = all(_is_unanswered(run) and not run.fault.may_commit for run in runs if run.fault) and " False" in said
        verb = "is" if len(runs) == 1 else "are"
        why = ", for nothing was sent" if unsent else ""
        yield Finding(
            f"{len(runs)} of {len(told)} failures {verb} called {said}, where {expected} is right{why} ({mishaps(runs)})",
            where=tool.source,
            seen=runs[0],
            evidence={run.mishap_slug: _said(run.answer) for run in runs if run.fault and run.answer},
        )


def _tells(run: Run, answer: Answer, normal: Run) -> bool:
    """A success that mentions a failure in its message is a success: it has no class."""
    return answer.status != "success" and answer.reads_as_failure(normal.answer, run.statuses)


def _is_right(run: Run, answer: Answer, normal: Run, facts: Facts) -> bool:
    assert run.fault is not None
    expected = run.fault.expected
    if expected is None:  # a program may fail for any reason: some class will do
        return True
    if answer.error_type in CLASSES and answer.error_type != expected:
        # A write that may have happened must not be repeated: calling it permanent is one way to say so.
        return answer.error_type == "permanent" and answer.retry_safe is False and _may_have_written(run, normal, facts)
    if answer.error_type is None or answer.retry_safe is None:
        return False  # half a classification
    if expected == "permanent":
        return answer.retry_safe is False
    return answer.retry_safe or _may_have_written(run, normal, facts)


def _may_have_written(run: Run, normal: Run, facts: Facts) -> bool:
    """Did a write without a stable idempotency key reach the peer, whose answer does not say what became of it, or was one done before?"""
    fault = run.fault
    if fault is not None and fault.may_commit and any(effect.kind == "process" for effect in run.local_effects):
        return True  # what a program had done by then nobody knows
    unsure = fault is not None and (fault.may_commit or fault.slug in UNSURE)
    keys = {request.idempotency_key for request in normal.requests} - {None}
    # A peer that never reads saw no request; what it would have seen, the normal run shows.
    sent = (*run.requests, *normal.requests[run.spared :]) if unsure else run.requests[: run.spared]
    return any(request.is_write and request.idempotency_key not in keys and not only_reads(request, facts) for request in sent)


def _is_unanswered(run: Run) -> bool:
    """Did the connection fail, and no peer say anything?"""
    return run.fault is not None and run.fault.family in ("break", "silence")


def _said(answer: Answer) -> str:
    kind = answer.error_type or "nothing"
    return f"{kind} with retry_safe {answer.retry_safe}" if answer.retry_safe is not None else f"{kind} without retry_safe"


def _expected(run: Run) -> str:
    expected = run.fault.expected if run.fault else None
    return "permanent, not safe to retry" if expected == "permanent" else f"{expected}, safe to retry"


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_the_right_class(order_id: str) -> dict[str, object]:
    import requests

    def error(error_type: str, message: str) -> dict[str, object]:
        return {"status": "error", "error_type": error_type, "retry_safe": error_type != "permanent", "message": message}

    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5)
        if response.status_code == 429:
            return error("rate_limit", "The order service is busy. Try again in a minute.")
        if response.status_code >= 500:
            return error("transient", "The order service is down.")
        if response.status_code >= 400:
            return error("permanent", f"Order {order_id} does not exist, or you may not see it.")
        return {"status": "success", "data": response.json()["state"]}
    except requests.JSONDecodeError:
        return error("permanent", "The order service gave no order.")
    except requests.RequestException:
        return error("transient", "The order service cannot be reached.")
    except (KeyError, TypeError):
        return error("permanent", "The order service gave no order.")


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_one_class_for_all(order_id: str) -> dict[str, object]:
    import requests

    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["state"]}
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": str(error)}
