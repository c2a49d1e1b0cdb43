"""A call of a model, whichever provider's: what was asked, what was answered, and what it used.

The protocols of the providers are left behind here, so that one judge suits all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Failure = Literal[
    "overflow",  # the prompt is longer than the model's window
    "rate_limit",
    "quota",  # the account has nothing left to spend
    "overloaded",
    "server_error",
    "unauthorized",
    "timeout",  # the provider reads the request and never answers
    "refused",  # any other status of the 400s
]


class OutOfScript(Exception):
    """A model is asked that nobody has told what to answer, or no more: the test is to be mended, and no loop."""


class AskedForEver(Exception):
    """A model that goes on for ever has been asked so often that whoever asks has no stop."""

    def __init__(self, times: int) -> None:
        super().__init__(f"the model has been asked {times} times for what it does for ever")
        self.times = times


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model wants. `arguments` is the text as the model wrote it, JSON or not."""

    name: str
    arguments: str
    id: str = ""  # "" until the provider has given it one
    made_up: bool = field(default=False, compare=False)  # nobody need offer the tool: the model makes it up, or a text names it

    def parsed(self) -> Any:
        """Raises ValueError where the arguments are no JSON."""
        return json.loads(self.arguments)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation; a tool's answer is one of its own."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()  # an assistant's
    answers: str = ""  # the id of the call that a tool's message answers
    is_error: bool = False  # the tool's message is marked as a failure


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as the request describes it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    served: bool = False  # the provider carries it out by itself, such as its search of the web: no call of it reaches the loop


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model is asked, with all that it sees: also what the provider has kept of the conversation."""

    provider: str  # "openai", "anthropic": whose protocol it is, whoever speaks it
    endpoint: str  # "chat", "responses", "messages"
    model: str
    messages: tuple[Message, ...]
    tools: tuple[OfferedTool, ...] = ()
    tool_choice: str = "auto"  # auto, none, required, or the name of a tool
    parallel: bool = True  # may an answer have several calls?
    stream: bool = False
    max_tokens: int | None = None
    continues: str = ""  # the id of the answer that it goes on from, where the provider keeps the conversation
    user: str = ""  # whom the request says it is for
    prompt_tokens: int = 0  # an estimate: see `domain.tokens`
    answer_schema: Mapping[str, Any] | None = None  # of the JSON that the text is to be; {}: any object; None: the text is free
    reports_usage: bool = True  # False: a stream that is not asked to say what was used

    @property
    def system(self) -> str:
        return "\n\n".join(message.text for message in self.messages if message.role == "system")

    @property
    def news(self) -> tuple[Message, ...]:
        """What has been said since the model spoke last."""
        spoken = [number for number, message in enumerate(self.messages) if message.role == "assistant"]
        return tuple(message for message in self.messages[spoken[-1] + 1 if spoken else 0 :] if message.role != "system")

    @property
    def may_call(self) -> bool:
        """A model calls no tools where none is offered."""
        return bool(self.callable) and self.tool_choice != "none"

    @property
    def callable(self) -> tuple[OfferedTool, ...]:
        """The tools that the loop carries out."""
        return tuple(tool for tool in self.tools if not tool.served)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider reports them. What was read from its cache is a part of the prompt."""

    prompt: int
    output: int
    cached: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.output


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model answers."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None  # None: counted by the provider
    usage_unasked: bool = False  # its stream says what was used whether it was asked to or not, as behind some gateways
    out_of_tokens: bool = False  # the limit of its output has cut it off
    breaks_after: int | None = None  # deltas of a stream that get out; of an answer that is no stream, half does
    in_silence: bool = False  # what breaks off does so without a word: the connection stays open
    in_good_order: bool = False  # what breaks off ends as if that were all: nothing but its last events is missing
    withheld: tuple[ToolCall, ...] = ()  # what it would have called, of a request that lets it call nothing


@dataclass(frozen=True, slots=True)
class ModelFailure:
    """The provider does not answer."""

    kind: Failure
    status: int | None = None  # None: the one that the provider has for it
    retry_after: float | None = None  # seconds
    message: str = ""  # "" for the provider's own words


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of a model, as it went."""

    request: ModelRequest
    answer: ModelAnswer | ModelFailure
    at: float  # virtual seconds since the run began
    where: str  # the user's line
    host: str = ""  # whom the request was sent to
    span: int | None = None  # the id of the one in which it was sent; None for none

    @property
    def provider(self) -> str:
        return self.request.provider

    @property
    def model(self) -> str:
        return self.request.model

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.request.messages

    @property
    def tools(self) -> tuple[OfferedTool, ...]:
        return self.request.tools

    @property
    def usage(self) -> Usage | None:
        """None where nothing was answered, and nothing is charged."""
        return self.answer.usage if isinstance(self.answer, ModelAnswer) else None


Respond = Callable[[ModelRequest], "ModelAnswer | ModelFailure"]
