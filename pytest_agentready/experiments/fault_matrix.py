"""The fault matrix: one run for each fault. It is made once per tool, and judged by every check that asks for it."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pytest_agentready.domain import Fault, FaultMatrix, NormalCall, Run, Tool, read
from pytest_agentready.world import Backend, BackendFailed, Limits, WireFault, observe

ATTEMPTS = 90  # of one call, beside ten for each that the normal call makes
ENOUGH = 3  # runaways after which it is known what the tool does: the next are ended sooner
SOON = 5  # attempts, likewise
STAGES = 8  # requests of one call that are made to fail in turn
DRIPS = 50  # bytes of a trickled answer, after which nobody waits for more


def run(tool: Tool, normal_call: NormalCall, faults: tuple[Fault, ...]) -> FaultMatrix:
    if not any(run.went_out for run in normal_call.runs) and (allowed := [name for run in normal_call.runs for name in run.allowed]):
        return FaultMatrix((), abandoned=dict.fromkeys((fault.slug for fault in faults), f"{allowed[0]} is on the allow-list, and real"))
    if not any(run.went_out for run in normal_call.runs):
        return FaultMatrix((), {fault.slug: "the normal call does not reach the outside world" for fault in faults})
    if any(run.ending is not None for run in normal_call.runs):
        return FaultMatrix((), {fault.slug: "the normal call does not end" for fault in faults})
    with _muted():
        return _matrix(tool, normal_call, faults)


def _matrix(tool: Tool, normal_call: NormalCall, faults: tuple[Fault, ...]) -> FaultMatrix:
    runs: list[Run] = []
    skipped: dict[str, str] = {}
    abandoned: dict[str, str] = {}
    for fault in faults:
        if fault.family == "certificate" and not any(run.tls for run in normal_call.runs):
            skipped[fault.slug] = "the tool does not use TLS"
        elif _hopeless(runs):
            abandoned[fault.slug] = "an earlier run had to be ended by the wall clock"
        else:
            try:
                runs.extend(_under(fault, tool, normal_call, runs))
            except BackendFailed as failure:  # which the normal call did not meet
                abandoned[fault.slug] = f"the backend raised {failure} under it"
    return FaultMatrix(tuple(runs), skipped, abandoned)


@contextlib.contextmanager
def _muted() -> Iterator[None]:
    """What a tool prints in its normal call is shown with a failure; thirty times the same under faults is not."""
    with io.TextIOWrapper(io.BytesIO(), encoding="utf-8") as sink, contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        yield


def _under(fault: Fault, tool: Tool, normal_call: NormalCall, before: Iterable[Run]) -> Iterator[Run]:
    assert isinstance(fault, WireFault)
    backend = tool.facts.backend or Backend()
    known = sum(run.ending is not None and run.ending.kind == "runaway" for run in before) >= ENOUGH
    for normal in normal_call.runs:
        usual = max(len(normal.requests), len(normal.peers))
        limits = Limits(attempts=(SOON if known else ATTEMPTS) + 10 * usual)
        if fault.slug == "redirect-loop":  # a client follows 10 to 30 of them in one attempt
            limits = replace(limits, attempts=4 * limits.attempts)
        if fault.family == "trickle":
            limits = replace(limits, turns=DRIPS)
        for spared in _stages(normal):
            found = observe(
                tool.call,
                normal.arguments,
                backend=backend,  # type: ignore[arg-type]
                fault=fault,
                spared=spared,
                limits=limits,
            )
            yield read(tool, found)


def _stages(normal: Run) -> list[int]:
    """From which request on the peers fail: from the first, and from each that is the first or second of its line and address.

    Otherwise a second call without a timeout would hide behind the first one, which fails before it, and so would a second page.
    """
    seen: Counter[tuple[str, str]] = Counter()
    stages = [0]
    for number, request in enumerate(normal.requests):
        kind = request.where, request.url.partition("?")[0]
        seen[kind] += 1
        # Many addresses from one line (a batch) are one kind of request; a second one stands for them all.
        addresses = sum(where == request.where for where, _ in seen)
        if number and seen[kind] <= 2 and addresses <= 2:
            stages.append(number)
    return stages[:STAGES]


def _hopeless(runs: list[Run]) -> bool:
    """Ten real seconds for each further fault would teach nothing."""
    return any(run.ending is not None and run.ending.kind in ("spin", "blind") for run in runs)
