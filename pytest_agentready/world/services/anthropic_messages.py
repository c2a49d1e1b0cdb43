"""Anthropic's Messages, in JSON and as a stream of events, with the threads of the beta, and the counting of tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import Message, ModelAnswer, ModelFailure, ModelRequest, OfferedTool, ToolCall, Usage
from pytest_agentready.world.messages import Response
from pytest_agentready.world.services import anthropic, sse
from pytest_agentready.world.services.models import Desk, Refused

UNTHREADED = ("cache_control", "context_management", "fallbacks", "thinking")  # what a request with a thread may not have
CHOICES = {"auto": "auto", "any": "required", "none": "none"}

SERVED = ("web_search_", "web_fetch_", "code_execution_", "tool_search_", "mcp_toolset")  # tools that Anthropic itself carries out
# Tools whose schema the model knows without being told, by how their type begins.
VIEW = {
    "type": "object",
    "properties": {"command": {"type": "string", "enum": ["view"]}, "path": {"type": "string"}},
    "required": ["command", "path"],
}
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "bash_": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    "computer_": {"type": "object", "properties": {"action": {"type": "string", "enum": ["screenshot"]}}, "required": ["action"]},
    "text_editor_": VIEW,
    "memory_": VIEW,
}


def create(desk: Desk, body: Mapping[str, Any]) -> Response:
    asked = desk.read(lambda: _request(desk, body), anthropic.misunderstood)
    eager = {str(tool.get("name")) for tool in body.get("tools") or () if tool.get("eager_input_streaming")} if asked.stream else set()
    request, answer = desk.ask(asked, "toolu_", lambda found: _as_sent(found, asked, eager))
    if isinstance(answer, ModelFailure):
        return anthropic.fail(desk, request, answer)
    frame = {"id": desk.answer_id("msg_"), "type": "message", "role": "assistant", "model": request.model, "stop_sequence": None}
    if body.get("thread"):
        desk.keep(str(frame["id"]), request, answer)
    if request.stream:
        return sse.stream(_events(frame, answer), answer, anthropic.headers(desk))
    content = [block for block, _ in _blocks(answer)]
    message = {**frame, "content": content, "stop_reason": _stop_reason(answer), "usage": _usage(answer.usage)}
    return sse.whole(message, answer, anthropic.headers(desk))


def count(desk: Desk, body: Mapping[str, Any]) -> Response:
    counted = desk.count(desk.read(lambda: _request(desk, body), anthropic.misunderstood))
    return Response(json={"input_tokens": counted.prompt_tokens}, headers=anthropic.headers(desk))


# -- what is asked


def _request(desk: Desk, body: Mapping[str, Any]) -> ModelRequest:
    thread = body.get("thread") or {}
    previous = str(thread.get("previous_message_id") or "")
    before: tuple[Message, ...] = ()
    tools = tuple(_tools(body.get("tools")))
    if thread:
        _refuse_what_no_thread_has(desk, body)
    if previous:
        kept = desk.memory.conversations.get(previous)
        if kept is None:
            details = {"error_code": "thread_not_found"}
            raise Refused(anthropic.error(desk, 404, f"No thread was found for the message {previous!r}.", details=details))
        before, tools = kept.messages, kept.tools
    choice = body.get("tool_choice") or {}
    chosen = str(choice.get("type") or "auto")
    system = _text(body.get("system"))
    return ModelRequest(
        provider="anthropic",
        endpoint="messages",
        model=str(body.get("model") or ""),
        messages=(*((Message("system", system),) if system else ()), *before, *_messages(body["messages"])),
        tools=tools,
        tool_choice=CHOICES.get(chosen) or str(choice.get("name") or chosen),
        parallel=not choice.get("disable_parallel_tool_use"),
        stream=bool(body.get("stream")),
        max_tokens=body.get("max_tokens"),
        continues=previous,
        answer_schema=_answer_schema(body),
        user=str((body.get("metadata") or {}).get("user_id") or ""),
    )


def _answer_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    asked = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return (asked.get("schema") or {}) if asked.get("type") == "json_schema" else None


def _refuse_what_no_thread_has(desk: Desk, body: Mapping[str, Any]) -> None:
    """Its clients go on without a thread then."""
    found = [name for name in UNTHREADED if name in body]
    if "cache_control" not in found and '"cache_control"' in json.dumps([body["messages"], body.get("system"), body.get("tools")]):
        found.append("cache_control")
    if found:
        details = {"error_code": "thread_unsupported_request", "unsupported": found}
        raise Refused(anthropic.error(desk, 400, f"A thread does not support: {', '.join(found)}.", details=details))


def _messages(messages: list[Any]) -> Iterator[Message]:
    """The results of tools stand in a user's message, and become messages of their own."""
    for message in messages:
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        if message.get("role") == "assistant":
            calls = tuple(_call(block) for block in blocks if block.get("type") == "tool_use")
            yield Message("assistant", _text(content), calls)
            continue
        results = [block for block in blocks if block.get("type") == "tool_result"]
        for result in results:
            text, answered = _text(result.get("content")), str(result.get("tool_use_id") or "")
            yield Message("tool", text, answers=answered, is_error=bool(result.get("is_error")))
        text = _text(content)
        if text or not results:
            yield Message("system" if message.get("role") == "system" else "user", text)


