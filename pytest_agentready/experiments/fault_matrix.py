"""The fault matrix: one run for each fault. It is made once per tool, and judged by every check that asks for it."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit

from pytest_agentready.domain import Fault, FaultMatrix, NormalCall, Run, Tool, read
from pytest_agentready.experiments import programs
from pytest_agentready.experiments.calling import called
from pytest_agentready.experiments.reach import names_in
from pytest_agentready.world import BackendFailed, HTTPFault, Limits, WireFault, let_pass
from pytest_agentready.world.stdio import muted

ATTEMPTS = 60  # of one call, beside ten for each that the normal call makes
SOON = (12, 5, 3, 2)  # of a line that has been seen to run away, beside those of the normal call: fewer with each fault of one kind
HOPS = 40  # redirects that a client follows in one attempt, and a few: most end after 10 to 30
REDIRECTS = 10 * HOPS  # of one call
STAGES = 8  # requests of one call that are made to fail in turn
SILENCES_IN_REAL_TIME = ("accept-hang", "response-hang")
IN_REAL_TIME = 3  # requests that are left without an answer in real time
LONG = 10.0  # real seconds
SURELY_LATE = 1.5  # real seconds beyond the time limit (its tolerance, and a little), after which a client is cut off
DAY = 86_400.0  # virtual seconds
BREAKER = re.compile("breaker|circuit", re.IGNORECASE)
WORDLESS = "it does not go on without what its programs say (name them in agentready_allow_processes)"
BEHIND = "what follows its program is not seen (name it in agentready_allow_processes)"
DRIPS = 50  # bytes of a trickled answer, after which nobody waits for more


def run(tool: Tool, normal_call: NormalCall, faults: tuple[Fault, ...]) -> FaultMatrix:
    if programs.wanted_alone(normal_call.runs):
        with muted():
            runs = tuple(run for normal in normal_call.runs for run in programs.failing(tool, normal.arguments))
        return FaultMatrix(runs, abandoned={} if normal_call.stood_in else _for_all(faults, WORDLESS))
    if not any(run.went_out for run in normal_call.runs):
        if allowed := [name for run in normal_call.runs for name in run.allowed]:
            return FaultMatrix((), abandoned=_for_all(faults, f"{allowed[0]} is on the allow-list, and real"))
        return FaultMatrix((), skipped=_for_all(faults, "the normal call does not reach the outside world"))
    if any(run.ending is not None and not run.mute and not _is_held_back(run) for run in normal_call.runs):
        return FaultMatrix((), skipped=_for_all(faults, "the normal call does not end"))
    with muted():
        matrix = _matrix(tool, normal_call, faults)
    if not any(map(_is_held_back, normal_call.runs)):
        return matrix
    # What comes before its program can be made to fail all the same.
    runs = tuple(run for run in matrix.runs if not _is_held_back(run))
    return replace(matrix, runs=runs, abandoned={**_for_all(faults, BEHIND), **matrix.abandoned})


def _is_held_back(run: Run) -> bool:
    """Did it come to a program that must not run, and was ended there?"""
    return run.ending is not None and run.ending.kind == "blind" and bool(run.refused_processes)


def _for_all(faults: tuple[Fault, ...], why: str) -> dict[str, str]:
    return dict.fromkeys((fault.slug for fault in faults), why)


def _matrix(tool: Tool, normal_call: NormalCall, faults: tuple[Fault, ...]) -> FaultMatrix:
    runs: list[Run] = []
    skipped: dict[str, str] = {}
    abandoned: dict[str, str] = {}
    memory = Memory(counts_failures=bool(tool.facts.breaker) or any(BREAKER.search(name) for name in names_in(tool)))
    for fault in faults:
        if normal_call.in_real_time and (why := _too_slow(fault, tool)):
            skipped[fault.slug] = why
        elif fault.family == "certificate" and not any(run.tls for run in normal_call.runs):
            skipped[fault.slug] = "the tool does not use TLS"
        elif isinstance(fault, HTTPFault) and _speaks_no_http(normal_call):
            skipped[fault.slug] = "the tool does not speak HTTP"
        elif fault.family not in ("break", "silence") and any(run.mute and run.ending is not None for run in normal_call.runs):
            skipped[fault.slug] = "its peer would have to speak first, in a protocol that the world does not know"
        elif _hopeless(runs):
            abandoned[fault.slug] = "an earlier run had to be ended by the wall clock"
        else:
            try:
                runs.extend(_under(fault, tool, normal_call, runs, memory))
            except BackendFailed as failure:  # which the normal call did not meet
                abandoned[fault.slug] = f"the backend does not work under it: {failure}"
    if memory.is_long:  # the next experiment shall not meet it
        let_pass(DAY)
    return FaultMatrix(tuple(runs), skipped, abandoned, dict(os.environ))


@dataclass
class Memory:
    """Of a tool that answers by itself what it knows from an earlier run: an open breaker, a cache."""

    counts_failures: bool = False  # it has a circuit breaker, as far as is known: a call that goes well has it begin anew
    is_long: bool = False  # longer than the interval between two runs
    is_endless: bool = False  # and longer than a day

    def is_over(self, run: Run) -> bool:
        """A day passes where the run shows that the tool remembers; True if it may have forgotten by then, for another run to show."""
        if not run.finished or run.went_out or self.is_endless:
            return False
        self.is_long = True
        let_pass(DAY)
        return True


@dataclass
class Runaways:
    """The lines that were seen to ask again and again, up to the limit: asked further times, they would only show the same.

    Who does not give up on a silent peer may well do so on one that answers, and the other way round.
    """

    lines: set[str] = field(default_factory=set)
    stages: set[int] = field(default_factory=set)  # from which request on the peers failed
    repeated: int = 0  # how often one of these lines did so again, under faults of the same kind

    @classmethod
    def among(cls, runs: Iterable[Run], fault: Fault) -> Runaways:
        found = cls()
        for run in runs:
            if run.fault is not None and (run.fault.family == "silence") == (fault.family == "silence"):
                found.note(run)
                found.repeated += run.fault.family == fault.family and run.ending is not None and run.ending.early
        return found

    def note(self, run: Run) -> None:
        if run.ending is not None and run.ending.kind == "runaway":
            self.lines.add(run.ending.where)
            self.stages.add(run.spared)

    def are_known_at(self, stage: int, normal: Run) -> bool:
        return stage in self.stages or normal.requests[stage].where in self.lines


def _under(fault: Fault, tool: Tool, normal_call: NormalCall, before: Iterable[Run], memory: Memory) -> Iterator[Run]:
    assert isinstance(fault, WireFault)
    runaways = Runaways.among(before, fault)
    for normal in normal_call.runs:
        usual = max(len(normal.requests), len(normal.peers))
        limits = Limits(attempts=ATTEMPTS + 10 * usual)
        soon = SOON[min(runaways.repeated, len(SOON) - 1)]
        if fault.slug == "redirect-loop":
            limits = replace(limits, attempts=max(REDIRECTS, limits.attempts))
            soon = min(REDIRECTS, soon * HOPS)
        if normal.in_real_time:
            patience = tool.time_limit + SURELY_LATE
            limits = replace(limits, patience=patience, real=patience + limits.real)
        if fault.family == "trickle":
            limits = replace(limits, turns=DRIPS)
        stages = _stages(normal)
        runs_away = False
        for spared in stages[:IN_REAL_TIME] if normal.in_real_time and fault.family == "silence" else stages:
            if runs_away and runaways.are_known_at(spared, normal):
                continue  # it runs away under this fault, and from this request on under another
            if memory.counts_failures:  # one that trips at this fault, or is half open, would speak in the place of the tool
                called(tool, normal.arguments, limits=limits)
            enter = partial(called, tool, normal.arguments, fault=fault, spared=spared)
            found = _entered(enter, limits, soon + usual, runaways, memory)
            runs_away = runs_away or (not spared and found.ending is not None and found.ending.early)
            yield read(tool, found)


def _entered(enter: Callable[..., Run], limits: Limits, soon: int, runaways: Runaways, memory: Memory) -> Run:
    """Cut short where a line is known to run away, and made anew in full where it is another line that does."""
    limit = replace(limits, attempts=soon) if runaways.lines else limits
    found = enter(limits=limit)
    if memory.is_over(found):
        found = enter(limits=limit)
        memory.is_endless = not found.went_out
    if limit is not limits and found.ending is not None and found.ending.kind == "runaway":
        if found.ending.where in runaways.lines:
            return replace(found, ending=replace(found.ending, early=True))
        found = enter(limits=limits)
    runaways.note(found)
    return found


def _too_slow(fault: Fault, tool: Tool) -> str:
    """Why a fault is not tried on a client that keeps its own time; "" where it is."""
    if fault.family not in ("silence", "trickle"):
        return ""
    if tool.time_limit > LONG:
        return f"its client waits in real time, and {tool.time_limit:g} s for each silent peer are too long: give timeout={LONG:g} or less"
    return "" if fault.slug in SILENCES_IN_REAL_TIME else "its client waits in real time, in which only two silent peers are tried"


def _stages(normal: Run) -> list[int]:
    """From which request on the peers fail: from the first, and from each that is the first or second of its line, verb and address.

    Otherwise a second call without a timeout would hide behind the first one, which fails before it, and so would a second page.
    What threads ask beside each other fails all at once, and cannot hide; which of them is the first is up to chance.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    addresses: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)  # by the line, and by their shape
    stages = [0]
    for number, request in enumerate(normal.requests):
        url = request.url.partition("?")[0]
        kind = request.where, request.method, url
        seen[kind] += 1
        # Many addresses of one shape from one line (a batch) are one kind of request; a second one stands for them all.
        batch = request.where, *_shape(url)
        alike = addresses[batch]
        alike.add(url)
        if number and seen[kind] <= 2 and len(alike) <= 2 and not request.beside:
            stages.append(number)
    return stages[:STAGES]


def _shape(url: str) -> tuple[str, ...]:
    """What the addresses of a batch have in common, `/teams/7/members/ada` as `("teams", "*", "members", "*")`: no id, and no last part."""
    *folders, _ = urlsplit(url).path.strip("/").split("/")
    return (*("*" if any(map(str.isdigit, part)) else part for part in folders), "*")


def _speaks_no_http(normal_call: NormalCall) -> bool:
    """It may have asked nobody yet, or somebody whose protocol is not known: then it may well speak HTTP."""
    requests = [request for run in normal_call.runs for request in run.requests]
    return bool(requests) and not any(request.is_http for request in requests)


def _hopeless(runs: list[Run]) -> bool:
    """Ten real seconds for each further fault would teach nothing. What was refused ended its run at once."""
    return any(run.ending is not None and run.ending.kind in ("spin", "blind") and not run.refused for run in runs)
