"""The context grows by what the model says, past 75 % of the window or of the budget, until something is taken out of it or it overflows.

First within one question, by the steps of the loop; where nothing is taken out there, turn by turn, for many loops tidy up between
the turns alone. From the first time on the model says little: what is then too long is so by the summary, or by what is kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from pytest_agentready.domain import (
    HIGH_WATER,
    MARGIN,
    EndlessCalls,
    GrownContext,
    Growth,
    GrowthMark,
    Loop,
    ModelAnswer,
    ModelFailure,
    ModelRequest,
    NormalConversation,
    ToolTrial,
    lacks,
    order_of,
    tokens,
)
from pytest_agentready.experiments.conversing import DONE, Outage
from pytest_agentready.experiments.course import Course, Start, left_to_provider, says
from pytest_agentready.experiments.prose import prose
from pytest_agentready.world.faults import HugeAnswer

GOAL = "KESTREL-4417"
FIRST = f"Where is my order {GOAL}? Go on until you have found it."
TURNS = 8
FEW = 4  # steps with which a context can grow past its mark
MANY = 16
MOST = 30  # calls of the model
PLANNED = 2  # steps before which who asks something aside makes plans, and no summaries
AFTERWARDS = 8  # steps after something has been taken out for the first time
CHARACTERS = 4  # of a token
LITTLE = 50  # of the limit: what the model says then
NOTHING = 1  # token that is reported where nothing is to be used up
AT = 0.9  # of the limit is reached in the step that is to be past the mark


def run(loop: Loop, normal_conversation: NormalConversation, endless_calls: EndlessCalls) -> GrownContext:
    return GrownContext(tuple(Grower(Start(loop, normal_conversation, endless_calls)).growths()))


class Grower:
    """Lets the context of a loop grow, in as many ways as it takes to see what becomes of it."""

    def __init__(self, start: Start) -> None:
        self.start, self.usual = start, start.usual

    def growths(self) -> Iterator[Growth]:
        """The last of them shows something taken out, or none does."""
        is_short = self.usual is not None and self.usual < FEW
        for trial in (None,) if is_short or self.start.trial is None else (self.start.trial, None):
            for found in self._of(trial):
                yield found
                if found.compacted:
                    return

    def _of(self, trial: ToolTrial | None) -> Iterator[Growth]:
        """By the window; by the budget where there is no window, or where the budget comes first."""
        window, budget = self.start.loop.facts.context_window, self.start.loop.facts.token_budget
        if window is not None:
            by_window = yield from self._ways(trial, window, "context_window")
            if not by_window.cut_short:
                return
            if budget is not None and (unbilled := self.grown(trial, window, "context_window", unbilled=True)).compacted:
                yield unbilled  # its budget comes first, and where that is not used up it does tidy up
                return
        if budget is not None:
            by_budget = yield from self._ways(trial, budget, "token_budget", by_use=True)
            if window is None and not by_budget.cut_short:
                yield from self._ways(trial, budget, "token_budget")

    def _ways(self, trial: ToolTrial | None, limit: int, fact: GrowthMark, *, by_use: bool = False) -> Generator[Growth, None, Growth]:
        """By what the model says; where the loop keeps nothing of that, by what its tools answer."""
        found = self.grown(trial, limit, fact, by_use=by_use)
        yield found
        goes_on = found.keeps_what_is_said and len(found.steps) > 1  # else what is said is the answer, or is forgotten
        if trial is not None and not found.compacted and not goes_on:
            found = self.grown(trial, limit, fact, by_use=by_use, by_results=True)
            yield found
        return found

    def grown(
        self,
        trial: ToolTrial | None,
        limit: int,
        fact: GrowthMark,
        *,
        by_use: bool = False,
        by_results: bool = False,
        unbilled: bool = False,
    ) -> Growth:
        """`unbilled`: next to nothing is reported as used."""
        course = Course.of(self.start, trial, FIRST, TURNS)
        usual = TURNS if trial is None else self.usual
        size = self._size(limit, usual, by_use)
        long = HugeAnswer("long-answer", "a long answer", "content", failure=False, good_status=True, size=size * CHARACTERS)
        outage = Outage(long, self.start.normal.model_hosts) if by_results else None
        talk = course.run(Talker(course, 0 if by_results else size, limit, fact, by_use, unbilled), MOST, outage)
        left = left_to_provider(talk)
        return Growth(talk, limit, fact, GOAL, usual, course.by_turns, by_use, by_results, left)

    def _size(self, limit: int, usual: int | None, by_use: bool) -> int:
        """How much the model says in each step, in tokens."""
        steps = MANY if usual is None else usual
        if by_use:  # the sums of all prompts and answers come to AT with that step
            at = min(5, steps)
            size = (AT * limit - at * self.start.first) / ((at - 1) * (at + 2) / 2) - self.start.growth
        else:
            at = 8 if steps >= MANY else min(max(steps - 1, 4), 5)
            size = (AT * limit - self.start.first) / (at - 1) - self.start.growth
        return max(20, round(size))


class Talker:
    """A model that says much, and wants a tool in every answer; what it summarises it shortens, and leaves out no name."""

    def __init__(self, course: Course, size: int, limit: int, fact: GrowthMark, by_use: bool, unbilled: bool = False) -> None:
        self._course, self._size, self._limit, self._by_use = course, size, limit, by_use
        self._reported = NOTHING if unbilled else None
        self._window = limit if fact == "context_window" else None
        self._before: ModelRequest | None = None
        self._said = self._steps = self._used = self._aside = 0
        self._planned: set[str] = set()  # what is asked before there is anything to summarise
        self._model = ""  # another one may have another window
        self._compacted_at = 0  # the step from which on it says little; 0: not yet

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        if self._course.is_aside(request):
            return self._summary(request)
        self._model = self._model or request.model
        if self._window is not None and request.prompt_tokens > self._window * MARGIN and request.model == self._model:
            return ModelFailure("overflow")
        self._steps += 1
        if self._before is not None and not self._compacted_at and lacks(self._before, self._said, request):
            self._compacted_at = self._steps
        if self._is_done(request):
            return says(DONE, request)
        size = max(20, self._limit // LITTLE) if self._compacted_at and self._size else self._size
        text = prose(size, f"This is part {self._steps}.") if size else ""
        made = self._course.step(request, self._steps, text, prompt=self._reported, output=self._reported)
        assert made.usage is not None
        self._before, self._said, self._used = request, made.usage.output, self._used + made.usage.total
        return made

    def _summary(self, request: ModelRequest) -> ModelAnswer:
        """The first is long: a third of the mark."""
        order = order_of(request)
        if self._steps < PLANNED:
            self._planned.add(order)
        if order in self._planned:
            return summary(request, LITTLE)
        self._aside += 1
        self._compacted_at = self._compacted_at or self._steps
        return summary(request, round(HIGH_WATER * self._limit / (3 if self._aside == 1 else 12)))

    def _is_done(self, request: ModelRequest) -> bool:
        if self._course.by_turns:
            return False
        if self._compacted_at:
            return self._steps >= self._compacted_at + AFTERWARDS
        if self._by_use:
            return self._used + request.prompt_tokens > 2 * self._limit
        return self._window is None and request.prompt_tokens > self._limit * MARGIN


def summary(request: ModelRequest, longest: int) -> ModelAnswer:
    """Half as long as what is to be summarised, at the most, and with the name of what the user wants, where that was handed over."""
    given = "\n".join(message.text for message in request.messages)
    head = f"The user wants to know where the order {GOAL} is." if GOAL in given else "There was a long talk about an order."
    return says(prose(min(longest, tokens(given) // 2, request.max_tokens or longest), head), request)
