"""Every labelled loop of the corpus gets exactly the verdicts that its code deserves."""

from __future__ import annotations

import pytest

from tests.corpus_loops import LabelledLoop, load
from tests.examining import as_loop, engine, told

CORPUS = load()


@pytest.mark.parametrize(
    "labelled", CORPUS, ids=lambda labelled: f"{labelled.function.__module__.rpartition('.')[2]}.{labelled.function.__name__}"
)
def test_a_labelled_loop_gets_the_verdicts_that_it_deserves(labelled: LabelledLoop) -> None:
    loop = as_loop(labelled.function, labelled.facts)
    verdicts = {check.id: engine().examine(loop, check) for check in engine().registry.checks if check.id in labelled.verdicts}
    found = {check: verdict.outcome.value for check, verdict in verdicts.items()}
    assert found == dict(labelled.verdicts), "\n".join(f"{check} {told(verdict)}" for check, verdict in verdicts.items())
