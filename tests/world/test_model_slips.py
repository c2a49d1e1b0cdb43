"""Streams that break off, and slips of the model itself: what arrives of them, streamed and not."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest

from pytest_agentready.script import call, cut_stream, for_ever, malformed, unknown_tool
from tests.world.asking import ANTHROPIC_TOOLS, ASK, CHAT_TOOLS, DONE, RESPONSES_TOOLS, USER, ask
from tests.world.entering import exception
from tests.world.single_calls import by_chat, by_messages

# -- streams that break off


def deltas(stream: Any) -> Any:
    """What gets out, and how it ends."""
    seen: list[str] = []
    try:
        for part in stream():
            seen.append(part)
    except Exception as error:
        return seen, type(error).__name__
    return seen, ""


def chat_texts(**options: Any) -> Any:
    stream = openai.OpenAI(**options).chat.completions.create(model="m", messages=ASK, stream=True)
    return (chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)


def response_texts(**options: Any) -> Any:
    stream = openai.OpenAI(**options).responses.create(model="m", input="Hi", stream=True)
    return (event.delta for event in stream if event.type == "response.output_text.delta")


def message_texts(**options: Any) -> Any:
    stream = anthropic.Anthropic(**options).messages.create(model="m", max_tokens=5, messages=USER, stream=True)
    return (event.delta.text for event in stream if event.type == "content_block_delta")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("stream", "broken", "silent"),
    [
        (chat_texts, "APIConnectionError", "APITimeoutError"),
        (response_texts, "APIConnectionError", "APITimeoutError"),
        (message_texts, "RemoteProtocolError", "ReadTimeout"),
    ],
)
def test_a_stream_is_cut_after_so_many_deltas(stream: Any, broken: str, silent: str) -> None:
    for after in (0, 1, 3):
        run = ask(lambda: deltas(stream), cut_stream("One two three four.", after=after))
        assert run.value == (["One", " two", " three", " four."][:after], broken)
    run = ask(lambda: deltas(stream), cut_stream("One two three four.", after=99))
    assert run.value == (["One", " two", " three", " four."], broken)
    run = ask(lambda: deltas(lambda: stream(timeout=9)), cut_stream("One two three four.", after=2, in_silence=True))
    assert run.value == (["One", " two"], silent)
    assert 9 <= run.virtual < 9.1


@pytest.mark.parametrize("stream", [chat_texts, response_texts, message_texts])
def test_a_stream_may_end_in_good_order_without_its_last_events(stream: Any) -> None:
    run = ask(lambda: deltas(stream), cut_stream("One two three four.", after=2, in_good_order=True))
    assert run.value == (["One", " two"], "")


def test_an_answer_that_is_no_stream_breaks_off_in_the_middle() -> None:
    run = ask(by_chat, for_ever(cut_stream(DONE)))
    assert (exception(run), len(run.model_calls)) == ("APIConnectionError", 3)
    run = ask(by_messages, cut_stream(DONE, in_silence=True), DONE, timeout=4)
    assert run.value == DONE
    assert 4 < run.virtual < 6
    assert [request.status for request in run.requests] == [200, 200]


def test_a_call_may_be_cut_in_the_middle_of_its_arguments() -> None:
    def loop() -> Any:
        arguments = ""
        try:
            for chunk in openai.OpenAI().chat.completions.create(model="m", messages=ASK, tools=CHAT_TOOLS, stream=True):
                arguments += "".join(one.function.arguments or "" for one in chunk.choices[0].delta.tool_calls or () if one.function)
        except openai.APIConnectionError:
            return arguments

    run = ask(loop, cut_stream(call("get_order", order_id="7"), after=3))
    assert run.value == '{"order_id":'
    assert run.model_calls[0].answer.breaks_after == 3  # type: ignore[union-attr]


# -- slips of the model


def arguments_of_chat(streamed: bool) -> Any:
    client = openai.OpenAI()
    if not streamed:
        (made,) = client.chat.completions.create(model="m", messages=ASK, tools=CHAT_TOOLS).choices[0].message.tool_calls or ()
        return made.function.name, made.function.arguments  # type: ignore[union-attr]
    name, arguments = "", ""
    for chunk in client.chat.completions.create(model="m", messages=ASK, tools=CHAT_TOOLS, stream=True):
        for part in chunk.choices[0].delta.tool_calls or ():
            assert part.function is not None
            name, arguments = part.function.name or name, arguments + (part.function.arguments or "")
    return name, arguments


def arguments_of_responses(streamed: bool) -> Any:
    client = openai.OpenAI()
    if not streamed:
        (made,) = client.responses.create(model="m", input="Hi", tools=RESPONSES_TOOLS).output
        return made.name, made.arguments  # type: ignore[union-attr]
    with client.responses.stream(model="m", input="Hi", tools=RESPONSES_TOOLS) as stream:
        done = [event.item for event in stream if event.type == "response.output_item.done"]
    return done[0].name, done[0].arguments  # type: ignore[union-attr]


def arguments_of_messages(streamed: bool, eager: bool = False) -> Any:
    client = anthropic.Anthropic()
    tools: Any = [{**ANTHROPIC_TOOLS[0], "eager_input_streaming": True}] if eager else ANTHROPIC_TOOLS
    if not streamed:
        (made,) = client.messages.create(model="m", max_tokens=5, messages=USER, tools=tools).content
        return made.name, json.dumps(made.input)  # type: ignore[union-attr]
    name, arguments = "", ""
    for event in client.messages.create(model="m", max_tokens=5, messages=USER, tools=tools, stream=True):
        if event.type == "content_block_start":
            name = event.content_block.name  # type: ignore[union-attr]
        elif event.type == "content_block_delta":
            arguments += event.delta.partial_json  # type: ignore[union-attr]
    return name, arguments


MALFORMED = {
    "truncated": '{"order_id": "A-',
    "unclosed": '{"order_id": "A-10"',
    "array": '["A-10"]',
    "types": '{"order_id": {"unexpected": ["A-10"]}}',
    "missing": "{}",
    "text": "order_id is A-10",
    "empty": "",
}


def arrives(loop: Any, how: Any, **arguments: Any) -> Any:
    run = ask(loop, malformed("get_order", how, order_id="A-10"), **arguments)
    assert run.raised is None
    (recorded,) = run.model_calls[0].answer.calls  # type: ignore[union-attr]
    assert run.value == ("get_order", recorded.arguments)
    return recorded.arguments


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("loop", [arguments_of_chat, arguments_of_responses])
def test_malformed_arguments_arrive_from_openai_as_the_model_wrote_them(loop: Any, streamed: bool) -> None:
    assert {how: arrives(loop, how, streamed=streamed) for how in MALFORMED} == MALFORMED
    assert ask(loop, unknown_tool(limit=3), streamed=streamed).value == ("get_order_v2", '{"limit": 3}')


def test_anthropic_sends_an_object_whatever_the_model_wrote() -> None:
    sent = {how: arrives(arguments_of_messages, how, streamed=False) for how in MALFORMED}
    assert sent == {**dict.fromkeys(MALFORMED, "{}"), "types": MALFORMED["types"]}


def test_a_stream_of_anthropics_has_the_beginning_of_an_object_and_anything_where_it_is_eager() -> None:
    sent = {how: arrives(arguments_of_messages, how, streamed=True) for how in MALFORMED}
    assert sent == {**MALFORMED, "array": "{}", "text": "{}", "empty": "{}"}
    assert {how: arrives(arguments_of_messages, how, streamed=True, eager=True) for how in MALFORMED} == MALFORMED


def test_truncated_arguments_come_with_the_reason_of_a_limit() -> None:
    def loop() -> Any:
        one, other = openai.OpenAI(), anthropic.Anthropic()
        chat = one.chat.completions.create(model="m", messages=ASK, tools=CHAT_TOOLS, max_completion_tokens=9)
        made = one.responses.create(model="m", input="Hi", tools=RESPONSES_TOOLS)
        kinds = [event.type for event in one.responses.create(model="m", input="Hi", tools=RESPONSES_TOOLS, stream=True)]
        message = other.messages.create(model="m", max_tokens=7, messages=USER, tools=ANTHROPIC_TOOLS)
        return [
            (chat.choices[0].finish_reason, chat.usage.completion_tokens),  # type: ignore[union-attr]
            (made.status, made.incomplete_details.reason, made.output[0].status),  # type: ignore[union-attr]
            kinds[-1],
            (message.stop_reason, message.usage.output_tokens),
        ]

    run = ask(loop, for_ever(malformed("get_order", order_id="A-10")))
    assert run.value == [("length", 9), ("incomplete", "max_output_tokens", "incomplete"), "response.incomplete", ("max_tokens", 7)]


def test_openais_own_stream_says_that_it_was_cut_off() -> None:
    def loop() -> Any:
        with openai.OpenAI().chat.completions.stream(model="m", messages=ASK, tools=CHAT_TOOLS) as stream:
            return stream.get_final_completion()

    assert exception(ask(loop, malformed("get_order", order_id="A-10"))) == "LengthFinishReasonError"


def test_an_sdk_that_mends_a_truncated_call_in_a_stream_does_so_here() -> None:
    """What a loop on this SDK's own stream is given, and carries out."""

    def loop() -> Any:
        with anthropic.Anthropic().messages.stream(model="m", max_tokens=5, messages=USER, tools=ANTHROPIC_TOOLS) as stream:
            return stream.get_final_message().content[0].input  # type: ignore[union-attr]

    assert ask(loop, malformed("get_order", "truncated", order_id="A-10", note="as before")).value == {"order_id": "A-10"}
