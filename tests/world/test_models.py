"""Providers of models in the world: what real clients make of their answers, and what is recorded."""

from __future__ import annotations

import itertools
from typing import Any

import anthropic
import httpx
import openai
import pytest

from pytest_agentready.domain import Message, ModelAnswer, ToolCall, Usage
from pytest_agentready.script import call, for_ever, say
from tests.world.asking import ASK, DONE, USER, Loop, ask, conversation, used
from tests.world.loops_with_models import LOOPS, chat, chat_streamed_by_httpx, messages

each = pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)


@each
def test_a_loop_calls_its_tool_and_answers(loop: Loop) -> None:
    run = ask(loop, call("get_order", order_id="7"), DONE)
    assert (run.value, run.raised, run.ending) == (DONE, None, None)
    assert len(run.model_calls) == 2


@each
def test_the_model_sees_the_whole_conversation_however_it_is_kept(loop: Loop) -> None:
    run = ask(loop, call("get_order", order_id="7"), DONE)
    assert conversation(run) == [
        ("system", "Be brief.", []),
        ("user", "Where is order 7?", []),
        ("assistant", "", ["get_order"]),
        ("tool", "Order 7 is shipped.", []),
    ]
    first, second = run.model_calls
    assert first.answer.calls[0].id == second.messages[-1].answers != ""  # type: ignore[union-attr]
    assert [tool.name for tool in second.tools] == ["get_order"]
    assert second.tools[0].description.startswith("An order's state.")
    assert list(second.tools[0].schema["properties"]) == ["order_id"]


@each
def test_parallel_calls_come_in_one_answer_and_have_ids_of_their_own(loop: Loop) -> None:
    run = ask(loop, [call("get_order", order_id="7"), call("get_order", order_id="8")], DONE)
    assert run.value == DONE
    called = run.model_calls[1].messages[2].calls
    answered = [message.answers for message in run.model_calls[1].messages if message.role == "tool"]
    assert [one.id for one in called] == answered
    assert len(set(answered)) == 2
    assert [message.text for message in run.model_calls[1].messages[3:]] == ["Order 7 is shipped.", "Order 8 is shipped."]


@each
def test_a_text_may_come_beside_a_call(loop: Loop) -> None:
    run = ask(loop, say("Let me see.", call("get_order", order_id="7")), DONE)
    assert run.value == DONE
    spoken = run.model_calls[1].messages[2]
    assert [one.name for one in spoken.calls] == ["get_order"]
    assert spoken.text in ("Let me see.", "")  # one of the loops keeps the calls alone


def test_each_call_is_recorded_with_its_line_and_its_moment() -> None:
    run = ask(chat, call("get_order", order_id="7"), DONE)
    first, second = run.model_calls
    assert (first.provider, first.request.endpoint, first.model, first.request.stream) == ("openai", "chat", "gpt-5.1", False)
    assert first.answer == ModelAnswer(
        calls=(ToolCall("get_order", '{"order_id": "7"}', "call_000000000000000000000001"),), usage=first.usage
    )
    assert second.answer == ModelAnswer(DONE, usage=second.usage)
    assert 0 < first.at < second.at < 0.1
    assert {one.where.partition(":")[0].rpartition("/")[2] for one in run.model_calls} == {"loops_with_models.py"}
    assert [(request.is_write, request.committed, request.status, request.routed) for request in run.requests] == [
        (False, True, 200, True)
    ] * 2


def test_the_prompt_grows_with_the_conversation_and_a_known_part_is_counted_the_same() -> None:
    run = ask(messages, for_ever(lambda turn: call("get_order", order_id=str(turn)) if turn < 5 else DONE))
    prompts = [one.request.prompt_tokens for one in run.model_calls]
    assert prompts == sorted(set(prompts))
    growth = [later - earlier for earlier, later in itertools.pairwise(prompts)]
    assert max(growth) == min(growth) > 10


