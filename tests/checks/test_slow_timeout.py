"""AR203 at its edges: which of the runs that are too late is told of."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import FaultMatrix, NormalCall, Run
from pytest_agentready.world import FAULTS
from tests.checks.judging import judgements, messages

SILENT = [fault for fault in FAULTS if fault.family == "silence"]


@pytest.mark.parametrize("seconds", [(10.000_002, 10.000_009), (10.000_009, 10.000_002)])
def test_of_two_that_are_as_late_the_first_of_the_matrix_is_told_of(seconds: tuple[float, float]) -> None:
    runs = tuple(Run({}, fault, fired=1, virtual=late) for fault, late in zip(SILENT, seconds, strict=False))
    *_, message = messages(judgements("AR203", normal_call=NormalCall((Run({}),)), fault_matrix=FaultMatrix(runs)))
    assert f"({SILENT[0].title})" in message


def test_of_others_the_latest_is() -> None:
    runs = tuple(Run({}, fault, fired=1, virtual=late) for fault, late in zip(SILENT, (10.0, 10.2), strict=False))
    *_, message = messages(judgements("AR203", normal_call=NormalCall((Run({}),)), fault_matrix=FaultMatrix(runs)))
    assert f"({SILENT[1].title})" in message
