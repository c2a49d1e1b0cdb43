"""The one door to the network: a call ends within 5 seconds, and whatever goes wrong comes back as a ToolResult.

Sync tools call with requests, async tools with httpx. Neither follows redirects: an API that answers from elsewhere has moved.
"""

import asyncio
import time
from typing import Any

import httpx
import requests
from pydantic import BaseModel, ValidationError

from support_agent.patterns.results import ToolResult
from support_agent.patterns.tracing import outgoing

# Two attempts and the pause between them take 4.5 seconds at most, so that a silent service costs the agent less than 5.
TIMEOUT = 2.0
PAUSE = 0.5


def call(method: str, url: str, model: type[BaseModel], **options: Any) -> ToolResult:
    """Call a service and read its answer as `model`; try once more if that may help."""
    result = _attempt(method, url, model, options)
    if result.error_type == "transient":
        time.sleep(PAUSE)
        result = _attempt(method, url, model, options)
    return result


async def call_async(method: str, url: str, model: type[BaseModel], **options: Any) -> ToolResult:
    """The same for async tools."""
    result = await _attempt_async(method, url, model, options)
    if result.error_type == "transient":
        await asyncio.sleep(PAUSE)
        result = await _attempt_async(method, url, model, options)
    return result


def _attempt(method: str, url: str, model: type[BaseModel], options: dict[str, Any]) -> ToolResult:
    options = {**options, "headers": outgoing(options.get("headers"))}
    try:
        response = requests.request(method, url, timeout=TIMEOUT, allow_redirects=False, **options)
    except requests.RequestException as error:
        return _no_answer(error)
    return _understand(response.status_code, response.content, model)


async def _attempt_async(method: str, url: str, model: type[BaseModel], options: dict[str, Any]) -> ToolResult:
    options = {**options, "headers": outgoing(options.get("headers"))}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
            response = await client.request(method, url, **options)
    except httpx.HTTPError as error:
        return _no_answer(error)
    return _understand(response.status_code, response.content, model)


def _no_answer(error: Exception) -> ToolResult:
    """Timeouts, resets, refused connections, answers that break off. The details are for the log, not for the model."""
    return ToolResult.transient(f"The service did not answer ({type(error).__name__}).")


def _understand(status: int, body: bytes, model: type[BaseModel]) -> ToolResult:
    if status == 429:
        return ToolResult.rate_limited("The service is handling too many requests. Wait a minute before the next attempt.")
    if status >= 500:
        return ToolResult.transient(f"The service has a problem of its own (HTTP {status}).")
    if status >= 300:
        return ToolResult.permanent(f"The service refused this request (HTTP {status}). The same request will be refused again.")
    try:
        return ToolResult.success(model.model_validate_json(body).model_dump(mode="json"))
    except ValidationError:
        return ToolResult.permanent("The service answered in a format that this tool does not know.")
