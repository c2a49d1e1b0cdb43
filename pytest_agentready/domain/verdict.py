"""What a check says: findings, and the verdict that they add up to."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_agentready.domain.conversation import Conversation
from pytest_agentready.domain.observation import Run


class Severity(enum.Enum):
    """How bad a finding is, as a promise about when it has to be mended."""

    HIGH = "high"  # before anybody else uses the agent
    MEDIUM = "medium"  # before production
    LOW = "low"  # nice to have

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting puts it first."""
        return list(Severity).index(self)

    def at_least(self, other: Severity) -> bool:
        return self.rank <= other.rank


class Outcome(enum.Enum):
    """The outcome of one check on one subject."""

    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"  # not exercised: the reason says what is missing
    NOT_APPLICABLE = "not_applicable"  # proved irrelevant: the reason says why
    WAIVED = "waived"
    ERROR = "error"  # our own harness failed; never a finding


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: what happened, with the measured number, and the user's own file and line."""

    message: str
    where: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)
    fix: str = ""  # where the check's own would not help; "" for the check's own
    seen: Run | Conversation | None = None  # what shows it: the engine makes the trace of it
    trace: str = ""  # what happened as a tree, in lines of text


@dataclass(frozen=True, slots=True)
class Unproven:
    """A check yields this where it could not exercise its subject, with what is missing."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A check yields this where it is proved not to matter, with the proof."""

    reason: str


class Unjudgeable(Exception):
    """What the user arranged for the examination does not work: an error of the test, and no word about the subject.

    `details` are told once for each subject, by the first check that meets them.
    """

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(f"{reason}: {details}" if details else reason)
        self.reason = reason
        self.details = details


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check on one subject, with its findings or the reason why there are none."""

    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0  # real time
