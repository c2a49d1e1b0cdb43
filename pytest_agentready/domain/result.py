"""What a run leaves behind: one result per item, and the assessment that they add up to.

A result crosses processes (xdist) and files (junitxml) as one JSON text under the user property `agentready`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

from pytest_agentready.domain.answer import ADDRESS
from pytest_agentready.domain.check import Check, Profile
from pytest_agentready.domain.verdict import Finding, Outcome, Severity, Verdict
from pytest_agentready.domain.waiver import Waiver, waiver_of
from pytest_agentready.domain.wording import nearest

PROPERTY = "agentready"
JUDGED = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.NOT_APPLICABLE, Outcome.WAIVED})

# A tool's output may hold anything: escape sequences that repaint a terminal, and halves of surrogate pairs, which
# neither a UTF-8 file nor xdist's wire can carry.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Who was examined, as the reports name it."""

    name: str
    source: str = ""  # relative to the project's root: "shop/tools.py:12"
    kind: str = "tool"
    framework: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one item."""

    check: str
    slug: str
    severity: Severity
    fix: str
    subject: Subject
    node: str
    outcome: Outcome = Outcome.ERROR
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    pending: bool = True  # the test has not called readiness_check() yet
    static: bool = False  # of a check that has not run its subject

    @classmethod
    def expected(cls, check: Check, subject: Subject, node: str) -> Result:
        """What an item carries until its verdict is known."""
        return cls(check.id, check.slug, check.severity, check.fix, subject, node, static=check.static)

    @classmethod
    def misuse(cls, name: str, subject: Subject, node: str) -> Result:
        """What an item carries that no check can judge, because its mark or its test is unusable."""
        return cls(name, name, Severity.HIGH, "", subject, node)

    @property
    def is_misuse(self) -> bool:
        return self.check == self.slug

    @property
    def label(self) -> str:
        return self.check if self.is_misuse else f"{self.check}-{self.slug}"

    def judged(self, verdict: Verdict) -> Result:
        findings = tuple(
            Finding(
                clean(finding.message),
                clean(finding.where),
                {str(k): plain(v) for k, v in finding.evidence.items()},
                clean(finding.fix),
                trace=clean(finding.trace),
            )
            for finding in verdict.findings
        )
        return replace(
            self,
            outcome=verdict.outcome,
            reason=clean(verdict.reason),
            findings=findings,
            seconds=round(verdict.seconds, 4),
            pending=False,
        )

    def waived(self, waiver: Waiver, today: date, unproven_fails: bool) -> Result:
        """With what a waiver makes of it: what would fail is accepted while the waiver holds, and is not when it has expired."""
        if self.outcome is Outcome.FAILED or (self.outcome is Outcome.UNPROVEN and unproven_fails):
            if waiver.has_expired(today):
                expired = f"its waiver expired on {waiver.until} ({waiver.reason})"
                return replace(self, reason=clean(f"{self.reason}; {expired}" if self.reason else expired))
            return replace(self, outcome=Outcome.WAIVED, reason=clean(waiver.reason))
        if self.outcome is Outcome.PASSED and not waiver.is_pattern:
            return replace(self, reason=unneeded(waiver))
        return self

    def abandoned(self, outcome: Outcome, reason: str) -> Result:
        """The item ended without a verdict."""
        return replace(self, outcome=outcome, reason=clean(reason), findings=(), pending=False)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"severity": self.severity.value, "outcome": self.outcome.value})

    @classmethod
    def from_json(cls, text: str) -> Result:
        data: dict[str, Any] = json.loads(text)
        data["severity"] = Severity(data["severity"])
        data["outcome"] = Outcome(data["outcome"])
        data["subject"] = Subject(**data["subject"])
        data["findings"] = tuple(Finding(**finding) for finding in data["findings"])
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that a report is made of."""

    results: tuple[Result, ...]
    version: str
    profile: Profile = "standard"
    fail_on: Severity = Severity.MEDIUM
    unproven_fails: bool = False
    gaps: tuple[str, ...] = ()  # why the run did not see everything that it was asked to see
    deselected: int = 0  # items that were not to be run
    selected: bool = False  # were checks picked out, by -k or their ids? Then nobody asked for a word on all that a tool stands
    waivers: tuple[Waiver, ...] = ()
    today: date = field(default_factory=date.today)
    notes: tuple[str, ...] = ()  # what blocks nothing, and should be known
    by_hand: tuple[Result, ...] = ()  # of calls that hand-written tests made: what was found counts, that nothing was found proves little
    whole: bool = False  # was everything to be run that is configured? Only then can a waiver be called superfluous

    def __post_init__(self) -> None:
        found = [result for result in self.by_hand if result.outcome in (Outcome.FAILED, Outcome.WAIVED)]
        ordered = sorted([*self.results, *found], key=lambda result: (result.subject.name, result.check, result.node))
        object.__setattr__(self, "results", tuple(ordered))

    @property
    def counts(self) -> Mapping[str, int]:
        found = Counter(result.outcome for result in self.results)
        return {outcome.value: found[outcome] for outcome in Outcome}

    @property
    def subjects(self) -> tuple[Subject, ...]:
        return tuple(sorted({result.subject for result in self.results}))

    def having(self, outcome: Outcome) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.outcome is outcome)

    def blocks(self, result: Result) -> bool:
        """Does this result alone forbid READY?"""
        match result.outcome:
            case Outcome.FAILED:
                return result.severity.at_least(self.fail_on) or self.waiver_of(result) is not None
            case Outcome.UNPROVEN:
                return self.unproven_fails
            case outcome:
                return outcome is Outcome.ERROR

    def waiver_of(self, result: Result) -> Waiver | None:
        return waiver_of(self.waivers, result.check, result.subject.name)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why not ready, beyond the results that block by themselves."""
        found = [*self.gaps]
        if not self.selected:
            found += [f"{subject.name} was judged by no check" for subject in self.unjudged]
            if not found and not self.any_passed and not any(self.blocks(result) for result in self.results):
                found.append("no check passed")
        return (*found, *self._idle_waivers())

    @property
    def unjudged(self) -> tuple[Subject, ...]:
        """Those whom no check has run with a verdict: that a description reads well tells nothing of what a tool does."""
        judged = {r.subject for r in self.results if (r.outcome in JUDGED and not r.static) or self.blocks(r)}
        return tuple(subject for subject in self.subjects if subject not in judged)

    @property
    def any_passed(self) -> bool:
        return any(not result.static for result in self.having(Outcome.PASSED))

    def _idle_waivers(self) -> Iterator[str]:
        """A waiver that waives nothing would one day waive what nobody has looked at."""
        names = sorted({result.subject.name for result in (*self.results, *self.by_hand)})
        for waiver in self.waivers:
            covered = {result.outcome for result in self.results if waiver.covers(result.check, result.subject.name)}
            if (Outcome.PASSED in covered and not waiver.is_pattern) or (self.whole and covered == {Outcome.PASSED}):
                yield unneeded(waiver)
            elif self.whole and not any(waiver.names(name) for name in names):
                meant = f" Did you mean {near!r}?" if (near := nearest(waiver.subject, names)) else ""
                yield f"the waiver `{waiver}` names no tool that was examined.{meant} Mend it, or remove it from agentready_waive."

    @property
    def ready(self) -> bool:
        """Every subject was judged, at least one check passed, and nothing blocks. Unproven checks do not block."""
        return self.any_passed and not self.unjudged and not self.is_blocked

    @property
    def is_blocked(self) -> bool:
        """Is something wrong? A selection of checks that judge nothing is neither ready nor blocked."""
        return bool(self.doubts) or any(self.blocks(result) for result in self.results)


def unneeded(waiver: Waiver) -> str:
    return f"the waiver `{waiver}` is not needed any more: the check passes. Remove it from agentready_waive."


def clean(text: str) -> str:
    """Text that every terminal, file and wire takes; what they would not take is spelt out."""
    return UNPRINTABLE.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def plain(value: object) -> object:
    """A piece of evidence as JSON can hold it, the same in every run."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if value - value == 0 else str(value)  # JSON has no nan and no inf
        case str():
            return clean(value)
        case bytes():
            return clean(value.decode("utf-8", "backslashreplace"))
        case Mapping():
            return {clean(str(key)): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=repr)
        case _:
            return clean(ADDRESS.sub("", repr(value)))
