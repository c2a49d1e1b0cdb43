"""A conversation whose calls use so much each that the budget is spent after two of them, and the third is one too many.

The user's first text is long, and what it lacks of a call's share the model says beside its call of a tool; so the share is used
whether the loop keeps what the model said or not. Where that shows nothing, because the loop ends by a limit of its own at the
same step as ever, one answer spends it all. A loop without tools is asked turn by turn.
"""

from __future__ import annotations

from pytest_agentready.domain import EndlessCalls, Loop, ModelAnswer, ModelRequest, NormalConversation, SpentBudget, TokenUse
from pytest_agentready.experiments.conversing import DONE, QUESTION
from pytest_agentready.experiments.course import Course, Start, says
from pytest_agentready.experiments.prose import prose

JUST_BELOW = 0.94  # of the budget is used when the call comes that is one too many
BEYOND = 1.2  # of the budget is used by one answer
TURNS = 5  # of a loop without tools
SHORT = "I see."  # beside a call nothing has to be said
MOST = 12  # calls after which it is plain that nothing stops it


def run(loop: Loop, normal_conversation: NormalConversation, endless_calls: EndlessCalls) -> SpentBudget:
    budget = loop.facts.token_budget
    if budget is None:
        return SpentBudget()
    start = Start(loop, normal_conversation, endless_calls)
    trial, first = start.trial, start.first
    usual = TURNS if trial is None else start.usual

    def spending(share: int, question: str = QUESTION) -> TokenUse:
        course = Course.of(start, trial, question, TURNS)
        return TokenUse(budget, share, course.run(Spender(course, share), MOST), usual)

    share = max(first, round((JUST_BELOW * budget - start.growth) / (1 if usual == 2 else 2)))
    tried = [spending(share, prose(share - first, QUESTION))]
    if not tried[0].steps:  # a long question is not let in
        tried = [spending(share)]
    if not (tried[0].goes_on or tried[0].stops):
        tried.append(spending(round(BEYOND * budget)))
    return SpentBudget(tuple(tried), trial is None)


class Spender:
    """A model whose every call uses the share, by its prompt and by what it says."""

    def __init__(self, course: Course, share: int) -> None:
        self._course, self._share = course, share
        self._steps = self._used = 0

    def __call__(self, request: ModelRequest) -> ModelAnswer:
        if self._course.is_aside(request):
            return says(DONE, request)
        self._steps += 1
        lacking = self._share * self._steps - self._used - request.prompt_tokens
        made = self._course.step(request, self._steps, prose(lacking, SHORT if self._course.by_turns else ""))
        assert made.usage is not None
        self._used += made.usage.total
        return made
