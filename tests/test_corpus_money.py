"""Every labelled breaker and loop of the corpus gets exactly the verdicts on its money that its code deserves."""

from __future__ import annotations

import pytest

from tests.corpus_money import Labelled, load
from tests.examining import as_breaker, as_loop, engine, told

CORPUS = load()


@pytest.mark.parametrize("labelled", CORPUS, ids=lambda labelled: labelled.name)
def test_what_keeps_money_gets_the_verdicts_that_it_deserves(labelled: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    made = as_breaker if labelled.kind == "breaker" else as_loop
    subject = made(labelled.subject, labelled.facts)
    verdicts = {check.id: engine().examine(subject, check) for check in engine().registry.checks if check.id in labelled.verdicts}
    engine().forget(subject)
    found = {check: verdict.outcome.value for check, verdict in verdicts.items()}
    assert found == dict(labelled.verdicts), "\n".join(f"{check} {told(verdict)}" for check, verdict in verdicts.items())
