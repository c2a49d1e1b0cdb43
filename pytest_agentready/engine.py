"""examine(subject, check) -> Verdict: runs the experiments that a check asks for, once per subject, and lets it judge."""

from __future__ import annotations

import inspect
import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_agentready.domain import (
    AnySubject,
    Check,
    Finding,
    Judgement,
    Loop,
    NotApplicable,
    Outcome,
    Price,
    Secret,
    Tool,
    Unjudgeable,
    Unproven,
    Verdict,
    mask,
    mask_all,
    secrets,
)
from pytest_agentready.domain.tmp_path import without_session
from pytest_agentready.prices import dollars_of
from pytest_agentready.registry import Registry, Unloadable
from pytest_agentready.telemetry import tree
from pytest_agentready.telemetry.overhearing import Overheard, listening
from pytest_agentready.world import BackendFailed
from pytest_agentready.world.allowed import Hosts, permitted
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.granted import NOTHING, Grant, granted
from pytest_agentready.world.leftovers import collected, dropped

if TYPE_CHECKING:
    from pytest_agentready.experiments.memory import Memory

NARROW = (
    "its backend= works for the usual calls, and does not answer others ({failure}): let it answer other arguments as well, such as with "
    "Response(status=404)"
)
# The experiments that are another one for each kind of subject, by the name under which a check of several kinds asks for them.
BY_KIND = {
    "warm_up": {"tool": "normal_call", "loop": "normal_conversation", "breaker": "normal_charge"},  # it shows the subject in good health
    "ordinary": {"tool": "ordinary_calls", "loop": "ordinary_conversations"},
    "failed": {"tool": "failed_calls", "loop": "failed_conversations"},
    "in_trouble": {"tool": "fault_matrix", "loop": "confidences"},
}


class _Failed(NamedTuple):
    """An exception that our own harness raised in the place of an observation."""

    failure: Exception
    traceback: TracebackType | None


