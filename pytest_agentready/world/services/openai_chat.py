"""OpenAI's Chat Completions, in JSON and as a stream of chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_agentready.domain import Message, ModelAnswer, ModelFailure, ModelRequest, ToolCall, Usage
from pytest_agentready.world.messages import Response
from pytest_agentready.world.services import openai, sse
from pytest_agentready.world.services.models import Desk


def complete(desk: Desk, model: str, body: Mapping[str, Any]) -> Response:
    asked = desk.read(lambda: _request(model, body), openai.misunderstood)
    request, answer = desk.ask(asked, "call_")
    if isinstance(answer, ModelFailure):
        return openai.fail(desk, request, answer)
    frame = {"id": desk.answer_id("chatcmpl-"), "created": desk.now, "model": model, "service_tier": "default"}
    if request.stream:
        return sse.stream(_chunks(frame, answer, request.reports_usage or answer.usage_unasked), answer, openai.headers(desk))
    return sse.whole(_completion(frame, answer), answer, openai.headers(desk))


def _request(model: str, body: Mapping[str, Any]) -> ModelRequest:
    return ModelRequest(
        provider="openai",
        endpoint="chat",
        model=model,
        messages=tuple(_messages(body["messages"])),
        tools=openai.tools_of(body.get("tools") or body.get("functions")),
        tool_choice=openai.choice_of(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        stream=bool(body.get("stream")),
        reports_usage=not body.get("stream") or bool((body.get("stream_options") or {}).get("include_usage")),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        answer_schema=openai.answer_schema(body.get("response_format")),
        user=str(body.get("safety_identifier") or body.get("user") or ""),
    )


def _messages(messages: list[Any]) -> Iterator[Message]:
    for message in messages:
        if not isinstance(message, dict):
            continue
        role, text = message.get("role"), openai.text_of(message.get("content"))
        if role in ("system", "developer"):
            yield Message("system", text)
        elif role == "assistant":
            yield Message("assistant", text or str(message.get("refusal") or ""), tuple(_calls(message)))
        elif role in ("tool", "function"):
            yield Message("tool", text, answers=str(message.get("tool_call_id") or message.get("name") or ""))
        else:
            yield Message("user", text)


def _calls(message: Mapping[str, Any]) -> Iterator[ToolCall]:
    for call in message.get("tool_calls") or ():
        called = call.get("function") or call.get("custom") or {}
        yield ToolCall(str(called.get("name")), _text(called.get("arguments", called.get("input"))), str(call.get("id") or ""))


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else ""


def _finish(answer: ModelAnswer) -> str:
    if answer.out_of_tokens:
        return "length"
    return "tool_calls" if answer.calls else "stop"


def _usage(usage: Usage | None) -> dict[str, Any]:
    assert usage is not None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _completion(frame: Mapping[str, Any], answer: ModelAnswer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or (None if answer.calls else ""), "refusal": None}
    if answer.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in answer.calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    return {**frame, "object": "chat.completion", "choices": [choice], "usage": _usage(answer.usage)}


def _chunks(frame: Mapping[str, Any], answer: ModelAnswer, with_usage: bool) -> Iterator[sse.Event]:
    usage: dict[str, Any] = {"usage": None} if with_usage else {}

    def chunk(delta: Mapping[str, Any], *, finish: str | None = None, is_delta: bool = False) -> sse.Event:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse.event({**frame, "object": "chat.completion.chunk", "choices": [choice], **usage}, is_delta=is_delta)

    yield chunk({"role": "assistant", "content": "" if answer.text or not answer.calls else None, "refusal": None})
    for piece in sse.pieces(answer.text):
        yield chunk({"content": piece}, is_delta=True)
    for index, call in enumerate(answer.calls):
        begun = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield chunk({"tool_calls": [begun]}, is_delta=True)
        for piece in sse.fragments(call.arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, is_delta=True)
    yield chunk({}, finish=_finish(answer))
    if with_usage:
        yield sse.event({**frame, "object": "chat.completion.chunk", "choices": [], "usage": _usage(answer.usage)})
    yield sse.event("[DONE]")
