"""What AR705 says of an answer that the limit of its output has cut off: the model did not write badly, it was not let write on."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai

from pytest_agentready.domain import Finding
from tests.corpus_loops import malformed_call_crash
from tests.corpus_loops.malformed_call_crash import FACTS, ORDER, chat_tools, claude_tools, get_order
from tests.examining import as_loop, engine


def findings(function: Any) -> tuple[Finding, ...]:
    return engine().examine(as_loop(function, FACTS), engine().registry.check("AR705")).findings


def claude_that_is_cut_off(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        with client.messages.stream(
            model="claude-sonnet-5", max_tokens=900, messages=messages, tools=claude_tools("get_order", ORDER)
        ) as stream:
            answer = stream.get_final_message()
        if answer.stop_reason == "max_tokens":
            raise RuntimeError("the answer is too long")
        messages.append({"role": "assistant", "content": answer.content})
        results = []
        for block in answer.content:
            if block.type == "tool_use":
                order = block.input.get("order_id")
                output = get_order(order) if isinstance(order, str) else "order_id is missing, or no text"
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": output})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "Too many steps."


def chat_that_says_nothing_then(question: str) -> str | None:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        choice = (
            openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=chat_tools("get_order", ORDER)).choices[0]
        )
        if choice.finish_reason == "length":
            return None
        messages.append(choice.message)
        if not choice.message.tool_calls:
            return choice.message.content
        for call in choice.message.tool_calls:
            assert call.type == "function"
            try:
                order = json.loads(call.function.arguments)["order_id"]
                output = get_order(order) if isinstance(order, str) else "order_id is no text"
            except (ValueError, KeyError, TypeError) as mistake:
                output = f"Your arguments are not valid: {mistake!r}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return "Too many steps."


def test_who_breaks_off_for_the_reason_is_told_of_the_reason() -> None:
    (finding,) = findings(claude_that_is_cut_off)
    assert finding.message == (
        "malformed arguments end the run, in an answer that its limit has cut off, with `stop_reason` max_tokens "
        "(truncated JSON or JSON that is not closed: RuntimeError: the answer is too long)"
    )
    assert "ask again with a larger limit" in finding.fix
    assert "`stop_reason` max_tokens" in finding.fix


def test_who_says_nothing_then_is_told_so_too() -> None:
    (finding,) = findings(chat_that_says_nothing_then)
    assert finding.message == (
        "arguments that are truncated JSON or JSON that is not closed end the run, in an answer that its limit has cut off, "
        "with `finish_reason` length: the user gets nothing"
    )


def test_who_takes_no_malformed_arguments_at_all_is_told_to_validate_them() -> None:
    found = findings(malformed_call_crash.loaded_and_unpacked)
    assert all("cut off" not in finding.message and not finding.fix for finding in found)
    assert found
