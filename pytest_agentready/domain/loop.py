"""The other subject: a loop, which talks to a model and runs tools until it has an answer, and what its owner states about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_agentready.domain.breaker import Breaker
from pytest_agentready.domain.limits import Limit
from pytest_agentready.domain.prices import Price
from pytest_agentready.domain.subject import Tool

MAX_MODEL_CALLS = 60  # after so many calls of the model for one question a loop is endless
HIGH_WATER = 0.75  # of the budget, or of the window: the article's pattern 2


@dataclass(frozen=True, slots=True)
class LoopFacts:
    """What the marker states. Every fact is optional; what is left out is found out or said to be missing."""

    args: Mapping[str, Any] = field(default_factory=dict)  # what the loop takes beside the text, the user and the session
    prompt: str = ""  # the parameter that carries the user's text; "" where there is none
    takes_messages: bool = False  # that parameter is a list of messages, and no text
    user: str = ""  # the parameters that carry the ids; "" where there are none
    session: str = ""
    numbered: tuple[str, ...] = ()  # those of these two that are numbers
    backend: object = None  # what the outside world answers to the tools
    tools: tuple[Tool, ...] = ()  # the marked tools that it offers, with their arguments
    token_budget: int | None = None  # tokens of one conversation
    context_window: int | None = None  # tokens of one request
    max_model_calls: int = MAX_MODEL_CALLS
    limits: tuple[Limit, ...] = ()  # of what may be spent
    prices: Mapping[str, Price] = field(default_factory=dict)  # by model
    approve: Callable[..., Any] | None = None  # approve(tool_name, arguments): a human's approval of that call; sync or async
    call: Callable[..., Any] | None = None  # stands for the loop where it is not called with a text: takes it, and gives what the user gets
    reads: tuple[str, ...] = ()  # as for a tool
    bookkeeping: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """The project's entry point that talks to the model."""

    name: str  # defining module and qualified name: "shop.agent.run_agent"
    call: Callable[..., Any]
    is_async: bool  # as far as its definition tells
    source: str  # "/home/ada/shop/agent.py:12"
    framework: str = "python"
    facts: LoopFacts = field(default_factory=LoopFacts)
    known: Callable[[], tuple[Tool, ...]] = tuple  # tools that are marked elsewhere, and that it may offer
    kind: Literal["loop"] = "loop"

    @property
    def entry(self) -> Callable[..., Any]:
        """What is called in an examination."""
        return self.facts.call or self.call

    def arguments(self, text: str, user: str = "user-1", session: str = "session-1") -> dict[str, Any]:
        """Of one turn of a conversation; what the loop has no parameter for is left out. Ids end with a number."""
        facts = self.facts
        found = dict(facts.args)
        if facts.prompt:
            found[facts.prompt] = [{"role": "user", "content": text}] if facts.takes_messages else text
        for parameter, value in ((facts.user, user), (facts.session, session)):
            if parameter:
                found[parameter] = int(value.rpartition("-")[2]) if parameter in facts.numbered else value
        return found


AnySubject = Tool | Loop | Breaker
