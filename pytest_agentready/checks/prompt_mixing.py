"""Whoever may write into the system prompt gives the orders, and the user is somebody whom nobody knows.

Models are trained to follow the system prompt before all else: its rules, its limits, its secrets. A user's text that stands in
it has the same weight as your own words: "ignore the rules above" is one of the rules then. In a message of its own it is what a
user says.

A canary stands in what the user says, in two turns, so that a history or a memory is seen, too. It fails if the canary stands in
a message of the role system or developer, in Anthropic's `system` or the `instructions` of OpenAI's Responses. Ids of the user
and the session may be there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_agentready.domain import CanaryConversation, Check, Finding, Judgement, Loop, Severity, Unproven, sightings

check = Check(
    id="AR907",
    title="The user's text is put into the system prompt",
    severity=Severity.MEDIUM,
    profile="standard",
    about="loop",
    fix='Keep the system prompt constant, and give the user\'s text a message of its own: `{"role": "user", "content": question}`.',
    since="0.1",
)


@check
def judge(loop: Loop, canary_conversation: CanaryConversation) -> Iterable[Judgement]:
    if not loop.facts.prompt:
        yield Unproven("it has no parameter that carries the user's text: give prompt= or call= in the marker")
        return
    conversation = canary_conversation.user
    seen = [sighting for canary in canary_conversation.words for sighting in sightings(conversation, canary)]
    mixed = [sighting for sighting in seen if sighting.role == "system"]
    if mixed:
        first = mixed[0]
        later = (
            "" if first.canary == canary_conversation.words[0] and first.call in conversation.turns[0].model_calls else " in a later turn"
        )
        yield Finding(
            f"what the user said stands in the system prompt{later}: ...{first.surroundings}...",
            where=first.call.where,
            evidence={f"system prompt {number}": sighting.text for number, sighting in enumerate(mixed, 1)},
        )
    elif not seen:
        yield Unproven(
            f"the user's text reaches no model by {loop.facts.prompt}=: name its parameter by prompt=, or give call=, in the marker"
        )


@check.passes(prompt="question")
def in_a_message_of_its_own(question: str) -> str:
    import openai

    messages: list[Any] = [{"role": "system", "content": "You help customers."}, {"role": "user", "content": question}]
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""


@check.fails(prompt="question")
def in_the_system_prompt(question: str) -> str:
    import openai

    messages: list[Any] = [{"role": "system", "content": f"You help customers. The customer asks: {question}"}]
    return openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""
