"""What a span says, in any of three dialects: plain words (`tool.name`), OpenTelemetry's GenAI conventions, and OpenInference's.

A span is known by its attributes, never by its name alone: names differ from emitter to emitter, `chat gpt-5.1` here, `openai.chat` there.
Of the GenAI conventions the older names are understood beside the new ones.
What the decorators of OpenLLMetry and Langfuse write in words of their own is understood as well, as far as they write nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_agentready.domain import SUCCESS_WORDS, LogLine, Span

Kind = Literal["tool", "model", "agent", "other"]

OPERATIONS: Mapping[str, Kind] = {
    "execute_tool": "tool",
    **dict.fromkeys(("chat", "generate_content", "text_completion"), "model"),
    **dict.fromkeys(("invoke_agent", "invoke_workflow", "create_agent"), "agent"),
}
# What an emitter says a span is, in a word of its own: OpenInference's, OpenLLMetry's, Langfuse's.
KINDS = ("openinference.span.kind", "traceloop.span.kind", "langfuse.observation.type")
CONVENTIONAL = (*KINDS, "gen_ai.operation.name", "gen_ai.tool.name")  # whose dialect has no word for a retry
KIND_WORDS: Mapping[str, Kind] = {
    "tool": "tool",
    **dict.fromkeys(("llm", "generation"), "model"),
    **dict.fromkeys(("agent", "chain", "workflow"), "agent"),
}

TOOL_NAME = ("gen_ai.tool.name", "tool.name")
ENTITY_NAME = "traceloop.entity.name"  # of whatever the span is about
CALL_ID = ("gen_ai.tool.call.id", "tool.id", "tool_call.id", "tool.call_id")
MODEL = (
    *("gen_ai.request.model", "gen_ai.response.model"),
    *("llm.model_name", "llm.request.model_name", "llm.response.model_name", "langfuse.observation.model.name"),
)
PARAMETERS = "llm.invocation_parameters"  # JSON: where a call has failed, OpenInference names its model there alone
INPUT_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens")
OUTPUT_TOKENS = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
)
TOTAL_TOKENS = ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens")
USAGE = "langfuse.observation.usage_details"  # JSON: {"input": 12, "output": 7}
COST = ("llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.cost_usd", "llm.cost")

ERROR_TYPE = ("error.type", "tool.error_type", "tool.error.type", "exception.type")
SAYS_ERROR = ("error", "tool.error", "tool.is_error", "is_error")  # where it is True
SAYS_SUCCESS = ("tool.success", "tool.ok", "success")  # where it is False, it is an error
COMMON_WORDS = ("tool.name", "tool.id", "tool.description", "tool.parameters")  # which OpenInference has as well
RETRY_SAFE = re.compile(r"(?:^|[._])(?:retry[._]?safe|retry_?able|retriable)$", re.IGNORECASE)
# Of a client that asks somebody, of a server, of a queue: a span about the way, and not about what is on it.
TRANSPORT = ("http.", "url.", "db.", "rpc.", "messaging.", "net.", "network.")
STATUS_WORDS = SUCCESS_WORDS | {"completed", "complete", "done", "unset"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One span, understood."""

    span: Span
    kind: Kind
    tool: str = ""  # its name, of a tool's span
    call_id: str = ""  # of the model's call of it
    model: str = ""  # its name, of a model's span
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None  # dollars
    failed: bool = False  # it says that what it is about did not go well
    error: str = ""  # of which kind the error is: that of an attribute, or of an exception's event
    retry_safe: bool | None = None  # None: it says nothing
    own_words: bool = False  # it speaks of a tool in plain words, which are the project's own

    @property
    def counts_tokens(self) -> bool:
        return any(found is not None for found in (self.input_tokens, self.output_tokens, self.total_tokens))


def read(span: Span) -> Reading:
    told = span.attributes
    kind = _kind(told)
    usage = _details(told.get(USAGE))
    return Reading(
        span,
        kind,
        tool=str(_first(told, TOOL_NAME) or (told.get(ENTITY_NAME) if kind == "tool" else "") or ""),
        call_id=str(_first(told, CALL_ID) or ""),
        model=str(_first(told, MODEL, _details(told.get(PARAMETERS)).get("model")) or ""),
        input_tokens=_first(told, INPUT_TOKENS, usage.get("input")),
        output_tokens=_first(told, OUTPUT_TOKENS, usage.get("output")),
        total_tokens=_first(told, TOTAL_TOKENS, usage.get("total")),
        cost=_first(told, COST),
        failed=_failed(span),
        error=_error(span),
        retry_safe=_retry_safe(span),
        own_words=any(key.startswith("tool.") and key not in COMMON_WORDS for key in told) and not any(key in told for key in CONVENTIONAL),
    )


def names(span: Span, tool: str) -> bool:
    """Does the span's own name have the tool's in it, as one of its words: `tool.get_order`, `execute_tool get_order`?"""
    words = re.split(r"[^\w-]+", span.name)
    return any(_plain(word) in (_plain(tool), f"tool_{_plain(tool)}", f"execute_tool_{_plain(tool)}") for word in words)


def is_same(one: str, other: str) -> bool:
    """Two spellings of one tool's name, `get-order` and `get_order`?"""
    return _plain(one) == _plain(other)


def is_transport(span: Span) -> bool:
    """Is it about the way to somebody: a request, a query, a message?"""
    return any(key.startswith(TRANSPORT) for key in span.attributes) or span.kind in ("producer", "consumer")


def tells_of_exception(line: LogLine) -> bool:
    """Is a record of a log the record of an exception?"""
    return "exception.type" in line.attributes or line.event.endswith("exception") or "Traceback (most recent call last)" in line.text


def _kind(told: Mapping[str, Any]) -> Kind:
    for key in KINDS:
        if (word := str(told.get(key, "")).lower()) and word not in ("span", "task", "event"):
            return KIND_WORDS.get(word, "other")
    if (operation := told.get("gen_ai.operation.name")) is not None:
        return OPERATIONS.get(str(operation), "other")
    if told.get("mcp.method.name") is not None:
        return "tool" if told["mcp.method.name"] == "tools/call" else "other"
    if _first(told, TOOL_NAME) is not None:
        return "tool"
    return "model" if _first(told, MODEL) is not None else "other"


def _failed(span: Span) -> bool:
    told = span.attributes
    status = told.get("tool.status")
    if isinstance(status, str) and status and status.lower() not in STATUS_WORDS:
        return True
    said = any(told.get(key) is True for key in SAYS_ERROR) or any(told.get(key) is False for key in SAYS_SUCCESS)
    return said or span.status == "error" or told.get("langfuse.observation.level") == "ERROR"


def _error(span: Span) -> str:
    if found := _first(span.attributes, ERROR_TYPE):
        return str(found)
    for event in span.events:
        if event.name == "exception" or (kind := _first(event.attributes, ERROR_TYPE)) is not None:
            kind = _first(event.attributes, ERROR_TYPE)
            return str(kind or event.attributes.get("exception.message") or event.name)
    return ""


def _retry_safe(span: Span) -> bool | None:
    for told in (span.attributes, *(event.attributes for event in span.events)):
        for key, value in told.items():
            if RETRY_SAFE.search(key) and value is not None:
                return str(value).lower() in ("true", "yes", "1")
    return None


def _details(text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name).lower().strip("_")


def _first(told: Mapping[str, Any], keys: Iterable[str], otherwise: Any = None) -> Any:
    return next((told[key] for key in keys if told.get(key) is not None), otherwise)
