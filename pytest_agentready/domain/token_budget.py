"""What conversations spend of a budget of tokens: frozen records, with no opinion about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pytest_agentready.domain.conversation import Conversation
from pytest_agentready.domain.model import ModelAnswer
from pytest_agentready.domain.steps import Step, are_carried_over, broke, steps_of


@dataclass(frozen=True)
class TokenUse:
    """A conversation in which each call of the model uses a good part of the budget."""

    budget: int
    share: int  # tokens of each call
    conversation: Conversation
    usual: int | None  # the steps after which the loop ends such a conversation with short texts; None: it does not

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return steps_of(self.conversation)

    @property
    def late(self) -> tuple[Step, ...]:
        """Begun although the budget had been spent."""
        return tuple(step for step in self.steps if step.before > self.budget)

    @property
    def used(self) -> int:
        """Tokens, as the provider reported them, what was asked aside included."""
        return sum(call.usage.total for call in self.conversation.model_calls if call.usage is not None)

    @property
    def reached(self) -> bool:
        """Would one more call such as the last have spent the budget?"""
        return bool(self.steps) and self.steps[-1].before + 2 * self.steps[-1].used >= self.budget

    @property
    def as_usual(self) -> bool:
        """It went as far as it does with short texts: nothing shows that the budget made a difference."""
        return self.usual is not None and len(self.steps) >= self.usual

    @property
    def goes_on(self) -> bool:
        """It calls on and on after the budget is spent."""
        return len(self.late) >= 2 or (bool(self.late) and self.as_usual and self.share > self.budget)

    @property
    def took_the_text(self) -> bool:
        """Did it take what the model said beside its first call of a tool for the answer?"""
        answer = self.steps[0].call.answer if len(self.steps) == 1 else None
        said = self.conversation.turns[0].said or ""
        if not isinstance(answer, ModelAnswer) or not answer.calls or not answer.text or said.strip() != answer.text.strip():
            return False
        return not any(turn.backend_requests for turn in self.conversation.turns)  # who streams what is said, and calls the tool, does not

    @property
    def stops(self) -> bool:
        """It was the budget, or an estimate of what is left of it, that ended the conversation."""
        if self.goes_on or self.as_usual or self.conversation.ending is not None:
            return False
        if self.took_the_text or broke(self.conversation.raised):
            return False
        return self.reached or len(self.steps) > 1


@dataclass(frozen=True)
class SpentBudget:
    """The conversations in which the budget was to be spent; none where no budget is declared."""

    tried: tuple[TokenUse, ...] = ()
    by_turns: bool = False  # one step for each turn of the user's

    @property
    def starts_afresh(self) -> bool:
        """Each turn is one step, of which the next knows nothing: there is nothing that adds up."""
        return (
            self.by_turns
            and any(one.steps for one in self.tried)
            and not any(one.stops or are_carried_over(one.steps) for one in self.tried)
        )

    @property
    def telling(self) -> TokenUse | None:
        """The one that shows whether the budget is kept; None where none does."""
        if self.starts_afresh:
            return None
        return next((one for one in self.tried if one.goes_on), None) or next((one for one in self.tried if one.stops), None)


@dataclass(frozen=True)
class UnseenUsage:
    """Calls that use a good part of the budget by the provider's word alone: their texts are short."""

    spending: TokenUse | None = None
    partly: TokenUse | None = None  # of a budget that all this does not enforce: as much, told in a way by which it ends the conversation
    without_usage: bool = False  # streamed, and the provider was not asked to report what was used
