"""The provider refuses a prompt as longer than the model's window, as it does one day, and every further one that is no shorter."""

from __future__ import annotations

from pytest_agentready.domain import (
    EndlessCalls,
    Growth,
    Loop,
    ModelAnswer,
    ModelFailure,
    ModelRequest,
    NormalConversation,
    RefusedContext,
    overflows,
)
from pytest_agentready.experiments.conversing import DONE
from pytest_agentready.experiments.course import Course, Start, left_to_provider, says
from pytest_agentready.experiments.grown_context import FIRST, GOAL, summary
from pytest_agentready.experiments.prose import prose

STEPS = 4  # before it refuses
SIZE = 200  # tokens of what the model says in each
MOST = 20  # calls of the model


def run(loop: Loop, normal_conversation: NormalConversation, endless_calls: EndlessCalls) -> RefusedContext:
    start = Start(loop, normal_conversation, endless_calls)
    trial, usual = start.trial, start.usual
    size = min(SIZE, (loop.facts.token_budget or loop.facts.context_window or 100 * SIZE) // 50)

    def refused(after: int) -> Growth:
        course = Course.of(start, trial, FIRST, after + 1)
        talk = course.run(Refuser(course, after, size), MOST)
        overflow = overflows(talk)
        return Growth(
            talk, overflow[1] if overflow else 0, "context_window", GOAL, None, course.by_turns, left_to_provider=left_to_provider(talk)
        )

    after = STEPS if usual is None else max(0, min(STEPS, usual - 2))
    found = refused(after)
    return RefusedContext(found if not after or overflows(found.conversation) else refused(0))


class Refuser:
    """A model behind a provider that refuses the prompt after some steps."""

    def __init__(self, course: Course, after: int, size: int) -> None:
        self._course, self._after, self._size = course, after, size
        self._steps = self._refused = 0
        self._model = ""  # that has refused; another one may have a larger window

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        if self._course.is_aside(request):
            return summary(request, self._size)
        if self._refused:
            too_long = request.prompt_tokens >= self._refused and request.model == self._model
            return ModelFailure("overflow") if too_long else says(DONE, request)
        if self._steps == self._after:
            self._refused, self._model = request.prompt_tokens, request.model
            return ModelFailure("overflow")
        self._steps += 1
        return self._course.step(request, self._steps, prose(self._size, f"This is part {self._steps}."))
