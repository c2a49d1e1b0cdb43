"""OpenAI's protocol, as many other hosts speak it: how its failures look, and what its ways to ask have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import ModelFailure, ModelRequest, OfferedTool
from pytest_agentready.world.messages import Response, Transmission
from pytest_agentready.world.services.models import NO_MORE, Desk, overflow

STATUSES = {"overflow": 400, "rate_limit": 429, "quota": 429, "overloaded": 503, "server_error": 500, "unauthorized": 401, "refused": 400}


def headers(desk: Desk) -> dict[str, str]:
    return {"x-request-id": desk.answer_id("req_"), "openai-version": "2020-10-01"}


def misunderstood(desk: Desk, problem: Exception) -> Response:
    return error(desk, 400, f"We could not parse the body of your request ({problem}).", "invalid_request_error")


def error(
    desk: Desk,
    status: int,
    message: str,
    kind: str,
    *,
    param: str | None = None,
    code: str | None = None,
    more: Mapping[str, str] = NO_MORE,
) -> Response:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Response(status, json=body, headers={**headers(desk), **more})


def fail(desk: Desk, request: ModelRequest, failure: ModelFailure) -> Response:
    """The failure as OpenAI tells it."""
    if failure.kind == "timeout":
        return Transmission(ending="silence")
    told = told_of(request, failure)
    more = {} if failure.retry_after is None else {"retry-after": f"{failure.retry_after:g}"}
    if failure.kind in ("rate_limit", "quota"):
        more |= {"x-ratelimit-limit-tokens": "30000", "x-ratelimit-remaining-tokens": "0"}
    status = failure.status or STATUSES[failure.kind]
    return error(desk, status, told["message"], told["type"], param=told["param"], code=told["code"], more=more)


def told_of(request: ModelRequest, failure: ModelFailure) -> dict[str, Any]:
    """What an error says."""
    kind, param, code, message = "invalid_request_error", None, None, "The request was refused."
    match failure.kind:
        case "overflow" if request.endpoint == "responses":
            param, code = "input", "context_length_exceeded"
            message = "Your input exceeds the context window of this model. Please adjust your input and try again."
        case "overflow":
            param, code = "messages", "context_length_exceeded"
            window, prompt = overflow(request.prompt_tokens)
            message = (
                f"This model's maximum context length is {window} tokens. However, your messages resulted in {prompt} tokens. "
                "Please reduce the length of the messages."
            )
        case "rate_limit":
            kind, code = "tokens", "rate_limit_exceeded"
            again = f" Please try again in {failure.retry_after:g}s." if failure.retry_after is not None else ""
            message = (
                f"Rate limit reached for {request.model} in organization org-agentready on tokens per min (TPM): Limit 30000, "
                f"Used 30000, Requested {request.prompt_tokens}.{again}"
            )
        case "quota":
            kind = code = "insufficient_quota"
            message = "You exceeded your current quota, please check your plan and billing details."
        case "unauthorized":
            code = "invalid_api_key"
            message = (
                "Incorrect API key provided: sk-agent****key. You can find your API key at https://platform.openai.com/account/api-keys."
            )
        case "overloaded":
            kind, message = "service_unavailable_error", "The engine is currently overloaded, please try again later."
        case "server_error":
            kind, message = "server_error", "The server had an error while processing your request. Sorry about that!"
    return {"message": failure.message or message, "type": kind, "param": param, "code": code}


def text_of(content: Any) -> str:
    """The text of a message's content, whose other parts are not read."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(str(part.get("text") or part.get("refusal") or "") for part in content if isinstance(part, dict)).strip("\n")


def tools_of(tools: Any) -> tuple[OfferedTool, ...]:
    """The tools of a request: a function's description stands apart in chat, and beside its type elsewhere."""
    found = []
    for tool in tools if isinstance(tools, list) else ():
        described = tool.get("function") or tool.get("custom") or tool
        name = described.get("name") or described.get("type") or ""
        served = tool.get("type", "function") not in ("function", "custom")
        found.append(OfferedTool(name, described.get("description") or "", described.get("parameters") or {}, served))
    return tuple(found)


def answer_schema(asked: Any) -> Mapping[str, Any] | None:
    """Of chat's `response_format`, or the `text.format` of Responses: the schema of the JSON that is wanted; {} for any object."""
    if not isinstance(asked, dict) or asked.get("type") not in ("json_schema", "json_object"):
        return None
    found = (asked.get("json_schema") or asked).get("schema")
    return found if isinstance(found, dict) else {}


def choice_of(choice: Any) -> str:
    if isinstance(choice, dict):
        return str((choice.get("function") or choice).get("name") or choice.get("mode") or "required")
    return choice if isinstance(choice, str) else "auto"
