"""Results to render, without a run behind them."""

from __future__ import annotations

from pytest_agentready.domain import Assessment, Finding, Outcome, Result, Severity, Subject, Verdict

SEND = Subject("shop.tools.send_email", "shop/tools.py:12", framework="python")
LIST = Subject("shop.tools.list_orders", "shop/tools.py:40", framework="python")


def result(
    check: str,
    outcome: Outcome,
    *,
    subject: Subject = SEND,
    severity: Severity = Severity.HIGH,
    reason: str = "",
    findings: tuple[Finding, ...] = (),
) -> Result:
    node = f"tests/test_shop.py::test_{subject.name.rpartition('.')[2]}[{check}-some-fault]"
    expected = Result(check, "some-fault", severity, "Give it a deadline.", subject, node)
    return expected.judged(Verdict(outcome, reason, findings, seconds=0.00412345))


def failed(check: str, *messages: str, subject: Subject = SEND, severity: Severity = Severity.HIGH) -> Result:
    findings = tuple(Finding(message, "shop/tools.py:31", {"seconds": 60}) for message in messages or ("it hangs",))
    return result(check, Outcome.FAILED, subject=subject, severity=severity, findings=findings)


def passed(check: str, subject: Subject = SEND) -> Result:
    return result(check, Outcome.PASSED, subject=subject)


def assess(*results: Result, **rest: object) -> Assessment:
    return Assessment(results, version="0.1.0", **rest)  # type: ignore[arg-type]
