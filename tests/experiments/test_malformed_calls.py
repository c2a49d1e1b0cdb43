"""Which slips of a model a loop meets, and what is taken for the work of a tool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anthropic
import openai
import pytest
import requests

from pytest_agentready.domain import Loop, NormalConversation, Slips
from pytest_agentready.experiments import cut_streams, huge_outputs, malformed_calls, normal_conversation, parallel_calls
from pytest_agentready.world.leftovers import collected
from tests.examining import as_loop
from tests.world.asking import ANTHROPIC_TOOLS, CHAT_TOOLS

BACKEND = {
    "GET https://api.example.com/orders/{id}": {"state": "shipped"},
    "POST https://api.example.com/audit": {},
    "POST https://api.example.com/turns": {},
}
ROUTE: Any = {"type": "function", "function": {"name": "route", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}}


def tried(function: Any, **facts: Any) -> tuple[Loop, NormalConversation, Slips]:
    loop = as_loop(function, {"backend": BACKEND, **facts})
    with collected(loop):
        normal = normal_conversation.run(loop)
        return loop, normal, malformed_calls.run(loop, normal)


def looked_up(name: str, arguments: str) -> str:
    """Every call is recorded elsewhere, whatever becomes of it."""
    requests.post("https://api.example.com/audit", json={"tool": name, "arguments": arguments}, timeout=5)
    if name != "get_order":
        return f"There is no tool {name}."
    try:
        return requests.get(f"https://api.example.com/orders/{json.loads(arguments)['order_id']}", timeout=5).text
    except (ValueError, KeyError, TypeError):
        return "These arguments are not valid."


def by_chat(question: str, routed: bool = False, stream: bool = False) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    client = openai.OpenAI()
    if routed:
        choice: Any = {"type": "function", "function": {"name": "route"}}
        client.chat.completions.create(model="m", messages=messages, tools=[ROUTE], tool_choice=choice)
    for _ in range(6):
        requests.post("https://api.example.com/turns", json={}, timeout=5)
        if stream:
            with client.chat.completions.stream(model="m", messages=messages, tools=CHAT_TOOLS) as events:
                message: Any = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(model="m", messages=messages, tools=CHAT_TOOLS).choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(message.to_dict())
        for call in message.tool_calls:
            content = looked_up(call.function.name, call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    return "It took too many steps."


def by_messages(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        answer = anthropic.Anthropic().messages.create(model="m", max_tokens=99, messages=messages, tools=ANTHROPIC_TOOLS)
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": block.id, "content": looked_up(block.name, json.dumps(block.input))}
            for block in answer.content
            if block.type == "tool_use"
        ]
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
    return "It took too many steps."


def arrived(slips: Slips) -> Mapping[str, str]:
    return {slip.how: slip.made[1].arguments for slip in slips.malformed if slip.made is not None}


def test_arguments_are_malformed_in_every_way_that_the_protocol_can_carry() -> None:
    _, _, of_chat = tried(by_chat)
    assert arrived(of_chat) == {
        "truncated": '{"order_id": "10',
        "unclosed": '{"order_id": "1001"',
        "array": '["1001"]',
        "text": "order_id is 1001",
        "empty": "",
        "types": '{"order_id": {"unexpected": ["1001"]}}',
        "missing": "{}",
    }
    _, _, of_messages = tried(by_messages)
    assert arrived(of_messages) == {"types": '{"order_id": {"unexpected": ["1001"]}}', "missing": "{}"}


def test_what_the_tool_does_is_told_from_what_the_loop_does_for_every_turn_and_every_call() -> None:
    _, _, slips = tried(by_chat)
    assert [(verb, place) for verb, place, _ in slips.kinds] == [("GET", "api.example.com/orders")]
    assert slips.in_its_place == ()
    assert {slip.how for slip in slips.malformed if slips.carried_out(slip)} == {"types"}


def test_the_call_of_a_router_is_not_taken_for_the_one_that_is_tried() -> None:
    _, normal, slips = tried(by_chat, args={"routed": True})
    assert [tool.name for tool in normal.plain.offered] == ["route", "get_order"]
    assert slips.trial is not None
    assert slips.trial.tool.name == "get_order"
    assert slips.unknown is not None
    assert slips.unknown.made is not None
    assert slips.unknown.made[1].name == "get_order_v2"
    assert slips.unknown.told == "There is no tool get_order_v2."
    assert slips.trial.answer == '{"state": "shipped"}'


def test_a_loop_that_does_not_stream_meets_no_cut_stream() -> None:
    loop, _, slips = tried(by_chat)
    with collected(loop):
        found = cut_streams.run(loop, slips)
    assert (found.streamed, found.cuts) == (False, ())


@pytest.mark.parametrize("how", ["closed", "silent", "ended"])
def test_a_stream_is_cut_behind_the_last_value_of_its_arguments(how: str) -> None:
    loop, _, slips = tried(by_chat, args={"stream": True})
    with collected(loop):
        (cut,) = [cut for cut in cut_streams.run(loop, slips).cuts if cut.how == how]
    assert cut.made is not None
    assert cut.made[1].arguments == '{"order_id": "1001"'
    raised = cut.conversation.raised
    assert raised is None if how == "ended" else raised is not None and "API" in raised.kind


def test_three_calls_are_made_alone_and_at_once_and_told_apart_by_the_answers_of_the_backend() -> None:
    loop, normal, _ = tried(by_chat)
    with collected(loop):
        found = parallel_calls.run(loop, normal)
    assert found.together is not None
    together = {call.arguments: found.together.answers_to(call)[0].text for _, call in found.together.wanted}
    assert len(set(together.values())) == 3
    assert found.told == together


def test_a_huge_answer_is_tried_twice_where_much_of_it_reaches_the_model() -> None:
    loop, normal, _ = tried(by_chat)
    with collected(loop):
        (found,) = huge_outputs.run(loop, normal)
    assert found.twice is not None
    sizes = [max(len(message.text) for request in each.requests for message in request.messages) for each in (found.huge, found.twice)]
    assert sizes[0] > found.size
    assert sizes[1] > 1.9 * sizes[0]
