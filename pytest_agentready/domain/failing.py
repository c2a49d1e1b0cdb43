"""What a loop did while its tools, or the provider of its model, failed: frozen records, with no opinion about them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from pytest_agentready.domain.conversation import Conversation, Turn
from pytest_agentready.domain.model import ModelAnswer, ModelCall, ModelFailure, OfferedTool
from pytest_agentready.domain.observation import Request
from pytest_agentready.domain.prices import Cost

# `"retry_safe": false`, also within a JSON text (`\\"retry_safe\\": false`), `retry_safe=False`, `retrySafe: false`.
NOT_RETRY_SAFE = re.compile(r"retry[_\- ]?safe\W{1,8}(?:false|no)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OutageStorm:
    """A model that wants a tool called in every answer, while the tool's backend never answers."""

    tool: str = ""  # "" where none is offered
    same: Conversation | None = None  # the same call each time; None: not tried
    other: Conversation | None = None  # another call each time; None: not tried, where `same` did not end either
    cost: Cost | None = None  # of the last of them
    obstacle: str = ""  # why it was not tried

    @property
    def conversations(self) -> tuple[tuple[str, Conversation], ...]:
        tried = (("the same call each time", self.same), ("another call each time", self.other))
        return tuple((how, conversation) for how, conversation in tried if conversation is not None)


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    """A tool whose backend refuses for good; the model calls it, and makes the same call again."""

    tool: OfferedTool
    status: int
    conversation: Conversation
    usual: int  # requests that one call makes in good health, of the one that it makes most often

    @property
    def told(self) -> str | None:
        """How the model was told that the call is not to be repeated; None where it was not, before it made the same call again."""
        wanted = 0
        for call in self.conversation.model_calls:
            texts = (message.text for message in call.request.news) if wanted == 1 else ()
            if (found := next(filter(None, map(NOT_RETRY_SAFE.search, texts)), None)) is not None:
                return found.group()
            wanted += isinstance(call.answer, ModelAnswer) and bool(call.answer.calls)
        return None

    @property
    def stopped(self) -> bool:
        """Did the loop come to its end with the first failure, so that no model could make the call again?"""
        turn = self.conversation.last
        last = turn.model_calls[-1].answer if turn.model_calls else None
        return turn.run.returned and isinstance(last, ModelAnswer) and bool(last.calls) and len(carried_out(turn)) == 1


@dataclass(frozen=True, slots=True)
class PermanentFailures:
    trials: tuple[PermanentFailure, ...] = ()
    obstacle: str = ""  # why there are none


@dataclass(frozen=True, slots=True, eq=False)
class ProviderTrial:
    """The provider fails, once or for ever. `failure` is None where its answers begin, and their streams break off."""

    failure: ModelFailure | None
    for_ever: bool
    conversation: Conversation
    in_silence: bool = False  # nothing more comes of a stream that breaks off; else its connection is closed

    @property
    def takes_time(self) -> bool:
        """Does whoever asks wait until it gives up, with each request?"""
        return self.in_silence if self.failure is None else self.failure.kind == "timeout"

    @property
    def retry_after(self) -> float:
        """Seconds; 0 where the provider does not say."""
        return (self.failure.retry_after or 0.0) if self.failure is not None else 0.0

    @property
    def mishap(self) -> str:
        """In words: `HTTP 429 with retry-after: 20`, `silence`."""
        if self.failure is None:
            return f"a stream that {'goes silent' if self.in_silence else 'breaks off'} in the middle of a text"
        status = f"HTTP {self.failure.status}" if self.failure.status else "silence"
        after = f" with retry-after: {self.failure.retry_after:g}" if self.failure.retry_after else ""
        return f"{status}{after}"


@dataclass(frozen=True, slots=True)
class ProviderOutage:
    """Each failure once and for ever; no further one for ever, after one in which the loop did not come to an end."""

    trials: tuple[ProviderTrial, ...] = ()


def carried_out(turn: Turn) -> list[tuple[Request, ...]]:
    """For each answer of a model that calls tools: what was asked of others than the models before the next such answer."""
    moments = [call.at for call in turn.model_calls if isinstance(call.answer, ModelAnswer) and call.answer.calls]
    ends = [*moments[1:], float("inf")]
    return [
        tuple(request for request in turn.backend_requests if begin <= request.at < end) for begin, end in zip(moments, ends, strict=True)
    ]


def repetitions_of(calls: Iterable[ModelCall]) -> dict[Hashable, list[float]]:
    """The pauses between calls of one model about the same."""
    moments: dict[Hashable, list[float]] = {}
    for call in calls:
        moments.setdefault(subject_of(call), []).append(call.at)
    return {about: [later - earlier for earlier, later in pairwise(found)] for about, found in moments.items()}


def subject_of(call: ModelCall) -> Hashable:
    """What a call is about: the same host and model, the same instructions, and the same question."""
    question = next((message.text for message in call.messages if message.role == "user"), "")
    return call.host, call.model, call.request.system, question


def copies_of(calls: Iterable[ModelCall]) -> dict[Hashable, int]:
    """How often the very same is asked about each subject: three answers to choose from are, and the steps of a conversation are not."""
    asked = Counter((subject_of(call), call.messages) for call in calls)
    most: dict[Hashable, int] = {}
    for (about, _), times in asked.items():
        most[about] = max(times, most.get(about, 0))
    return most
