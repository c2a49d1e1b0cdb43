"""The normal call once more, and once with what it leaves out, to see which files, programs, statements and texts of code it gets to."""

from __future__ import annotations

from dataclasses import replace

from pytest_agentready.arguments.injections import MARK
from pytest_agentready.domain import Code, Run, Tool, Traces
from pytest_agentready.experiments.abused import usual_run
from pytest_agentready.experiments.texts import texts_of
from pytest_agentready.world.witness import Witness, witnessed

DATABASES = ("postgresql", "mysql")


def run(tool: Tool) -> Traces:
    texts = texts_of(tool)
    if not texts:
        return Traces()
    with witnessed(MARK) as witness:
        given = dict(texts[0].given)
        runs = [usual_run(tool, given)]
        left_out = {text.parameter.name: made[text.parameter.name] for text in texts if (made := text.arguments(text.value))}
        if left_out.keys() - given.keys():
            runs.append(usual_run(tool, {**left_out, **given}))
        return traces_of(witness, *runs)


def traces_of(witness: Witness, *runs: Run, since: Traces | None = None) -> Traces:
    """What was seen on this machine, and what the databases of the world were sent."""
    seen = witness.traces(since)
    sent = [
        (scheme, Code(request.body.decode("utf-8", "replace"), request.where))
        for run in runs
        for request in run.requests
        if (scheme := request.url.partition(":")[0]) in DATABASES
    ]
    return replace(
        seen,
        statements=(*seen.statements, *(code for _, code in sent)),
        dialects=seen.dialects | {scheme for scheme, _ in sent},
    )
