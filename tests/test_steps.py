"""Which calls of a model go on with a conversation, and which are made aside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_agentready.domain import Message, ModelRequest, OfferedTool, is_aside, lacks, lost_instructions

TOOL = OfferedTool("get_order", "An order.", {"type": "object", "properties": {}})
ASKED = ModelRequest(
    "openai",
    "chat",
    "gpt-5.1",
    (Message("system", "You help customers politely."), Message("user", "Where is my order?")),
    (TOOL,),
    prompt_tokens=100,
)
TALK = "user: Where is my order?\nassistant: " + "It is on its way. " * 200


def said_to(request: ModelRequest, *messages: Message) -> ModelRequest:
    return replace(request, messages=messages, tools=())


def test_of_a_loop_that_offers_tools_what_offers_or_allows_none_is_aside() -> None:
    assert not is_aside(ASKED, True, ["Where is my order?"])
    assert is_aside(replace(ASKED, tools=()), True, ["Where is my order?"])
    assert is_aside(replace(ASKED, tool_choice="none"), True, ["Where is my order?"])


def test_a_summary_may_be_asked_for_with_the_tools_there() -> None:
    order = Message("user", "Write a continuation summary that lets you resume the work.")
    begun = (*ASKED.messages, Message("assistant", "Let me see."))
    assert is_aside(replace(ASKED, messages=(*begun, order)), True, ["Where is my order?"])
    assert not is_aside(replace(ASKED, messages=(*begun, Message("user", "Go on."))), True, ["Where is my order?"])
    assert not is_aside(
        replace(ASKED, messages=(Message("user", "Continue from this summary: it is late."),)), True, ["Where is my order?"]
    )


@pytest.mark.parametrize(
    ("messages", "aside"),
    [
        ((Message("user", "Where is my order?"),), False),
        ((Message("user", "Summarize the following question: Where is my order?"),), False),
        ((Message("user", f"Summarize this conversation:\n{TALK}"),), True),
        ((Message("system", "You condense conversations."), Message("user", TALK.replace("Where is", "where was"))), True),
        ((Message("user", f"{TALK}\nuser: Where is my order?"),), False),
        ((Message("assistant", "A summary."), Message("user", "Where is my order?")), False),
    ],
    ids=("the-question", "an-app-that-summarises", "a-transcript", "by-its-system-prompt", "all-in-one-text", "behind-a-summary"),
)
def test_of_a_loop_without_tools_what_asks_for_a_summary_is_aside(messages: tuple[Message, ...], aside: bool) -> None:
    assert is_aside(said_to(ASKED, *messages), False, ["Where is my order?"]) is aside


SYSTEM = ASKED.messages[0]
LONG = "Let me see. " * 100
RESULT = "shipped on Monday"
AGAIN = Message("tool", "[cleared]", answers="call_1")
GROWN = replace(
    ASKED,
    messages=(*ASKED.messages, Message("assistant", LONG), Message("tool", RESULT, answers="call_1")),
    prompt_tokens=500,
)


@pytest.mark.parametrize(
    ("after", "lacking"),
    [
        (replace(GROWN, messages=(*GROWN.messages, Message("assistant", "Hm. " * 100)), prompt_tokens=700), False),
        (replace(GROWN, messages=(*ASKED.messages, Message("assistant", "Hm. " * 100)), prompt_tokens=300), True),
        (replace(GROWN, messages=(*GROWN.messages[:3], Message("tool", "[cleared]", answers="call_1")), prompt_tokens=700), True),
        (replace(GROWN, messages=(SYSTEM, Message("user", "You have 3 steps left."), *GROWN.messages[2:]), prompt_tokens=700), False),
        (replace(GROWN, messages=(Message("system", "You have 3 steps left."), *GROWN.messages[1:]), prompt_tokens=700), False),
        (replace(GROWN, messages=GROWN.messages[1:], prompt_tokens=700), True),
        (replace(GROWN, messages=(*GROWN.messages[:3], AGAIN, replace(AGAIN, answers="call_2", text=RESULT)), prompt_tokens=700), True),
        (replace(GROWN, messages=(*GROWN.messages[:2], Message("user", f"Said: {LONG}"), *GROWN.messages[3:]), prompt_tokens=510), False),
        (replace(GROWN, prompt_tokens=510), False),
    ],
    ids=(
        "it-grows",
        "messages-are-gone",
        "a-result-is-cleared",
        "a-note-has-changed",
        "the-system-prompt-has-changed",
        "it-is-gone",
        "of-two-like-it",
        "it-has-moved",
        "what-is-said-is-never-kept",
    ),
)
def test_something_has_been_taken_out_where_messages_are_gone_and_it_is_shorter_for_it(after: ModelRequest, lacking: bool) -> None:
    assert lacks(GROWN, 200, after) is lacking


def test_instructions_may_change_a_little_and_may_stand_elsewhere() -> None:
    rules = Message("system", "You help customers politely. Never promise refunds. Step 1 of 8.")
    first = replace(ASKED, messages=(rules, Message("user", "Hi")))
    assert not lost_instructions(first, replace(first, messages=(replace(rules, text=rules.text.replace("1 of", "2 of")),)))
    assert not lost_instructions(first, replace(first, messages=(Message("user", f"Keep to this: {rules.text}"),)))
    assert lost_instructions(first, replace(first, messages=(Message("user", "A summary of a talk about orders."),)))
