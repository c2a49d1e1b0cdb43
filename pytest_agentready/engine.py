"""examine(tool, check) -> Verdict: runs the experiments that a check asks for, once per subject, and lets it judge."""

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
from typing import Any, NamedTuple

from pytest_agentready.domain import (
    Check,
    Finding,
    Judgement,
    NotApplicable,
    Outcome,
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
from pytest_agentready.registry import Registry, Unloadable
from pytest_agentready.world.allowed import Hosts, permitted
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.granted import NOTHING, Grant, granted
from pytest_agentready.world.leftovers import collected, dropped


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
        self._seen: dict[tuple[Tool, str], Any] = {}  # an observation, or _Failed
        self._memories: dict[Tool, ExitStack] = {}  # what the user's modules held before the first observation
        self._told: dict[Tool, Check] = {}  # which check has told why nothing can be judged
        self._shown: deque[tuple[object, tuple[Secret, ...]]] = deque(maxlen=5)  # an observation, and the credentials in it

    def examine(self, tool: Tool, check: Check) -> Verdict:
        """The verdict of one check on one tool; a failure of our own is the outcome `error`, never a finding."""
        start = time.perf_counter()
        try:
            if not self._concerns(check, tool):
                return Verdict(Outcome.NOT_APPLICABLE, reason="it is not async")
            verdict = self.judge(check, {name: self._observe(tool, name) for name in check.needs})
        except Unjudgeable as arrangement:
            verdict = self._masked(Verdict(Outcome.ERROR, reason=self._once(tool, check, arrangement)))
        except Unloadable as missing:
            verdict = self._masked(Verdict(Outcome.ERROR, reason=str(missing)))
        except (Exception, Signal) as failure:
            verdict = self._masked(Verdict(Outcome.ERROR, reason="".join(traceback.format_exception(failure))))
        return replace(verdict, seconds=time.perf_counter() - start)

    def _once(self, tool: Tool, check: Check, arrangement: Unjudgeable) -> str:
        """The first check tells it all; those that meet the same have only to say where."""
        first = self._told.setdefault(tool, check)
        return (
            self._from_root(without_session(str(arrangement), self.grant().own))
            if first is check
            else f"{arrangement.reason}, see {first.label}"
        )

    def _concerns(self, check: Check, tool: Tool) -> bool:
        """A decorator may hide a coroutine, or look as if it did: the normal call has the last word."""
        if not check.async_only:
            return True
        turned_out: bool | None = self._observe(tool, "normal_call").is_async
        return check.concerns(tool) if turned_out is None else turned_out

    def judge(self, check: Check, observations: Mapping[str, Any]) -> Verdict:
        """The check's word on these observations, by the names under which it asks for them. Raises what the judge raises."""
        assert check.judge is not None
        if check.about_peers and observations["normal_call"].self_contained:
            return Verdict(Outcome.NOT_APPLICABLE, reason="it asks nothing outside of the process")
        return self._masked(self._add_up(check.judge(**{name: observations[name] for name in check.needs})), observations)

    def _observe(self, tool: Tool, name: str) -> Any:
        """The observation of this name; an experiment may itself ask for others, by its parameters."""
        if name == "tool":
            return tool
        if name == "faults":
            return self.registry.faults
        key = (tool, name)
        if key not in self._seen:
            experiment = self.registry.experiment(name)
            self._keep_memory(tool)
            try:
                needs = {need: self._observe(tool, need) for need in inspect.signature(experiment).parameters}
                with collected(tool, name), permitted(self.allow_hosts), granted(self.grant().of_an_examination()):
                    self._seen[key] = experiment(**needs)
            except Exception as failure:  # remembered: the next check would only meet it again
                self._seen[key] = _Failed(failure, failure.__traceback__)
        seen = self._seen[key]
        if isinstance(seen, _Failed):
            raise seen.failure.with_traceback(seen.traceback)  # without what each time that it was raised has added
        return seen

    def _keep_memory(self, tool: Tool) -> None:
        """A tool may remember from call to call; what ours have left in its modules is not for the user's next test to find."""
        if tool not in self._memories:
            from pytest_agentready.experiments.calling import memory_of

            self._memories[tool] = ExitStack()
            self._memories[tool].enter_context(memory_of(tool).restored())

    def forget(self, tool: Tool) -> None:
        """Its last check has been judged: what was observed of it may go, and its modules hold again what they held before."""
        if (memory := self._memories.pop(tool, None)) is not None:
            with dropped():
                memory.close()
        self._told.pop(tool, None)
        for key in [key for key in self._seen if key[0] is tool]:
            del self._seen[key]
        self._shown.clear()

    def close(self) -> None:
        """The session is over, also for tools that were not judged to the end."""
        for tool in tuple(self._memories):
            self.forget(tool)

    def _add_up(self, judgements: Iterable[Judgement]) -> Verdict:
        findings: list[Finding] = []
        unproven: list[str] = []
        irrelevant: list[str] = []
        own = self.grant().own
        for judgement in judgements:
            match judgement:
                case Finding(message=message, where=where, evidence=evidence):
                    message, evidence = (without_session(each, own) for each in (message, evidence))
                    findings.append(replace(judgement, message=message, where=self.relative(where), evidence=evidence))
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
        seen = (seen for name, seen in observations.items() if name not in ("tool", "faults"))
        known = secrets.seen(seen, os.environ, self._secrets_shown_by)
        findings = (replace(each, message=mask(each.message, known), evidence=mask_all(each.evidence, known)) for each in verdict.findings)
        return replace(verdict, reason=mask(verdict.reason, known), findings=tuple(findings))

    def _secrets_shown_by(self, observed: object) -> tuple[Secret, ...]:
        """Remembered for the last few observations: they are the same for many checks, and have hundreds of requests."""
        for known, shown in self._shown:
            if known is observed:
                return shown
        shown = secrets.shown_by(observed)
        self._shown.append((observed, shown))
        return shown
