"""OpenAI's Responses: conversations that the provider keeps by the id of its answers, JSON, streams, and the counting of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import Message, ModelAnswer, ModelFailure, ModelRequest, ToolCall, Usage
from pytest_agentready.world.messages import Response, Transmission
from pytest_agentready.world.services import openai, sse
from pytest_agentready.world.services.models import Desk, Refused


def create(desk: Desk, model: str, body: Mapping[str, Any]) -> Response:
    asked = desk.read(lambda: _request(desk, model, body), openai.misunderstood)
    request, answer = desk.ask(asked, "call_")
    frame = _frame(desk, model, body)
    if isinstance(answer, ModelFailure):
        if answer.kind == "overflow" and request.stream and answer.status is None:
            return _failed_in_the_stream(desk, frame, request, answer)
        return openai.fail(desk, request, answer)
    if body.get("store") is not False:
        desk.keep(frame["id"], replace(request, messages=_without_instructions(request, body)), answer)
    if request.stream:
        return sse.stream(_events(frame, _items(frame, answer), answer), answer, openai.headers(desk))
    return sse.whole(_finished(frame, _items(frame, answer), answer), answer, openai.headers(desk))


def count(desk: Desk, model: str, body: Mapping[str, Any]) -> Response:
    counted = desk.count(desk.read(lambda: _request(desk, model, body), openai.misunderstood))
    return Response(json={"object": "response.input_tokens", "input_tokens": counted.prompt_tokens}, headers=openai.headers(desk))


# -- what is asked


def _request(desk: Desk, model: str, body: Mapping[str, Any]) -> ModelRequest:
    before: tuple[Message, ...] = ()
    previous = body.get("previous_response_id")
    if previous:
        kept = desk.memory.conversations.get(previous)
        if kept is None:
            message = f"Previous response with id '{previous}' not found."
            raise Refused(
                openai.error(desk, 400, message, "invalid_request_error", param="previous_response_id", code="previous_response_not_found")
            )
        before = kept.messages
    told = body.get("instructions")
    instructions = (Message("system", told),) if isinstance(told, str) and told else ()
    return ModelRequest(
        provider="openai",
        endpoint="responses",
        model=model,
        messages=(*instructions, *before, *_messages(body.get("input"))),
        tools=openai.tools_of(body.get("tools")),
        tool_choice=openai.choice_of(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        stream=bool(body.get("stream")),
        max_tokens=body.get("max_output_tokens"),
        continues=previous or "",
        answer_schema=openai.answer_schema((body.get("text") or {}).get("format")),
        user=str(body.get("safety_identifier") or body.get("user") or ""),
    )


def _without_instructions(request: ModelRequest, body: Mapping[str, Any]) -> tuple[Message, ...]:
    """They hold for one request, and are not carried over to the next."""
    return request.messages[1:] if isinstance(body.get("instructions"), str) and body["instructions"] else request.messages


def _messages(given: Any) -> Iterator[Message]:
    """The items of the input; calls that follow one another are those of one answer."""
    if isinstance(given, str):
        yield Message("user", given)
        return
    spoken: Message | None = None
    for item in given if isinstance(given, list) else ():
        if not isinstance(item, dict):
            continue
        kind = item.get("type") or "message"
        if kind in ("function_call", "custom_tool_call"):
            arguments = item.get("arguments", item.get("input"))
            call = ToolCall(str(item.get("name")), arguments if isinstance(arguments, str) else "", str(item.get("call_id") or ""))
            spoken = Message("assistant", "", (call,)) if spoken is None else replace(spoken, calls=(*spoken.calls, call))
            continue
        if kind == "message" and item.get("role") == "assistant" and spoken is None:
            spoken = Message("assistant", openai.text_of(item.get("content")))
            continue
        if kind not in ("message", "function_call_output", "custom_tool_call_output"):
            continue  # reasoning, a reference: nothing that is said
        if spoken is not None:
            yield spoken
            spoken = None
        text = openai.text_of(item.get("content", item.get("output")))
        if kind != "message":
            yield Message("tool", text, answers=str(item.get("call_id") or ""))
        elif item.get("role") == "assistant":
            spoken = Message("assistant", text)
        else:
            yield Message("system" if item.get("role") in ("system", "developer") else "user", text)
    if spoken is not None:
        yield spoken


# -- what is answered


def _frame(desk: Desk, model: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": desk.answer_id("resp_"),
        "object": "response",
        "created_at": desk.now,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
    }


def _items(frame: Mapping[str, Any], answer: ModelAnswer) -> list[dict[str, Any]]:
    number = frame["id"].removeprefix("resp_")
    items: list[dict[str, Any]] = []
    if answer.text or not answer.calls:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        items.append({"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
    for index, call in enumerate(answer.calls):
        status = "incomplete" if answer.out_of_tokens and index == len(answer.calls) - 1 else "completed"
        called = {"call_id": call.id, "name": call.name, "arguments": call.arguments, "status": status}
        items.append({"id": f"fc_{number}{index}", "type": "function_call", **called})
    return items


def _finished(frame: Mapping[str, Any], items: list[dict[str, Any]], answer: ModelAnswer) -> dict[str, Any]:
    ended = (
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}} if answer.out_of_tokens else {"status": "completed"}
    )
    return {**frame, **ended, "output": items, "usage": _usage(answer.usage)}


def _usage(usage: Usage | None) -> dict[str, Any]:
    assert usage is not None
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total,
    }


def _events(frame: Mapping[str, Any], items: list[dict[str, Any]], answer: ModelAnswer) -> Iterator[sse.Event]:
    numbered = _Numbered()
    yield numbered("response.created", response=frame)
    yield numbered("response.in_progress", response=frame)
    for index, item in enumerate(items):
        at: dict[str, Any] = {"output_index": index}
        if item["type"] == "message":
            yield from _message_events(numbered, item, at)
        else:
            yield from _call_events(numbered, item, at)
        yield numbered("response.output_item.done", **at, item=item)
    yield numbered("response.incomplete" if answer.out_of_tokens else "response.completed", response=_finished(frame, items, answer))


def _message_events(numbered: _Numbered, item: dict[str, Any], at: Mapping[str, Any]) -> Iterator[sse.Event]:
    (part,) = item["content"]
    within = {**at, "item_id": item["id"], "content_index": 0}
    yield numbered("response.output_item.added", **at, item={**item, "status": "in_progress", "content": []})
    yield numbered("response.content_part.added", **within, part={**part, "text": ""})
    for piece in sse.pieces(part["text"]):
        yield numbered("response.output_text.delta", is_delta=True, **within, logprobs=[], delta=piece)
    yield numbered("response.output_text.done", **within, logprobs=[], text=part["text"])
    yield numbered("response.content_part.done", **within, part=part)


def _call_events(numbered: _Numbered, item: dict[str, Any], at: Mapping[str, Any]) -> Iterator[sse.Event]:
    within = {**at, "item_id": item["id"]}
    yield numbered("response.output_item.added", **at, item={**item, "status": "in_progress", "arguments": ""})
    for piece in sse.fragments(item["arguments"]):
        yield numbered("response.function_call_arguments.delta", is_delta=True, **within, delta=piece)
    yield numbered("response.function_call_arguments.done", **within, name=item["name"], arguments=item["arguments"])


def _failed_in_the_stream(desk: Desk, frame: Mapping[str, Any], request: ModelRequest, failure: ModelFailure) -> Transmission:
    """A stream begins before the prompt is looked at: what is wrong with it comes as events, under the status 200."""
    told, numbered = openai.told_of(request, failure), _Numbered()
    failed = {**frame, "status": "failed", "error": {"code": told["code"], "message": told["message"]}}
    events = [
        numbered("response.created", response=frame),
        numbered("response.in_progress", response=frame),
        numbered("error", error=told),
        numbered("response.failed", response=failed),
    ]
    return sse.stream(events, ModelAnswer(), openai.headers(desk))


class _Numbered:
    """Events with their numbers."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, kind: str, *, is_delta: bool = False, **value: Any) -> sse.Event:
        number, self._next = self._next, self._next + 1
        return sse.event({"type": kind, "sequence_number": number, **value}, kind, is_delta=is_delta)
