"""What a loop did with a scripted model: frozen records, with no opinion about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain.model import Message, ModelAnswer, ModelCall, ModelRequest, OfferedTool, ToolCall
from pytest_agentready.domain.observation import Ending, Raised, Request, Run
from pytest_agentready.domain.prices import Cost


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of the loop: what the user said, and all that came of it."""

    text: str
    run: Run
    said: str | None  # what the user got to read; None: nothing came back that reads as a text
    printed: str = ""  # what went to standard output meanwhile
    asked_at_keyboard: str = ""  # the user's line that called input() before any model was called; "" for none
    user: str = ""
    session: str = ""
    asked_to_go_on: bool = False  # input() was called after a model was: somebody is to say whether to go on
    mute: bool = False  # nothing came back in which anybody could read a word: None, an empty text, an empty answer

    @property
    def model_calls(self) -> tuple[ModelCall, ...]:
        return self.run.model_calls

    @property
    def ending(self) -> Ending | None:
        """How it had to be ended; None where the loop came to an end of its own."""
        return self.run.ending

    @property
    def raised(self) -> Raised | None:
        return self.run.raised

    @property
    def heard(self) -> str:
        """All that reached the user: what was returned, and what was printed."""
        return "\n".join(filter(None, (self.said, self.printed)))

    @property
    def backend_requests(self) -> tuple[Request, ...]:
        """What was asked of others than the models."""
        return tuple(request for request in self.run.requests if not request.to_model)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One or several turns with one scripted model, in one world."""

    turns: tuple[Turn, ...]

    @property
    def model_calls(self) -> tuple[ModelCall, ...]:
        return tuple(call for turn in self.turns for call in turn.model_calls)

    @property
    def requests(self) -> tuple[ModelRequest, ...]:
        return tuple(call.request for call in self.model_calls)

    @property
    def last(self) -> Turn:
        return self.turns[-1]

    @property
    def ending(self) -> Ending | None:
        return next((turn.ending for turn in self.turns if turn.ending is not None), None)

    @property
    def raised(self) -> Raised | None:
        return next((turn.raised for turn in self.turns if turn.raised is not None), None)

    @property
    def heard(self) -> str:
        return "\n".join(filter(None, (turn.heard for turn in self.turns)))

    @property
    def backend_requests(self) -> tuple[Request, ...]:
        """What was asked of others than the models."""
        return tuple(request for turn in self.turns for request in turn.backend_requests)

    @property
    def offered(self) -> tuple[OfferedTool, ...]:
        """The tools that any of its requests offers and the loop carries out, each once."""
        return tuple({tool.name: tool for request in self.requests for tool in request.callable}.values())

    @property
    def wanted(self) -> Iterator[tuple[ModelCall, ToolCall]]:
        """The calls of tools that the model made, each with the answer that made it."""
        for call in self.model_calls:
            if isinstance(call.answer, ModelAnswer):
                yield from ((call, wanted) for wanted in call.answer.calls)

    def answers_to(self, wanted: ToolCall) -> tuple[Message, ...]:
        """The messages by which the loop told the model what came of this call, in the first request that has one."""
        for request in self.requests:
            if found := tuple(message for message in request.messages if message.role == "tool" and message.answers == wanted.id):
                return found
        return ()


@dataclass(frozen=True, slots=True)
class ToolTrial:
    """A conversation in which the model calls one of the offered tools once, and is then done."""

    tool: OfferedTool
    arguments: Mapping[str, Any]
    conversation: Conversation

    @property
    def asked(self) -> ModelRequest | None:
        """The request to which the call was the answer; None where it was never made."""
        return next((call.request for call, wanted in self.conversation.wanted if wanted.name == self.tool.name), None)

    @property
    def answer(self) -> str | None:
        """What the model was told; None where it was told nothing."""
        wanted = next((wanted for _, wanted in self.conversation.wanted if wanted.name == self.tool.name), None)
        told = self.conversation.answers_to(wanted) if wanted is not None else ()
        return "\n".join(message.text for message in told) if told else None


@dataclass(frozen=True, slots=True)
class NormalConversation:
    """The loop in good health: once with a model that answers at once, and once for each tool that it offers."""

    plain: Conversation
    tools: tuple[ToolTrial, ...] = ()
    obstacle: str = ""  # why the loop cannot be examined, and what would help; "" where it can
    streamed: bool = False

    @property
    def model_hosts(self) -> frozenset[str]:
        return frozenset(call.host for trial in (self.plain, *(t.conversation for t in self.tools)) for call in trial.model_calls)

    @property
    def trial(self) -> ToolTrial | None:
        """The one to go on with: the first whose tool asks somebody outside, else the first."""
        return next((trial for trial in self.tools if trial.conversation.backend_requests), next(iter(self.tools), None))


@dataclass(frozen=True, slots=True)
class EndlessCalls:
    """A model that calls a tool in every answer: with the same arguments each time, and with others each time."""

    same: Conversation | None = None  # None: not tried
    other: Conversation | None = None
    cost: Cost | None = None  # of the last of them
    varies: bool = True  # False: the tool breaks with other arguments than its own
    within: Conversation | None = None  # an agent that is a tool of this one calls its own for ever; None: there is no such agent

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        return tuple(conversation for conversation in (self.same, self.other) if conversation is not None)

    @property
    def never_stops(self) -> bool:
        """Had one of them to be ended, for asking a model again and again?"""
        return any(conversation.ending is not None and conversation.ending.kind == "runaway" for conversation in self.conversations)
