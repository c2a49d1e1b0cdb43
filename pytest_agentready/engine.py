"""examine(tool, check) -> Verdict: runs the experiments that a check asks for, once per subject, and lets it judge."""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_agentready.domain import Check, Finding, Judgement, NotApplicable, Outcome, Tool, Unjudgeable, Unproven, Verdict
from pytest_agentready.registry import Registry, Unloadable
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.leftovers import collected


class Engine:
    """Knows no pytest. `root` is the directory against which the user's files are named."""

    def __init__(self, registry: Registry, root: Path) -> None:
        self.registry = registry
        self.root = root
        self._seen: dict[tuple[Tool, str], Any] = {}  # an observation, or the exception that our own harness raised

    def examine(self, tool: Tool, check: Check) -> Verdict:
        """The verdict of one check on one tool; a failure of our own is the outcome `error`, never a finding."""
        start = time.perf_counter()
        try:
            assert check.judge is not None
            observations = {name: self._observe(tool, name) for name in check.needs}
            verdict = self._add_up(check.judge(**observations))
        except (Unjudgeable, Unloadable) as arrangement:
            verdict = Verdict(Outcome.ERROR, reason=str(arrangement))
        except (Exception, Signal) as failure:
            verdict = Verdict(Outcome.ERROR, reason="".join(traceback.format_exception(failure)))
        return replace(verdict, seconds=time.perf_counter() - start)

    def _observe(self, tool: Tool, name: str) -> Any:
        """The observation of this name; an experiment may itself ask for others, by its parameters."""
        if name == "tool":
            return tool
        if name == "faults":
            return self.registry.faults
        key = (tool, name)
        if key not in self._seen:
            experiment = self.registry.experiment(name)
            try:
                needs = {need: self._observe(tool, need) for need in inspect.signature(experiment).parameters}
                with collected(tool):
                    self._seen[key] = experiment(**needs)
            except Exception as failure:  # remembered: the next check would only meet it again
                self._seen[key] = failure
        seen = self._seen[key]
        if isinstance(seen, Exception):
            raise seen
        return seen

    def _add_up(self, judgements: Iterable[Judgement]) -> Verdict:
        findings: list[Finding] = []
        unproven: list[str] = []
        irrelevant: list[str] = []
        for judgement in judgements:
            match judgement:
                case Finding():
                    findings.append(replace(judgement, where=self.relative(judgement.where)))
                case Unproven(reason):
                    unproven.append(reason)
                case NotApplicable(reason):
                    irrelevant.append(reason)
        if findings:
            return Verdict(Outcome.FAILED, findings=tuple(findings))
        if unproven:
            return Verdict(Outcome.UNPROVEN, reason="; ".join(dict.fromkeys(unproven)))
        if irrelevant:
            return Verdict(Outcome.NOT_APPLICABLE, reason="; ".join(dict.fromkeys(irrelevant)))
        return Verdict(Outcome.PASSED)

    def relative(self, where: str) -> str:
        """`/home/ada/shop/tools.py:12` as the user knows it: `shop/tools.py:12`."""
        path, colon, line = where.rpartition(":")
        try:
            return f"{Path(path).relative_to(self.root).as_posix()}{colon}{line}"
        except ValueError:
            return where
