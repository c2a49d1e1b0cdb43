"""What nobody is to read who may read the telemetry: credentials within the reach of a subject, and what it is told of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain import secrets
from pytest_agentready.domain.conversation import Conversation
from pytest_agentready.domain.masking import SHORTEST, Secret
from pytest_agentready.domain.model import ModelAnswer
from pytest_agentready.domain.observation import Request, Run
from pytest_agentready.domain.personal import in_arguments, named


@dataclass(frozen=True, slots=True)
class Confidences:
    """A loop that is told something about its user, in good health and with a tool that fails."""

    conversations: tuple[Conversation, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(turn.run for conversation in self.conversations for turn in conversation.turns)


def credentials(runs: Iterable[Run], held: Iterable[Secret]) -> tuple[Secret, ...]:
    """What the peers of these runs saw as such, what the environment `held`, and what was given as an argument by such a name."""
    runs = tuple(runs)
    requests: dict[Request, None] = dict.fromkeys(request for run in runs for request in run.requests)
    used = dict.fromkeys(secret for run in runs for secret in run.credentials)
    given = [run.arguments for run in runs]
    entrusted = [
        Secret(text, f"the argument {name}")
        for arguments in given
        for name, text in named(arguments)
        if len(text) >= SHORTEST and secrets.is_telling(name)
    ]
    others = secrets.unknown_to_the_caller((*held, *secrets.sent(requests), *used), given)
    return secrets.distinct((*others, *entrusted))


def personal_data(runs: Iterable[Run]) -> tuple[Secret, ...]:
    """What the caller, or the model, has given as arguments."""
    return in_arguments(arguments for run in runs for arguments in (run.arguments, *_of_the_model(run)))


def _of_the_model(run: Run) -> Iterator[Mapping[str, Any]]:
    """With which the model wanted tools called."""
    for call in run.model_calls:
        for wanted in call.answer.calls if isinstance(call.answer, ModelAnswer) else ():
            try:
                arguments = wanted.parsed()
            except ValueError:
                continue
            if isinstance(arguments, Mapping):
                yield arguments
