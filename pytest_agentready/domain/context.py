"""How the context of a loop grows, what is taken out of it, and what becomes of it at the window's end: frozen records, without opinion."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pytest_agentready.domain.conversation import Conversation, Turn
from pytest_agentready.domain.model import Message, ModelAnswer, ModelFailure, ModelRequest
from pytest_agentready.domain.steps import Step, are_carried_over, broke, steps_of

Mark = Literal["context_window", "token_budget"]
ESTIMATED = 0.85  # of the limit: there a loop whose own estimate is a little lower has passed its mark as well
REPORTED = 0.8  # where most is not estimated, but reported by the provider
WORTH = 0.15  # of the limit has to be in the prompt for something to be gained
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Growth:
    """A conversation in which the context grows, by what the model says, past the mark where something has to be done."""

    conversation: Conversation
    limit: int  # tokens
    fact: Mark  # which of the loop's facts that is
    goal: str  # a word of the user's first text that nobody else would say
    usual: int | None  # steps after which the loop ends a conversation in any case; None: it does not
    by_turns: bool = False  # the user's turns make it grow, and not the loop's own steps
    by_use: bool = False  # the mark is one of all that has been used, and not of one prompt
    by_results: bool = False  # what tools answer makes it grow, and not what the model says
    left_to_provider: frozenset[str] = frozenset()  # by which words of the request the provider is asked to make room

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return steps_of(self.conversation)

    @cached_property
    def carried(self) -> bool:
        """Does the model hear in the second turn what was said in the first?"""
        return not self.by_turns or are_carried_over(self.steps)

    @cached_property
    def compacted(self) -> tuple[Step, ...]:
        """The steps whose request lacks what the one before had."""
        if not self.carried:
            return ()
        pairs = zip(self.steps, self.steps[1:], strict=False)
        return tuple(after for before, after in pairs if lacks(before.call.request, _said(before), after.call.request))

    @property
    def made_room(self) -> bool:
        """Is the prompt shorter for what was taken out? A short result that is cleared away makes none beside long texts that stay."""
        if self.by_results:
            return bool(self.compacted)
        pairs = zip(self.steps, self.steps[1:], strict=False)
        return any(after in self.compacted and after.prompt < before.prompt + _said(before) / 2 for before, after in pairs)

    @cached_property
    def past(self) -> tuple[Step, ...]:
        """The steps that were begun past the mark for sure."""
        if not self.carried:
            return ()
        if self.by_use:  # where the prompt is short there is nothing to take out
            return tuple(step for step in self.steps[3:] if step.projected > REPORTED * self.limit and step.prompt > WORTH * self.limit)
        return tuple(step for step in self.steps[3:] if step.prompt > ESTIMATED * self.limit)

    @property
    def keeps_what_is_said(self) -> bool:
        """Does what the model says beside its calls come back in the prompts?"""
        return self.highest >= sum(_said(step) for step in self.steps[:-1]) / 2

    @property
    def fits(self) -> bool:
        """Does the loop see to it that no prompt is longer than the limit? Something was taken out, or it ended before the next."""
        if self.highest > self.limit or not self.carried or broke(self.conversation.raised):
            return False
        last = self.steps[-1] if self.steps else None
        ended = self.cut_short and last is not None and last.prompt + _said(last) > ESTIMATED * self.limit
        return self.made_room or ended

    @property
    def highest(self) -> int:
        """Tokens of the longest prompt."""
        return max((step.prompt for step in self.steps), default=0)

    @property
    def cut_short(self) -> bool:
        """The loop ended it before its usual end, when the model wanted to go on: by its budget, or by something of the kind."""
        if self.compacted or self.conversation.ending is not None or (self.usual is not None and len(self.steps) >= self.usual):
            return False
        last = self.steps[-1].call.answer if self.steps else None
        return self.by_turns or not isinstance(last, ModelAnswer) or bool(last.calls)


@dataclass(frozen=True)
class GrownContext:
    growths: tuple[Growth, ...] = ()

    @property
    def never_tidied(self) -> bool:
        """Has it been seen that nothing is taken out, although there was reason to?"""
        return any(growth.past for growth in self.growths) and not any(growth.compacted for growth in self.growths)


@dataclass(frozen=True)
class RefusedContext:
    """The provider refuses a prompt as too long, once, and every further one that is no shorter."""

    growth: Growth | None = None


def lacks(before: ModelRequest, said: int, after: ModelRequest) -> bool:
    """Has something been taken out of the conversation? `said`: tokens of what the model said in between.

    Messages that only changed, or texts of the model's that are never kept, make no smaller prompt than was to be expected. The system
    prompt may change from step to step, but is there.
    """
    if before.system and not after.system:
        return True
    gone = [message for message in before.messages if message.role != "system" and not _is_in(message, after)]
    if not gone:
        return False
    if after.prompt_tokens < before.prompt_tokens + said / 2:
        return True
    answers = {message.answers: message.text for message in after.messages if message.role == "tool"}
    return any(message.role == "tool" and len(answers.get(message.answers, message.text)) < len(message.text) for message in gone)


def _is_in(message: Message, later: ModelRequest) -> bool:
    """As a message of its own, or, as a loop that keeps its history as one text has it, within another."""
    if message.role == "tool" or not message.text:  # the same answer may have been given to several calls
        wanted = (message.role, message.answers, message.text)
        return any(wanted == (other.role, other.answers, other.text) for other in later.messages)
    return any(message.text in other.text for other in later.messages)


def lost_instructions(first: ModelRequest, later: ModelRequest) -> bool:
    """Is the system prompt gone? Most of its words have to be there, wherever they are said: parts of it may change from step to step."""
    wanted = Counter(_WORD.findall(first.system.lower()))
    if not wanted:
        return bool(first.system) and first.system not in "\n".join(message.text for message in later.messages)
    found = set(_WORD.findall("\n".join(message.text for message in later.messages).lower()))
    return sum(word in found for word in wanted) < len(wanted) / 2


def overflows(conversation: Conversation) -> tuple[Turn, int] | None:
    """The first turn in which the provider refused a prompt as too long, and that prompt's tokens."""
    for turn in conversation.turns:
        for call in turn.model_calls:
            if isinstance(call.answer, ModelFailure) and call.answer.kind == "overflow":
                return turn, call.request.prompt_tokens
    return None


def unhandled(turn: Turn) -> str:
    """What the loop made of it, where that is nothing; "" where it asked with less, or told the user something."""
    if turn.ending is not None:
        return f"it asks on and on: {len(turn.model_calls)} calls of the model until it was ended"
    raised = turn.raised
    if raised is not None:
        return "" if raised.is_own_word else f"{raised.kind} leaves the loop"
    return "the user gets nothing to read" if turn.mute and not turn.heard.strip() else ""


def _said(step: Step) -> int:
    usage = step.call.usage
    return usage.output if usage is not None else 0
