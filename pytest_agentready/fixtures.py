"""What a marked test is given: `readiness_check`, which examines its tool and tells pytest the outcome."""

from __future__ import annotations

from typing import Literal

import pytest

from pytest_agentready import guarded
from pytest_agentready.domain import PROPERTY, AnySubject, Check, Outcome, Result, Verdict
from pytest_agentready.engine import Engine
from pytest_agentready.reports import failure
from pytest_agentready.settings import Settings

NEVER_CALLED = "the test ended without calling readiness_check(): nothing was examined. Taking it as an argument is not enough, call it."


class HarnessError(Exception):
    """An item could not be judged: that is an error, and never a finding about the tool."""


class ReadinessCheck:
    """Examines one tool or loop by one check when it is called; calling it again says the same again."""

    def __init__(self, request: pytest.FixtureRequest, engine: Engine, settings: Settings) -> None:
        # A mark's case is the parameter of its item; an item that no test file names has its own.
        own: tuple[AnySubject, Check] | tuple[None, str] = getattr(request.node, "case", (None, ""))
        case: tuple[AnySubject, Check] | tuple[None, str] = getattr(request, "param", own)
        if case[0] is None:
            pytest.fail(case[1] or guarded.missing(request.node, "readiness_check examines what an", *guarded.NAMES), pytrace=False)
        self._subject, self._check = case
        self._node: pytest.Item = request.node
        self._engine = engine
        self._settings = settings
        self._verdict: Verdict | None = None
        ignored = request.config.getoption("runxfail", False)  # pytest's way to ask for what is really the case
        self._waiver = None if ignored else settings.waiver_of(self._check.id, self._subject.name)
        # A rerun starts anew: what an earlier try found does not count.
        carried = read_result(self._node)
        self._result = self._record(Result.expected(self._check, carried.subject, carried.node))

    def __call__(self) -> Literal[True]:
        """True, so that `assert readiness_check()` holds as well; whatever else there is to say is raised."""
        __tracebackhide__ = True  # the place to look at is the test, and the tool that the text names
        if self._verdict is None:
            self._verdict = self._engine.examine(self._subject, self._check)
            result = self._result.judged(self._verdict)
            if self._waiver is not None:
                result = result.waived(self._waiver, self._settings.today, self._settings.unproven == "fail")
            self._result = self._record(result)
        self._tell()
        return True

    def finish(self) -> None:
        """The test has ended well; has it examined anything?"""
        __tracebackhide__ = True
        if self._verdict is None:
            self._record(self._result.abandoned(Outcome.ERROR, NEVER_CALLED))
            raise HarnessError(NEVER_CALLED)

    def _tell(self) -> None:
        __tracebackhide__ = True
        result, label = self._result, self._result.label
        match result.outcome:
            case Outcome.FAILED if self._waiver or result.severity.at_least(self._settings.fail_on):
                pytest.fail(failure.render(result, self._check), pytrace=False)
            case Outcome.WAIVED:
                pytest.xfail(result.reason)
            case Outcome.PASSED if result.reason:
                pytest.fail(f"[XPASS(strict)] {result.subject.name}: {result.reason}", pytrace=False)
            case Outcome.UNPROVEN if self._settings.unproven == "fail":
                pytest.fail(f"{result.subject.name}: {label} is unproven: {result.reason}", pytrace=False)
            case Outcome.UNPROVEN:
                pytest.skip(f"{label} is unproven: {result.reason}")
            case Outcome.NOT_APPLICABLE:
                pytest.skip(f"{label} is not applicable: {result.reason}")
            case Outcome.ERROR:
                raise HarnessError(
                    f"{label} could not judge {result.subject.name}; the {result.subject.kind} is not to blame.\n\n{result.reason}"
                )

    def _record(self, result: Result) -> Result:
        others = [pair for pair in self._node.user_properties if pair[0] != PROPERTY]
        self._node.user_properties[:] = [*others, (PROPERTY, result.to_json())]
        return result


def read_result(item: pytest.Item) -> Result:
    """What the item carries; collection has given one to every item of ours."""
    return Result.from_json(str(dict(item.user_properties)[PROPERTY]))
