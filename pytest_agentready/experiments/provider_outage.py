"""The provider of the model fails: once, and then answers; and for ever. Of a loop that streams, all of its streams break off, too."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_agentready.domain import Loop, ModelAnswer, ModelFailure, ModelRequest, NormalConversation, ProviderOutage, ProviderTrial
from pytest_agentready.experiments.conversing import Player, converse, limits_of
from pytest_agentready.experiments.normal_conversation import ANSWER
from pytest_agentready.experiments.realistic import fitted
from pytest_agentready.script import say
from pytest_agentready.world.stdio import muted

FAILURES = (
    ModelFailure("rate_limit", 429, retry_after=20),  # seconds; the providers' clients wait for as long as a minute
    ModelFailure("server_error", 500),
    ModelFailure("overloaded", 529),
    ModelFailure("timeout"),
)
MANY = 60  # requests, after which a loop does not stop asking: three of an SDK's, in each of twenty attempts
HEARD = 3  # deltas of a text, behind which its stream breaks off


def run(loop: Loop, normal_conversation: NormalConversation) -> ProviderOutage:
    trials: list[ProviderTrial] = []
    limits = replace(limits_of(loop), model_calls=MANY)
    with muted():
        for failure in FAILURES:
            if not _goes_on(trials):
                trials.append(ProviderTrial(failure, True, converse(loop, _Failing(failure), limits=limits)))
            trials.append(ProviderTrial(failure, False, converse(loop, _Recovering(failure), limits=limits)))
        for in_silence in (False, True) if normal_conversation.streamed else ():
            if not _goes_on(trials):
                trials.append(ProviderTrial(None, True, converse(loop, _BreakingOff(in_silence), limits=limits), in_silence))
    return ProviderOutage(tuple(trials))


def _goes_on(trials: list[ProviderTrial]) -> bool:
    """Has it been seen already that the loop does not come to an end?"""
    return any(trial.conversation.ending is not None and trial.conversation.ending.kind != "stuck" for trial in trials)


@dataclass(frozen=True)
class _Failing:
    """A provider that fails for ever."""

    failure: ModelFailure

    def __call__(self, _: ModelRequest) -> ModelFailure:
        return self.failure


@dataclass(frozen=True)
class _BreakingOff:
    """A provider whose every stream breaks off behind the first words of a text. What is not streamed is answered in full."""

    in_silence: bool

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        made = fitted(request, say(ANSWER).answer(request, 0))
        if isinstance(made, ModelFailure) or made.calls or not request.stream:
            return made
        return replace(made, breaks_after=HEARD, in_silence=self.in_silence)


class _Recovering:
    """A provider that fails once."""

    def __init__(self, failure: ModelFailure) -> None:
        self._failure: ModelFailure | None = failure
        self._player = Player(say(ANSWER))

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        failure, self._failure = self._failure, None
        return failure or self._player(request)
