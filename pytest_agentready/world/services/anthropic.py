"""Anthropic's protocol: how its failures look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_agentready.domain import ModelFailure, ModelRequest
from pytest_agentready.world.messages import Response, Transmission
from pytest_agentready.world.services.models import NO_MORE, Desk, overflow

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
