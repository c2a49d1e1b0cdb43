"""The nouns of the house, frozen and with nothing behind them but the standard library."""

from pytest_agentready.domain.answer import Answer, read_answer
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
)
from pytest_agentready.domain.subject import TIME_LIMITS, Facts, Kind, Tool
from pytest_agentready.domain.verdict import Finding, NotApplicable, Outcome, Severity, Unproven, Verdict

__all__ = [
    "PROFILES",
    "TIME_LIMITS",
    "Answer",
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
    "Run",
    "Severity",
    "Sleep",
    "Tool",
    "Unproven",
    "Verdict",
    "Wait",
    "read_answer",
]
