"""The nouns of the house, frozen and with nothing behind them but the standard library."""

from pytest_agentready.domain import secrets
from pytest_agentready.domain.answer import ADDRESS, Answer, read_answer
from pytest_agentready.domain.check import PROFILES, Check, Example, Judgement, Profile
from pytest_agentready.domain.conduct import Cancellation, CancelledCalls, Held, HeldKind, RepeatedCalls, Series
from pytest_agentready.domain.duplicates import Duplicate, counts, duplicates, kind_of, looked_first, made, nothing_written
from pytest_agentready.domain.effect import Effect, EffectKind
from pytest_agentready.domain.effects import counted, effects_of
from pytest_agentready.domain.hostility import Harm, HostileArguments, HostileCall, harm_of, identities
from pytest_agentready.domain.idempotency import ends_a_transaction, leaves_as_it_was
from pytest_agentready.domain.interface import Interface, Parameter
from pytest_agentready.domain.mixing import Mixture, mixtures
from pytest_agentready.domain.observation import (
    Attempt,
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
from pytest_agentready.domain.repeats import (
    InterleavedCalls,
    Loss,
    LostResponse,
    Meeting,
    Party,
    Repeat,
    RepeatedCall,
    Shuffle,
    ShuffledWorld,
)
from pytest_agentready.domain.repetition import Repetition, is_storm, keeps_asking, repetitions, unended
from pytest_agentready.domain.result import PROPERTY, Assessment, Result, Subject
from pytest_agentready.domain.secrets import Secret
from pytest_agentready.domain.structure import Difference, differences, is_fresh, masked, structure_of
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
    "Answer",
    "Assessment",
    "Attempt",
    "Cancellation",
    "CancelledCalls",
    "Check",
    "Difference",
    "Duplicate",
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
    "InterleavedCalls",
    "Judgement",
    "Kind",
    "Loss",
    "LostResponse",
    "Meeting",
    "Mixture",
    "NormalCall",
    "NotApplicable",
    "Outcome",
    "Parameter",
    "Party",
    "Profile",
    "Raised",
    "Repeat",
    "RepeatedCall",
    "RepeatedCalls",
    "Repetition",
    "Request",
    "Result",
    "Run",
    "Secret",
    "Series",
    "Severity",
    "Shuffle",
    "ShuffledWorld",
    "Sleep",
    "Subject",
    "Tool",
    "Unjudgeable",
    "Unproven",
    "Verdict",
    "Wait",
    "Waiver",
    "counted",
    "counts",
    "did_you_mean",
    "differences",
    "duplicates",
    "effects_of",
    "ends_a_transaction",
    "exceed",
    "harm_of",
    "identities",
    "is_fresh",
    "is_storm",
    "keeps_asking",
    "kind_of",
    "leaves_as_it_was",
    "listed",
    "looked_first",
    "made",
    "masked",
    "mishaps",
    "mixtures",
    "nearest",
    "nothing_written",
    "read",
    "read_answer",
    "read_waiver",
    "repetitions",
    "secrets",
    "shortened",
    "some_of",
    "structure_of",
    "tokens",
    "unended",
    "waiver_of",
]