# -- usage, as each provider reports it


def test_openai_counts_cached_tokens_as_a_part_of_the_prompt() -> None:
    run = ask(lambda: used(openai.OpenAI()), say(DONE).using(prompt=900, output=70, cached=800))
    usage: Any = run.value
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (900, 70, 970)
    assert usage.prompt_tokens_details.cached_tokens == 800


def test_openai_responses_count_them_the_same() -> None:
    run = ask(
        lambda: openai.OpenAI().responses.create(model="gpt-5.1", input="Hi").usage, say(DONE).using(prompt=900, output=70, cached=800)
    )
    usage: Any = run.value
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.input_tokens_details.cached_tokens) == (900, 70, 970, 800)


@pytest.mark.parametrize("streamed", [False, True])
def test_anthropic_counts_cached_tokens_beside_the_others(streamed: bool) -> None:
    def loop() -> Any:
        client = anthropic.Anthropic()
        if not streamed:
            return client.messages.create(model="m", max_tokens=5, messages=USER).usage
        with client.messages.stream(model="m", max_tokens=5, messages=USER) as stream:
            return stream.get_final_message().usage

    usage: Any = ask(loop, say(DONE).using(prompt=900, output=70, cached=800)).value
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (100, 800, 70)


def test_a_stream_of_openai_tells_its_usage_when_it_is_asked_to() -> None:
    def loop(**options: Any) -> Any:
        chunks = list(openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=ASK, stream=True, **options))
        return [chunk.usage.total_tokens for chunk in chunks if chunk.usage], [len(chunk.choices) for chunk in chunks[-2:]]

    assert ask(loop, say(DONE).using(prompt=30, output=7), stream_options={"include_usage": True}).value == ([37], [1, 0])
    assert ask(loop, say(DONE).using(prompt=30, output=7)).value == ([], [1, 1])
    assert ask(chat_streamed_by_httpx, say(DONE).using(prompt=30, output=7)).value == (DONE, 37)


def test_what_nothing_says_of_usage_is_counted() -> None:
    run = ask(lambda: used(openai.OpenAI()), DONE)
    assert run.model_calls[0].usage == Usage(run.model_calls[0].request.prompt_tokens, 6)
    assert run.value.prompt_tokens == run.model_calls[0].usage.prompt > 10  # type: ignore[attr-defined,union-attr]


# -- streams


def test_a_stream_comes_in_deltas_with_the_frame_that_each_provider_has() -> None:
    def chunks() -> Any:
        return [
            (c.choices[0].delta.content, c.choices[0].finish_reason)
            for c in openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=ASK, stream=True)
        ]

    assert ask(chunks, "It is shipped.").value == [("", None), ("It", None), (" is", None), (" shipped.", None), (None, "stop")]

    def kinds() -> Any:
        return [event.type for event in openai.OpenAI().responses.create(model="gpt-5.1", input="Hi", stream=True)]

    assert ask(kinds, "It is.").value == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.delta", "response.output_text.done", "response.content_part.done",
        "response.output_item.done", "response.completed",
    ]  # fmt: skip

    def events() -> Any:
        return [event.type for event in anthropic.Anthropic().messages.create(model="m", max_tokens=5, messages=USER, stream=True)]

    assert ask(events, "It is.").value == [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
    ]  # fmt: skip


def test_a_long_text_has_no_more_deltas_than_a_short_one() -> None:
    def loop() -> Any:
        chunks = list(openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=ASK, stream=True))
        return len(chunks), "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    count, text = ask(loop, "a word " * 5_000).value  # type: ignore[misc]
    assert count <= 45
    assert text == "a word " * 5_000


