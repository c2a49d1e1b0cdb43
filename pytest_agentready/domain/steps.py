"""The steps of a conversation: the calls of the model that go on with it, not those by which a loop plans, routes or summarises."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pytest_agentready.domain.conversation import Conversation, Turn
from pytest_agentready.domain.model import ModelAnswer, ModelCall, ModelRequest
from pytest_agentready.domain.observation import Raised

OPENING = 60  # characters of an order, before it hands over anything
EDGE = 600  # characters at either end of a text, where it says what is wanted
_SUMMARY = re.compile(r"\b(?:summar|condens|compress|compact|distil|recap)", re.IGNORECASE)

_ORDER = re.compile(
    r"\b(?:summari[sz]e|condense|compress|recap)\b|\b(?:write|create|provide|give|produce|generate|make)\b[^.\n]{0,60}\bsummary\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the model that goes on with the conversation."""

    call: ModelCall
    turn: Turn
    before: int  # tokens that the steps before it have used, as the provider reported them
    aside: tuple[ModelCall, ...] = ()  # what was asked aside since the step before

    @property
    def prompt(self) -> int:
        return self.call.request.prompt_tokens

    @property
    def used(self) -> int:
        return self.call.usage.total if self.call.usage is not None else 0

    @property
    def projected(self) -> int:
        """What is used for certain once this call has begun."""
        return self.before + self.prompt


def broke(raised: Raised | None) -> bool:
    """Is it no stop, but a slip of the code, or an error that a client of the tools' or of the provider's raised?"""
    return raised is not None and (raised.accidental or raised.is_from_a_client)


def steps_of(conversation: Conversation) -> tuple[Step, ...]:
    """Those of the agent that the user talks to; what agents ask that are its tools is neither a step nor aside."""
    texts = [turn.text for turn in conversation.turns]
    with_tools = bool(conversation.offered)
    own = tools_offered_for(conversation.requests, texts)
    found: list[Step] = []
    aside: list[ModelCall] = []
    used = 0
    for turn in conversation.turns:
        for call in turn.model_calls:
            if is_of_another_agent(call.request, own, texts):
                continue
            if is_aside(call.request, with_tools, texts):
                aside.append(call)
                continue
            step = Step(call, turn, used, tuple(aside))
            found.append(step)
            aside.clear()
            used += step.used
    return tuple(found)


def are_carried_over(steps: Sequence[Step]) -> bool:
    """Does the model hear in a later turn what was said in the first?"""
    first = steps[0].turn if steps else None
    later = next((step for step in steps if step.turn is not first), None)
    if first is None or later is None:
        return False
    said = [step.call.answer.text for step in steps if step.turn is first and isinstance(step.call.answer, ModelAnswer)]
    return any(text and text in message.text for text in (first.text, *said) for message in later.call.messages)


def asked_last(conversation: Conversation) -> tuple[ModelCall, ...]:
    """What was asked aside after the last step."""
    texts = [turn.text for turn in conversation.turns]
    own = tools_offered_for(conversation.requests, texts)
    found: list[ModelCall] = []
    for call in conversation.model_calls:
        if is_of_another_agent(call.request, own, texts):
            continue
        if is_aside(call.request, bool(conversation.offered), texts):
            found.append(call)
        else:
            found.clear()
    return tuple(found)


def order_of(request: ModelRequest) -> str:
    """By which words of its own it is told from what is asked aside for another purpose: how the system prompt begins, or else the text."""
    users = [message.text for message in request.messages if message.role == "user"]
    return (request.system or (users[-1] if users else ""))[:OPENING]


def tools_offered_for(requests: Iterable[ModelRequest], texts: Collection[str]) -> frozenset[str]:
    """The names of the tools that are offered where the user's own words are there."""
    return frozenset(tool.name for request in requests if _hears(request, texts) for tool in request.callable)


def is_of_another_agent(request: ModelRequest, own: Collection[str], texts: Collection[str]) -> bool:
    """Is it asked in a conversation of its own, by an agent that is a tool of the one that offers its `own` tools to the user's words?

    Such an agent has other tools, and was given a task in other words.
    """
    return bool(own) and request.may_call and all(tool.name not in own for tool in request.callable) and not _hears(request, texts)


def _hears(request: ModelRequest, texts: Collection[str]) -> bool:
    return any(text and text in message.text for text in texts for message in request.messages)


def is_aside(request: ModelRequest, with_tools: bool, texts: Collection[str]) -> bool:
    """Is this no step? Of a loop that offers tools, what offers none or forbids them; and what asks for a summary in words of its own."""
    if with_tools and not request.may_call:
        return True
    users = [message for message in request.messages if message.role == "user"]
    asked = users[-1].text if users else ""
    if any(text in asked and len(asked) <= len(text) + EDGE for text in texts):
        return False
    wanted = asked if len(asked) <= 2 * EDGE else f"{asked[:EDGE]} {asked[-EDGE:]}"
    if with_tools:  # the conversation, and behind it the order; a summary that is the conversation has nothing before it
        is_last = request.messages[-1:] == tuple(users[-1:]) and any(message.role == "assistant" for message in request.messages)
        return is_last and bool(_ORDER.search(wanted))
    in_system = any(text and text in request.system for text in texts)  # where some put what the user says
    is_said = in_system or any(text in asked for text in texts)
    return bool(_SUMMARY.search(wanted)) or (not is_said and bool(_SUMMARY.search(request.system)))
