"""The loop in good health: asked once by a user whose model answers at once, and once more for each tool that it offers.

It comes first: it shows whether the loop reaches a model at all, which tools it offers, whom they ask, and what the user gets.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pytest_agentready.domain import Conversation, Loop, NormalConversation, Request, ToolTrial, Unjudgeable, shortened, some_of
from pytest_agentready.experiments.conversing import Player, arguments_of, calling, converse
from pytest_agentready.script import say
from pytest_agentready.world import BackendFailed
from pytest_agentready.world.unanswered import LOOP_MARKER, unanswered

MANY = 12  # tools that are tried
ANSWER = "Your order 42 is on its way."
SIMPLE = "give call= in the marker, a function that takes the user's text and gives what the user gets"
# What a client says that was made without a key, at the import of its module say: later there is one.
KEYLESS = re.compile(r"resolve authentication method|(?:api_key|api key|credentials).{0,40} must be (?:set|provided|passed)", re.IGNORECASE)
# The protocols that providers have beside OpenAI's, by the address, and what the same provider speaks as well.
OTHER_PROTOCOLS = (
    (
        re.compile(r"/api/(?:chat|generate)$"),
        "Ollama's own protocol, which the scripted model does not speak: Ollama speaks OpenAI's, too, under /v1",
    ),
    (
        re.compile(r":(?:stream)?[gG]enerateContent$"),
        "Gemini's own protocol, which the scripted model does not speak: Google speaks OpenAI's, too, under /v1beta/openai",
    ),
    (re.compile(r"/model/[^/]+/(?:converse|invoke)[\w-]*$"), "Bedrock's own protocol, which the scripted model does not speak"),
)
VARIABLE = re.compile(r"^'?([A-Z][A-Z0-9_]{2,})'?$")  # of the environment, as a KeyError names it


def run(loop: Loop) -> NormalConversation:
    try:
        plain = converse(loop, Player(say(ANSWER)))
        if problem := obstacle_of(loop, plain):
            return NormalConversation(plain, obstacle=problem)
        trials = []
        for offered in plain.offered[:MANY]:
            arguments = arguments_of(loop, offered)
            trials.append(ToolTrial(offered, arguments, converse(loop, Player(calling(loop, offered, arguments), say(ANSWER)))))
    except BackendFailed as failure:
        raise Unjudgeable("the marker's backend= does not work", str(failure)) from failure
    streamed = any(request.stream for request in plain.requests)
    return NormalConversation(plain, tuple(trials), _broken([plain, *(trial.conversation for trial in trials)]), streamed)


def _broken(conversations: list[Conversation]) -> str:
    """What is wrong with a loop that fails in each of its ordinary conversations."""
    if not all(conversation.raised is not None for conversation in conversations):
        return ""
    raised = conversations[0].raised
    assert raised is not None
    said = f": {shortened(raised.message, 200)}" if raised.message else ""
    where = f" ({raised.where})" if raised.where else ""
    remedy = "give args= and an environment in which it works"
    if conversations[0].model_calls and not conversations[0].offered:
        remedy += ". It offers no tools: if it wants a form of its own in the model's text, only what its prompt shows as JSON is known"
    return f"it fails in an ordinary conversation, with {raised.kind}{said}{where}: {remedy}"


def obstacle_of(loop: Loop, plain: Conversation) -> str:
    """Why the loop cannot be examined, and what would help; "" where it can."""
    turn = plain.last
    if turn.asked_at_keyboard:
        return f"it asks at the keyboard, by input() at {turn.asked_at_keyboard}, before it asks a model: {SIMPLE}"
    if plain.model_calls:
        return ""
    if turn.raised is not None:
        raised = turn.raised
        if raised.kind == "KeyError" and (name := VARIABLE.match(raised.message)):
            return f"it needs the environment variable {name[1]} ({raised.where}): set one in a fixture of the test, any value will do"
        if KEYLESS.search(raised.message):
            return (
                f"its client has no key ({raised.where}): set its variable, such as OPENAI_API_KEY or ANTHROPIC_API_KEY, before the "
                "module is imported that makes it, in conftest.py say; any value will do"
            )
    unrouted = [request for request in turn.run.requests if request.routed is False]
    if other := next(filter(None, map(_other_protocol, unrouted)), ""):
        return f"it asks no model that the world knows, but {other}"
    if turn.raised is not None:
        said = f": {turn.raised.message}" if turn.raised.message else ""
        also = f", and asks {some_of(dict.fromkeys(request.url for request in unrouted))} for nothing" if unrouted else ""
        return (
            f"it raises {turn.raised.kind}{said} before it asks a model ({turn.raised.where}){also}: "
            "give args= and an environment in which it works"
        )
    if missing := unanswered(unrouted, loop.facts.backend, LOOP_MARKER):
        return f"it asks no model that the world knows, but {missing}"
    if turn.run.refused:
        return f"it asks no model, and wants {some_of(turn.run.refused)}, which the world does not let out"
    if turn.ending is not None:
        return f"it asks no model, and does not end: {turn.ending.story}"
    asked = f": it asks {some_of(turn.run.peers)} alone" if turn.run.peers else ", and nobody else outside of the process"
    heard = turn.heard.strip()  # an exception that was caught, most often
    answer = f". Its user gets {shortened(' '.join(heard.split()), 160)!r}" if heard else ""
    return f"it asks no model of OpenAI's or Anthropic's protocol{asked}{answer}. Name the function that talks to the model, or {SIMPLE}"


def _other_protocol(request: Request) -> str:
    """`POST http://... in a protocol of its own`; "" where it is none that is known."""
    path = urlsplit(request.url).path
    words = next((words for pattern, words in OTHER_PROTOCOLS if request.method == "POST" and pattern.search(path)), "")
    return f"{request.method} {request.url.partition('?')[0]}, in {words}" if words else ""
