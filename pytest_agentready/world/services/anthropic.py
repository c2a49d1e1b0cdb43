"""Anthropic's protocol: which address asks for what, the threads that the provider keeps, and how its failures look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import ModelFailure, ModelRequest
from pytest_agentready.world.messages import IncomingRequest, Response, Transmission
from pytest_agentready.world.services.models import NO_MORE, Desk, Refused, overflow

MODEL_LIST = ("claude-sonnet-5", "claude-haiku-5")
STATUSES = {"overflow": 400, "rate_limit": 429, "quota": 400, "overloaded": 529, "server_error": 500, "unauthorized": 401, "refused": 400}
TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def respond(desk: Desk, request: IncomingRequest, path: str, body: Mapping[str, Any]) -> Response | None:
    from pytest_agentready.world.services import anthropic_messages

    try:
        if request.method == "GET":
            return _models(desk, request, path)
        if request.method != "POST" or not isinstance(body.get("messages"), list):
            return None
        if path.endswith("/messages") and ("max_tokens" in body or "anthropic-version" in request.headers):
            return anthropic_messages.create(desk, body)
        if path.endswith("/messages/count_tokens"):
            return anthropic_messages.count(desk, body)
    except Refused as refused:
        return refused.response
    return None


def headers(desk: Desk) -> dict[str, str]:
    return {"request-id": desk.answer_id("req_")}


def misunderstood(desk: Desk, problem: Exception) -> Response:
    return error(desk, 400, f"The body of the request is not valid ({problem}).")


def error(
    desk: Desk, status: int, message: str, *, kind: str = "", details: Mapping[str, Any] | None = None, more: Mapping[str, str] = NO_MORE
) -> Response:
    told: dict[str, Any] = {"type": kind or TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")}
    told["message"] = message
    if details is not None:
        told["details"] = details
    with_id = headers(desk)
    body = {"type": "error", "error": told, "request_id": with_id["request-id"]}
    return Response(status, json=body, headers={**with_id, **more})


def fail(desk: Desk, request: ModelRequest, failure: ModelFailure) -> Response:
    """The failure as Anthropic tells it."""
    if failure.kind == "timeout":
        return Transmission(ending="silence")
    more = {} if failure.retry_after is None else {"retry-after": f"{failure.retry_after:g}"}
    if failure.kind == "rate_limit":
        more |= {"anthropic-ratelimit-input-tokens-limit": "30000", "anthropic-ratelimit-input-tokens-remaining": "0"}
    return error(desk, failure.status or STATUSES[failure.kind], failure.message or _told(request, failure), more=more)


def _told(request: ModelRequest, failure: ModelFailure) -> str:
    match failure.kind:
        case "overflow":
            window, prompt = overflow(request.prompt_tokens)
            return f"prompt is too long: {prompt} tokens > {window} maximum"
        case "rate_limit":
            return (
                "This request would exceed your organization's rate limit of 30,000 input tokens per minute. For details, refer to: "
                "https://docs.claude.com/en/api/rate-limits."
            )
        case "quota":
            return (
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."
            )
        case "unauthorized":
            return "invalid x-api-key"
        case "overloaded":
            return "Overloaded"
        case "server_error":
            return "Internal server error"
        case _:
            return "The request was refused."


def _models(desk: Desk, request: IncomingRequest, path: str) -> Response | None:
    if "/v1/models" not in path or "anthropic-version" not in request.headers:
        return None
    name = path.partition("/v1/models")[2].lstrip("/")
    listed = [
        {"type": "model", "id": one, "display_name": one, "created_at": "2026-01-01T00:00:00Z"} for one in ([name] if name else MODEL_LIST)
    ]
    body = listed[0] if name else {"data": listed, "has_more": False, "first_id": listed[0]["id"], "last_id": listed[-1]["id"]}
    return Response(json=body, headers=headers(desk))