class Engine:
    """Knows no pytest. `root` is the directory against which the user's files are named."""

    def __init__(self, registry: Registry, root: Path, allow_hosts: Hosts = (), grant: Callable[[], Grant] = lambda: NOTHING) -> None:
        """`grant` says what a run may do to this machine, as of now."""
        self.registry = registry
        self.root = root
        self.allow_hosts = allow_hosts
        self.grant = grant
        self.overheard = Overheard()
        self._seen: dict[tuple[AnySubject, str], Any] = {}  # an observation, or _Failed
        self._memories: dict[AnySubject, tuple[Memory, ExitStack]] = {}  # what the user's modules held before the first observation
        self._told: dict[AnySubject, Check] = {}  # which check has told why nothing can be judged
        self._shown: deque[tuple[object, tuple[Secret, ...]]] = deque(maxlen=5)  # an observation, and the credentials in it

    def examine(self, subject: AnySubject, check: Check) -> Verdict:
        """The verdict of one check on one tool; a failure of our own is the outcome `error`, never a finding."""
        start = time.perf_counter()
        try:
            if not self._concerns(check, subject):
                return Verdict(Outcome.NOT_APPLICABLE, reason="it is not async")
            if not isinstance(subject, Tool) and (obstacle := self._observe(subject, "warm_up").obstacle):
                return self._masked(self._add_up([Unproven(obstacle)]))
            prices = subject.facts.prices if isinstance(subject, Loop) else {}
            verdict = self.judge(check, {name: self._observe(subject, name) for name in check.needs}, prices)
        except Unjudgeable as arrangement:
            verdict = self._masked(Verdict(Outcome.ERROR, reason=self._once(subject, check, arrangement)))
        except BackendFailed as failure:  # a loop's other calls are not those that the backend was made for
            verdict = self._masked(self._add_up([Unproven(NARROW.format(failure=failure))]))
        except Unloadable as missing:
            verdict = self._masked(Verdict(Outcome.ERROR, reason=str(missing)))
        except (Exception, Signal) as failure:
            verdict = self._masked(Verdict(Outcome.ERROR, reason="".join(traceback.format_exception(failure))))
        return replace(verdict, seconds=time.perf_counter() - start)

    def _once(self, subject: AnySubject, check: Check, arrangement: Unjudgeable) -> str:
        """The first check tells it all; those that meet the same have only to say where."""
        first = self._told.setdefault(subject, check)
        return (
            self._from_root(without_session(str(arrangement), self.grant().own))
            if first is check
            else f"{arrangement.reason}, see {first.label}"
        )

    def _concerns(self, check: Check, subject: AnySubject) -> bool:
        """A decorator may hide a coroutine, or look as if it did: the normal call has the last word."""
        if not check.async_only or not isinstance(subject, Tool):
            return True
        turned_out: bool | None = self._observe(subject, "normal_call").is_async
        return check.concerns(subject) if turned_out is None else turned_out

    def judge(self, check: Check, observations: Mapping[str, Any], prices: Mapping[str, Price] = MappingProxyType({})) -> Verdict:
        """The check's word on these observations, by the names under which it asks for them. Raises what the judge raises.

        `prices` are those of the marker, for the traces.
        """
        assert check.judge is not None
        if check.about_peers and observations["normal_call"].self_contained:
            return Verdict(Outcome.NOT_APPLICABLE, reason="it asks nothing outside of the process")
        return self._masked(self._add_up(check.judge(**{name: observations[name] for name in check.needs}), prices), observations)

    def _observe(self, subject: AnySubject, name: str) -> Any:
        """The observation of this name; an experiment may itself ask for others, by its parameters."""
        if name in (subject.kind, "subject"):
            return subject
        name = BY_KIND.get(name, {}).get(subject.kind, name)
        if name == "faults":
            return self.registry.faults
        key = (subject, name)
        if key not in self._seen:
            experiment = self.registry.experiment(name)
            self._keep_memory(subject)
            try:
                needs = {need: self._observe(subject, need) for need in inspect.signature(experiment).parameters}
                with (
                    collected(subject, name),
                    permitted(self.allow_hosts),
                    granted(self.grant().of_an_examination()),
                    listening(self.overheard),
                ):
                    self._seen[key] = experiment(**needs)
            except Exception as failure:  # remembered: the next check would only meet it again
                self._seen[key] = _Failed(failure, failure.__traceback__)
        seen = self._seen[key]
        if isinstance(seen, _Failed):
            raise seen.failure.with_traceback(seen.traceback)  # without what each time that it was raised has added
        return seen

    def _keep_memory(self, subject: AnySubject) -> None:
        """A tool may remember from call to call; what ours have left in its modules is not for the user's next test to find."""
        if subject not in self._memories:
            from pytest_agentready.experiments import calling, conversing

            memory = calling.memory_of(subject) if isinstance(subject, Tool) else conversing.memory_of(subject)
            self._memories[subject] = memory, (until_forgotten := ExitStack())
            until_forgotten.enter_context(memory.restored())

    def forget(self, subject: AnySubject) -> None:
        """Its last check has been judged: what was observed of it may go, and its modules hold again what they held before."""
        self._told.pop(subject, None)
        for key in [key for key in self._seen if key[0] is subject]:
            del self._seen[key]
        self._shown.clear()
        if kept := self._memories.pop(subject, None):
            memory, until_forgotten = kept
            with dropped(lambda: memory.lets_go):
                until_forgotten.close()

    def close(self) -> None:
        """The session is over, also for tools that were not judged to the end."""
        for subject in tuple(self._memories):
            self.forget(subject)

    def _add_up(self, judgements: Iterable[Judgement], prices: Mapping[str, Price] = MappingProxyType({})) -> Verdict:
        findings: list[Finding] = []
        unproven: list[str] = []
        irrelevant: list[str] = []
        own = self.grant().own
        for judgement in judgements:
            match judgement:
                case Finding(message=message, where=where, evidence=evidence):
                    message, evidence = (without_session(each, own) for each in (message, evidence))
                    where, trace = self.relative(where), without_session(_drawn(judgement, prices), own)
                    findings.append(replace(judgement, message=message, where=where, evidence=evidence, seen=None, trace=trace))
                case Unproven(reason):
                    unproven.append(self._from_root(without_session(reason, own)))
                case NotApplicable(reason):
                    irrelevant.append(without_session(reason, own))
        if findings:
            return Verdict(Outcome.FAILED, findings=tuple(findings))
        if unproven:
            return Verdict(Outcome.UNPROVEN, reason="; ".join(dict.fromkeys(unproven)))
        if irrelevant:
            return Verdict(Outcome.NOT_APPLICABLE, reason="; ".join(dict.fromkeys(irrelevant)))
        return Verdict(Outcome.PASSED)

    def _from_root(self, reason: str) -> str:
        return reason.replace(f"{self.root.as_posix()}/", "")

    def relative(self, where: str) -> str:
        """`/home/ada/shop/tools.py:12` as the user knows it: `shop/tools.py:12`."""
        path, colon, line = where.rpartition(":")
        try:
            return f"{Path(path).relative_to(self.root).as_posix()}{colon}{line}"
        except ValueError:
            return where

    def _masked(self, verdict: Verdict, observations: Mapping[str, Any] = MappingProxyType({})) -> Verdict:
        """A verdict goes into logs and reports that many can read: no credential that is known goes with it."""
        if not (verdict.reason or verdict.findings):
            return verdict
        seen = (seen for name, seen in observations.items() if name not in ("tool", "loop", "breaker", "subject", "faults"))
        known = secrets.seen(seen, os.environ, self._secrets_shown_by)
        findings = (
            replace(each, message=mask(each.message, known), evidence=mask_all(each.evidence, known), trace=mask(each.trace, known))
            for each in verdict.findings
        )
        return replace(verdict, reason=mask(verdict.reason, known), findings=tuple(findings))

    def _secrets_shown_by(self, observed: object) -> tuple[Secret, ...]:
        """Remembered for the last few observations: they are the same for many checks, and have hundreds of requests."""
        for known, shown in self._shown:
            if known is observed:
                return shown
        shown = secrets.shown_by(observed)
        self._shown.append((observed, shown))
        return shown


def _drawn(finding: Finding, prices: Mapping[str, Price]) -> str:
    """The trace of what shows the finding, with what its calls of models cost where that is known."""
    return "" if finding.seen is None else tree.drawn(finding.seen, lambda calls: dollars_of(calls, prices))