def test_httpx_reads_a_stream_of_anthropics_by_hand() -> None:
    def loop() -> Any:
        body = {"model": "m", "max_tokens": 5, "messages": USER, "stream": True}
        with httpx.stream("POST", "https://api.anthropic.com/v1/messages", json=body) as response:
            return response.headers["content-type"], [line for line in response.iter_lines() if line.startswith("event:")][:2]

    assert ask(loop, "ok").value == ("text/event-stream; charset=utf-8", ["event: message_start", "event: ping"])


# -- beside the answers


def test_tokens_are_counted_as_the_same_request_is() -> None:
    def loop() -> Any:
        one, other = openai.OpenAI(), anthropic.Anthropic()
        return (
            one.responses.input_tokens.count(model="m", input="Where is order 7?").input_tokens,
            one.responses.create(model="m", input="Where is order 7?").usage.input_tokens,  # type: ignore[union-attr]
            other.messages.count_tokens(model="m", messages=USER).input_tokens,
            other.messages.create(model="m", max_tokens=5, messages=USER).usage.input_tokens,
        )

    run = ask(loop, for_ever("ok"))
    assert len(set(run.value)) == 1  # type: ignore[call-overload]
    assert len(run.model_calls) == 2


def test_embeddings_are_the_same_for_the_same_text() -> None:
    def loop() -> Any:
        client = openai.OpenAI()
        found = client.embeddings.create(model="text-embedding-3-small", input=["tea", "tea", "coffee"])
        short = client.embeddings.create(model="text-embedding-3-small", input="tea", dimensions=8, encoding_format="float")
        return [one.embedding for one in found.data], short.data[0].embedding, found.usage.prompt_tokens

    (tea, again, coffee), short, used = ask(loop).value  # type: ignore[misc]
    assert tea == again != coffee
    assert (len(tea), len(short), used) == (1536, 8, 3)
    assert sum(part * part for part in short) == pytest.approx(1)


def test_the_models_are_listed_to_clients_of_a_provider() -> None:
    def loop() -> Any:
        one, other = openai.OpenAI(), anthropic.Anthropic()
        return [m.id for m in one.models.list()][:1], one.models.retrieve("gpt-x").id, [m.id for m in other.models.list()][:1]

    assert ask(loop).value == (["gpt-5.1"], "gpt-x", ["claude-sonnet-5"])


# -- what a request says of itself


def test_what_a_request_says_of_itself_is_read() -> None:
    def loop() -> Any:
        tools: Any = [{"type": "function", "function": {"name": "a", "parameters": {}}}]
        choice: Any = {"type": "function", "function": {"name": "a"}}
        openai.OpenAI().chat.completions.create(
            model="m", messages=ASK, tools=tools, tool_choice=choice, parallel_tool_calls=False, max_completion_tokens=9, user="ada"
        )
        anthropic.Anthropic().messages.create(
            model="m", messages=USER, max_tokens=9, tools=[{"name": "a", "input_schema": {"type": "object"}}],
            tool_choice={"type": "any", "disable_parallel_tool_use": True}, metadata={"user_id": "ada"},
        )  # fmt: skip

    first, second = (one.request for one in ask(loop, for_ever("ok")).model_calls)
    assert (first.tool_choice, first.parallel, first.max_tokens, first.user) == ("a", False, 9, "ada")
    assert (second.tool_choice, second.parallel, second.max_tokens, second.user) == ("required", False, 9, "ada")


def test_a_failed_tool_is_marked_and_what_stands_beside_a_result_is_the_users() -> None:
    content: Any = [
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "boom"}], "is_error": True},
        {"type": "text", "text": "Go on."},
    ]
    call_: Any = [{"type": "tool_use", "id": "t1", "name": "a", "input": {}}]
    asked: Any = [*USER, {"role": "assistant", "content": call_}, {"role": "user", "content": content}]
    run = ask(lambda: anthropic.Anthropic().messages.create(model="m", max_tokens=5, messages=asked) and None, "ok")
    assert run.model_calls[0].messages[2:] == (Message("tool", "boom", answers="t1", is_error=True), Message("user", "Go on."))
