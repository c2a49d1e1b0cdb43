"""What a real model would answer where a request leaves it no choice: the tool that it has to call, the JSON
that it has to write, the word that it has to choose.

A script knows neither, for the loop is not known to whoever wrote it; and a router or a planner that parses its answer must not
break because of us.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_agentready.arguments.names import whole
from pytest_agentready.arguments.plausible import value_of
from pytest_agentready.domain import ModelAnswer, ModelFailure, ModelRequest, OfferedTool, ToolCall
from pytest_agentready.experiments.classifying import judged, verdict_of, word_of

ANSWERS = whole(
    r"answers?|final|respon(?:d|se)|reply|replies|finish|done|submit|submission|complete|completion|end|results?|outputs?",
    r"summary|summaries|summari[sz]e|messages?|texts?|contents?",
)
FINAL = whole(r"final|answer|respond|reply|finish|done|end|conclude|(?:return|submit)_(?:results?|reports?|outputs?|answers?)", r"^return$")
# As a prompt shows the JSON that it wants: a name, and whether what stands behind it is surely no verdict.
KEY = re.compile(r"\"(\w+)\"\s*:(\s*(?:[\[{\d-]|[\"'<](?!true|false|bool)))?", re.IGNORECASE)
SAID = {"description", "title", "default", "nullable"}  # of a field, beside its type
LIKE = ("enum", "const", "format", "pattern", "maxLength", "examples")  # what a text of its own would not fit


def forced(request: ModelRequest) -> OfferedTool | None:
    """The one tool that this request lets the model call; None where it may choose."""
    return next((tool for tool in request.callable if tool.name == request.tool_choice), None)


def final(request: ModelRequest) -> OfferedTool | None:
    """The tool by which a model says its answer that has to call one; its name may be a class's, `FinalAnswer`."""
    return next((tool for tool in request.callable if FINAL.search(tool.name)), None)


def calls(answer: ModelAnswer, request: ModelRequest) -> bool:
    """Does this answer call tools, and nothing but what the request lets it call?"""
    allowed = {tool.name for tool in request.callable if request.tool_choice in ("auto", "required", tool.name)}
    return bool(answer.calls) and all(call.name in allowed for call in answer.calls)


def fitted(request: ModelRequest, answer: ModelAnswer | ModelFailure) -> ModelAnswer | ModelFailure:
    """The same answer, in the form that the request asks for."""
    if not isinstance(answer, ModelAnswer) or answer.calls:
        return answer
    if request.may_call and (tool := forced(request) or _demanded(request)) is not None:
        return replace(answer, text="", calls=(ToolCall(tool.name, json.dumps(made(tool.schema, tool.name, answer.text))),))
    if request.answer_schema:
        return replace(answer, text=json.dumps(judged(request.answer_schema, made(request.answer_schema, "answer", answer.text))))
    if request.answer_schema is not None or (not request.tools and _asks_for_json(request)):
        return replace(answer, text=json.dumps(_shown(request, answer.text) or {"answer": answer.text}))
    word = word_of(request)
    return answer if word is None else replace(answer, text=word)


def made(schema: Mapping[str, Any], name: str, text: str = "") -> Any:
    """JSON that fits the schema; where an object has a field for an answer in words, it is this text."""
    if not schema:
        return text if text and ANSWERS.search(name) else value_of(schema, name)
    properties = schema.get("properties") or {}
    found = value_of({**schema, "required": schema.get("required") or list(properties)}, name)
    if text and isinstance(found, dict):
        words = [key for key in found if ANSWERS.search(key) and _takes_words(properties.get(key))]
        found |= dict.fromkeys(words[:1], text)
    return found


def _shown(request: ModelRequest, text: str) -> dict[str, Any]:
    """JSON with the fields that the prompt shows, of which some are verdicts: `{"allowed": true or false, "reason": "..."}`."""
    found: dict[str, Any] = {}
    for name, is_other in KEY.findall(_told(request)):
        verdict = None if is_other else verdict_of(name)
        found.setdefault(name, made({}, name, text) if verdict is None else verdict)
    return found


def _takes_words(schema: Any) -> bool:
    """A text, or anything at all: JSON Schema says that by no type, others by `any`."""
    if not isinstance(schema, dict) or any(key in schema for key in LIKE):
        return False
    kind = schema.get("type", "any" if schema.keys() <= SAID else "")
    return kind in ("string", "any") or (isinstance(kind, list) and "string" in kind)


def _demanded(request: ModelRequest) -> OfferedTool | None:
    return (final(request) or request.callable[0]) if request.tool_choice == "required" else None


def _asks_for_json(request: ModelRequest) -> bool:
    told = _told(request)
    return "JSON" in told and KEY.search(told) is not None


def _told(request: ModelRequest) -> str:
    """What the loop's own words are: its system prompt, and what it says for the user last."""
    said = [message.text for message in request.messages if message.role == "user"]
    return "\n".join([request.system, *said[-1:]])
