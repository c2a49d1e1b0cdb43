"""The nouns of the house, frozen and with nothing behind them but the standard library."""

from pytest_agentready.domain import secrets
from pytest_agentready.domain.abuse import Abuse, Breach, Code, Command, Touch, Traces
from pytest_agentready.domain.answer import ADDRESS, Answer, read_answer
from pytest_agentready.domain.check import PROFILES, Check, Example, Judgement, Profile
from pytest_agentready.domain.conduct import Cancellation, CancelledCalls, Held, HeldKind, LogIn, RepeatedCalls, Series
from pytest_agentready.domain.effect import Effect, EffectKind
from pytest_agentready.domain.effects import counted, effects_of
from pytest_agentready.domain.hostility import Harm, HostileArguments, HostileCall, harm_of, identities
from pytest_agentready.domain.interface import Interface, Parameter
from pytest_agentready.domain.masking import Secret, mask, mask_all
from pytest_agentready.domain.matrix import FaultMatrix, NormalCall, mishaps
from pytest_agentready.domain.model import (
    Message,
    ModelAnswer,
    ModelCall,
    ModelFailure,
    ModelRequest,
    OfferedTool,
    OutOfScript,
    Respond,
    ToolCall,
    Usage,
)
from pytest_agentready.domain.observation import Attempt, Ending, Expected, Family, Fault, Raised, Request, Run, Sleep, Wait
from pytest_agentready.domain.prices import Cost, Price, read_prices
from pytest_agentready.domain.repetition import Repetition, is_storm, keeps_asking, repetitions, unended
from pytest_agentready.domain.result import PROPERTY, Assessment, Result, Subject
from pytest_agentready.domain.subject import TIME_LIMITS, Facts, Kind, Tool, read
from pytest_agentready.domain.tokens import exceed, tokens
from pytest_agentready.domain.verdict import Finding, NotApplicable, Outcome, Severity, Unjudgeable, Unproven, Verdict
from pytest_agentready.domain.waiver import Waiver, read_waiver, waiver_of
from pytest_agentready.domain.wording import did_you_mean, listed, nearest, shortened, some_of

__all__ = [
    "ADDRESS",
    "PROFILES",
    "PROPERTY",
    "TIME_LIMITS",
    "Abuse",
    "Answer",
    "Assessment",
    "Attempt",
    "Breach",
    "Cancellation",
    "CancelledCalls",
    "Check",
    "Code",
    "Command",
    "Cost",
    "Effect",
    "EffectKind",
    "Ending",
    "Example",
    "Expected",
    "Facts",
    "Family",
    "Fault",
    "FaultMatrix",
    "Finding",
    "Harm",
    "Held",
    "HeldKind",
    "HostileArguments",
    "HostileCall",
    "Interface",
    "Judgement",
    "Kind",
    "LogIn",
    "Message",
    "ModelAnswer",
    "ModelCall",
    "ModelFailure",
    "ModelRequest",
    "NormalCall",
    "NotApplicable",
    "OfferedTool",
    "OutOfScript",
    "Outcome",
    "Parameter",
    "Price",
    "Profile",
    "Raised",
    "RepeatedCalls",
    "Repetition",
    "Request",
    "Respond",
    "Result",
    "Run",
    "Secret",
    "Series",
    "Severity",
    "Sleep",
    "Subject",
    "Tool",
    "ToolCall",
    "Touch",
    "Traces",
    "Unjudgeable",
    "Unproven",
    "Usage",
    "Verdict",
    "Wait",
    "Waiver",
    "counted",
    "did_you_mean",
    "effects_of",
    "exceed",
    "harm_of",
    "identities",
    "is_storm",
    "keeps_asking",
    "listed",
    "mask",
    "mask_all",
    "mishaps",
    "nearest",
    "read",
    "read_answer",
    "read_prices",
    "read_waiver",
    "repetitions",
    "secrets",
    "shortened",
    "some_of",
    "tokens",
    "unended",
    "waiver_of",
]
