"""The course of a long conversation: by the steps of the loop, whose model wants a tool in every answer, or by the user's turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain import (
    Conversation,
    EndlessCalls,
    Loop,
    ModelAnswer,
    ModelFailure,
    ModelRequest,
    NormalConversation,
    ToolTrial,
    broke,
    is_aside,
    is_of_another_agent,
    steps_of,
    tools_offered_for,
)
from pytest_agentready.experiments.conversing import DONE, Outage, calling, converse, limits_of, varied
from pytest_agentready.experiments.realistic import fitted
from pytest_agentready.script import say
from pytest_agentready.world.stdio import muted


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a loop before it is led on a long course."""

    loop: Loop
    normal: NormalConversation
    endless: EndlessCalls

    @property
    def trial(self) -> ToolTrial | None:
        return self.normal.trial

    @property
    def varies(self) -> bool:
        """May the arguments differ from call to call? A backend may know of one order alone, and the tool break with others."""
        same, other = self.endless.same, self.endless.other
        if not self.endless.varies:
            return False
        return same is None or other is None or broke(same.raised) or not broke(other.raised)

    @property
    def usual(self) -> int | None:
        """After how many steps the loop ends a conversation without an end; None: it does not, or has no tools to go on by."""
        talk = self.endless.other if self.varies and self.endless.other is not None else self.endless.same
        return None if talk is None or talk.ending is not None else len(steps_of(talk))

    @property
    def first(self) -> int:
        """Tokens of the first prompt with a short question."""
        return self._prompts[0]

    @property
    def growth(self) -> int:
        """By how many tokens the prompt grows with each step."""
        return max(0, self._prompts[1] - self._prompts[0]) if len(self._prompts) > 1 else 0

    @property
    def _prompts(self) -> list[int]:
        steps = steps_of(self.trial.conversation if self.trial is not None else self.normal.plain) or steps_of(self.normal.plain)
        return [step.prompt for step in steps] or [0]


@dataclass(frozen=True, slots=True)
class Course:
    """Of conversations with one loop."""

    loop: Loop
    trial: ToolTrial | None  # with the tool that the model wants; None: it wants none, and the user goes on
    texts: tuple[str, ...]  # the user's
    own: frozenset[str]  # the names of the tools that the loop offers
    varies: bool = True  # the tool is called with other arguments each time

    @classmethod
    def of(cls, start: Start, trial: ToolTrial | None, first: str, turns: int) -> Course:
        """Of one question where the loop goes on by itself, else of so many turns."""
        more = () if trial is not None else tuple(f"Tell me more of it, part {turn} please." for turn in range(2, turns + 1))
        plain = start.normal.plain
        own = tools_offered_for(plain.requests, [turn.text for turn in plain.turns]) or frozenset(tool.name for tool in plain.offered)
        return cls(start.loop, trial, (first, *more), own, start.varies)

    @property
    def by_turns(self) -> bool:
        return self.trial is None

    def run(self, model: Callable[[ModelRequest], ModelAnswer | ModelFailure], most: int, outage: Outage | None = None) -> Conversation:
        """With this model, which is asked at most so often; agents that are tools of this one get a short answer."""
        limits = limits_of(self.loop, most)

        def answered(request: ModelRequest) -> ModelAnswer | ModelFailure:
            elsewhere = is_of_another_agent(request, self.own, self.texts)
            return fitted(request, says(DONE, request) if elsewhere else model(request))

        with muted():
            return converse(self.loop, answered, *self.texts, limits=limits, outage=outage)

    def is_aside(self, request: ModelRequest) -> bool:
        return is_aside(request, bool(self.own), self.texts)

    def step(
        self, request: ModelRequest, number: int, text: str, *, prompt: int | None = None, output: int | None = None, cached: int = 0
    ) -> ModelAnswer:
        """The model says this, and wants the tool once more; `prompt` and `output` tokens are reported, else what is counted."""
        trial, turn = self.trial, number if self.varies else 0
        wanted = () if trial is None else (calling(self.loop, trial.tool, varied(trial.arguments, turn, trial.tool)),)
        made = say(text, *wanted).using(prompt=prompt, output=output, cached=cached).answer(request, number)
        assert isinstance(made, ModelAnswer)
        return made


def says(text: str, request: ModelRequest) -> ModelAnswer:
    made = say(text).answer(request, 0)
    assert isinstance(made, ModelAnswer)
    return made


def bodies_of(conversation: Conversation) -> Iterator[Mapping[str, Any]]:
    """What was sent to the models."""
    for request in (request for turn in conversation.turns for request in turn.run.requests if request.to_model):
        try:
            body = json.loads(request.body or b"{}")
        except ValueError:
            continue
        if isinstance(body, dict):
            yield body


def left_to_provider(conversation: Conversation) -> frozenset[str]:
    """By which words its requests ask the provider to make room."""
    found = {"truncation" for body in bodies_of(conversation) if body.get("truncation") == "auto"}
    return frozenset(found | {"context_management" for body in bodies_of(conversation) if body.get("context_management")})
