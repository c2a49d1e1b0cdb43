"""AR106 at its edges: which results prove that they are bounded, and which prove nothing."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import Answer, Ending, FaultMatrix, Finding, Judgement, NormalCall, NotApplicable, Raised, Run, Unproven
from pytest_agentready.world import FAULTS
from tests.checks.judging import judgements
from tests.examining import as_tool

HUGE = next(fault for fault in FAULTS if fault.slug == "huge-body")
PEERS = ("api.example.com:443",)
SMALL = Answer(typed=True, status="success", tokens=20)
NORMAL = NormalCall((Run({}, answer=SMALL, peers=PEERS),))


def tool() -> None:
    """Is not called."""


def judged(run: Run | None, budget: int = 4_000, normal: NormalCall = NORMAL) -> list[Judgement]:
    runs = () if run is None else (run,)
    return judgements("AR106", tool=as_tool(tool, {"result_budget": budget}), normal_call=normal, fault_matrix=FaultMatrix(runs))


def met(answer: Answer | None = SMALL, **changes: object) -> Run:
    return Run({}, HUGE, fired=1, answer=answer, peers=PEERS, **changes)  # type: ignore[arg-type]


def failed(message: str) -> Answer:
    return Answer(typed=True, status="error", message=message, tokens=30)


def test_a_result_far_over_its_budget_is_a_finding_with_the_numbers() -> None:
    (found,) = judged(met(Answer(typed=True, status="success", tokens=61_234)))
    assert isinstance(found, Finding)
    assert found.message == "after a huge answer it returns about 61,234 tokens, 15.3 times its budget of 4,000"


@pytest.mark.parametrize("count", [20, 4_000, 5_000])
def test_a_result_that_is_not_surely_over_its_budget_is_none(count: int) -> None:
    assert judged(met(Answer(typed=True, status="success", tokens=count))) == []


def test_a_normal_result_over_the_budget_is_a_finding_by_itself() -> None:
    (found,) = judged(None, normal=NormalCall((Run({}, answer=Answer(typed=False, status=None, tokens=9_000)),)))
    assert isinstance(found, Finding)
    assert found.message.startswith("a normal call returns about 9,000 tokens")


def test_a_refusal_for_its_size_is_an_answer() -> None:
    assert judged(met(failed("The document is too large: ask for a part of it."))) == []


@pytest.mark.parametrize(
    "run",
    [
        None,
        met(failed("The service's answer could not be understood.")),
        met(None, raised=Raised("builtins.KeyError", "'hits'", "", False, True)),
        met(None, ending=Ending("spin", "still running after 10 s of real time")),
    ],
    ids=["not met", "another error", "raised", "ended"],
)
def test_what_did_not_return_a_result_proves_nothing(run: Run | None) -> None:
    (found,) = judged(run)
    assert isinstance(found, Unproven)


def test_a_budget_as_large_as_the_answer_is_not_put_to_the_test() -> None:
    (found,) = judged(met(), budget=60_000)
    assert isinstance(found, Unproven)


def test_a_pure_function_within_its_budget_is_not_concerned() -> None:
    (found,) = judged(None, normal=NormalCall((Run({}, answer=SMALL),)))
    assert isinstance(found, NotApplicable)