def _call(block: Mapping[str, Any]) -> ToolCall:
    given = block.get("input")
    return ToolCall(str(block.get("name")), given if isinstance(given, str) else json.dumps(given), str(block.get("id") or ""))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(text for block in content if isinstance(block, dict) and (text := _said(block)))


def _said(block: Mapping[str, Any]) -> str:
    """Documents and results of a search, which a user's message and the result of a tool may have, are shown to the model as such."""
    kind = block.get("type")
    if kind == "text":
        return str(block.get("text") or "")
    if kind == "search_result":
        return f"<search_result>{_text(block.get('content'))}</search_result>"
    if kind != "document":
        return ""
    source = block.get("source") or {}
    told = source.get("data") if source.get("type") == "text" else _text(source.get("content"))
    return f"<document>{told}</document>" if told else ""


def _tools(tools: Any) -> Iterator[OfferedTool]:
    for tool in tools if isinstance(tools, list) else ():
        kind = str(tool.get("type") or "")
        known = next((schema for begin, schema in KNOWN.items() if kind.startswith(begin)), {})
        served = kind.startswith(SERVED)
        yield OfferedTool(str(tool.get("name") or kind), tool.get("description") or "", tool.get("input_schema") or known, served)


# -- what is answered


def _as_sent(answer: ModelAnswer, request: ModelRequest, eager: Set[str]) -> ModelAnswer:
    """A call has an object here, whatever the model wrote: what is none arrives as an empty one.

    Not so in a stream: there the beginning of an object arrives, where the limit of the output has cut it off, and
    anything at all where the tool asks for eager streaming.
    """

    def sent(call: ToolCall) -> ToolCall:
        if call.name in eager or (request.stream and answer.out_of_tokens) or _is_object(call):
            return call
        return replace(call, arguments="{}")

    return replace(answer, calls=tuple(map(sent, answer.calls)))


def _is_object(call: ToolCall) -> bool:
    try:
        return isinstance(call.parsed(), dict)
    except ValueError:
        return False


def _stop_reason(answer: ModelAnswer) -> str:
    if answer.out_of_tokens:
        return "max_tokens"
    return "tool_use" if answer.calls else "end_turn"


def _usage(usage: Usage | None) -> dict[str, Any]:
    """What was read from the cache is no part of `input_tokens` here."""
    assert usage is not None
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
        "service_tier": "standard",
    }


def _blocks(answer: ModelAnswer) -> Iterator[tuple[dict[str, Any], str]]:
    """The blocks of the answer, each with what it says, or writes, in a stream."""
    if answer.text:
        yield {"type": "text", "text": answer.text}, answer.text
    for call in answer.calls:
        given = call.parsed() if _is_object(call) else {}
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": given}, call.arguments


def _events(frame: Mapping[str, Any], answer: ModelAnswer) -> Iterator[sse.Event]:
    usage = _usage(answer.usage)

    def event(kind: str, *, is_delta: bool = False, **value: Any) -> sse.Event:
        return sse.event({"type": kind, **value}, kind, is_delta=is_delta)

    yield event("message_start", message={**frame, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}})
    yield event("ping")
    for index, (block, written) in enumerate(_blocks(answer)):
        is_text = block["type"] == "text"
        yield event("content_block_start", index=index, content_block={**block, "text": ""} if is_text else {**block, "input": {}})
        for piece in sse.pieces(written) if is_text else sse.fragments(written):
            said = {"type": "text_delta", "text": piece} if is_text else {"type": "input_json_delta", "partial_json": piece}
            yield event("content_block_delta", is_delta=True, index=index, delta=said)
        yield event("content_block_stop", index=index)
    stopped = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
    yield event("message_delta", delta=stopped, usage=usage)
    yield event("message_stop")
