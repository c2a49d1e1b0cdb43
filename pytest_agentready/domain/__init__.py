"""The nouns of the house, frozen and with nothing behind them but the standard library."""

from pytest_agentready.domain.answer import ADDRESS, Answer, read_answer
from pytest_agentready.domain.check import PROFILES, Check, Example, Judgement, Profile
from pytest_agentready.domain.observation import (
    Ending,
    Expected,
    Family,
    Fault,
    FaultMatrix,
    NormalCall,
    Raised,
    Request,
    Run,
    Sleep,
    Wait,
    mishaps,
)
from pytest_agentready.domain.result import PROPERTY, Assessment, Result, Subject
from pytest_agentready.domain.subject import TIME_LIMITS, Facts, Kind, Tool, read
from pytest_agentready.domain.verdict import Finding, NotApplicable, Outcome, Severity, Unjudgeable, Unproven, Verdict
from pytest_agentready.domain.waiver import Waiver, read_waiver, waiver_of

__all__ = [
    "ADDRESS",
    "PROFILES",
    "PROPERTY",
    "TIME_LIMITS",
    "Answer",
    "Assessment",
    "Check",
    "Ending",
    "Example",
    "Expected",
    "Facts",
    "Family",
    "Fault",
    "FaultMatrix",
    "Finding",
    "Judgement",
    "Kind",
    "NormalCall",
    "NotApplicable",
    "Outcome",
    "Profile",
    "Raised",
    "Request",
    "Result",
    "Run",
    "Severity",
    "Sleep",
    "Subject",
    "Tool",
    "Unjudgeable",
    "Unproven",
    "Verdict",
    "Wait",
    "Waiver",
    "mishaps",
    "read",
    "read_answer",
    "read_waiver",
    "waiver_of",
]
