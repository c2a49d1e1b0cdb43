"""The budget is spent by what the provider reports, and not by what can be seen: prompts and answers are short.

So it is with what models think, with prompts that the provider keeps, with pictures, and with what was read from a cache.
"""

from __future__ import annotations

import json
from dataclasses import replace

from pytest_agentready.domain import (
    Conversation,
    EndlessCalls,
    Loop,
    ModelAnswer,
    ModelRequest,
    NormalConversation,
    SpentBudget,
    TokenUse,
    UnseenUsage,
)
from pytest_agentready.experiments.conversing import DONE, QUESTION
from pytest_agentready.experiments.course import Course, Start, bodies_of, says
from pytest_agentready.experiments.spent_budget import MOST, SHORT, TURNS

CACHED = 0.9  # of the prompt


def run(loop: Loop, normal_conversation: NormalConversation, endless_calls: EndlessCalls, spent_budget: SpentBudget) -> UnseenUsage:
    telling, plain = spent_budget.telling, normal_conversation.plain
    if telling is None:
        return UnseenUsage()
    course = Course.of(Start(loop, normal_conversation, endless_calls), normal_conversation.trial, QUESTION, TURNS)
    if telling.goes_on:
        share = min(telling.share, telling.budget)
        partly = TokenUse(telling.budget, share, course.run(Teller(course, share), MOST), telling.usual)
        return UnseenUsage(partly=partly if partly.stops else None, without_usage=not reports(plain))
    model = Reporter(course, telling.share, CACHED if caches(plain) else 0)
    spending = TokenUse(telling.budget, telling.share, course.run(model, MOST), telling.usual)
    return UnseenUsage(spending, without_usage=not reports(plain))


def caches(conversation: Conversation) -> bool:
    """Does the provider cache prompts? Anthropic's does where it is asked to."""
    asked = any("cache_control" in json.dumps(body) for body in bodies_of(conversation))
    return asked or any(request.provider != "anthropic" for request in conversation.requests)


def reports(conversation: Conversation) -> bool:
    """Does the provider report what is used? Not for a stream of Chat Completions, unless it is asked to."""
    return all(request.reports_usage for request in conversation.requests)


class Reporter:
    """A model whose calls use the share by the provider's word alone."""

    def __init__(self, course: Course, share: int, cached: float) -> None:
        self._course, self._share, self._cached = course, share, cached
        self._steps = 0

    def __call__(self, request: ModelRequest) -> ModelAnswer:
        if self._course.is_aside(request):
            return says(DONE, request)
        self._steps += 1
        prompt = max(request.prompt_tokens, self._share)
        return self._course.step(
            request, self._steps, SHORT if self._course.by_turns else "", prompt=prompt, cached=round(self._cached * prompt)
        )


class Teller:
    """A model whose calls use the share by the provider's word alone, all of it as output, and in streams that nobody has asked for it."""

    def __init__(self, course: Course, share: int) -> None:
        self._course, self._share = course, share
        self._steps = 0

    def __call__(self, request: ModelRequest) -> ModelAnswer:
        if self._course.is_aside(request):
            return says(DONE, request)
        self._steps += 1
        text = SHORT if self._course.by_turns else ""
        made = self._course.step(request, self._steps, text, prompt=min(1, request.prompt_tokens), output=self._share)
        return replace(made, usage_unasked=True)
