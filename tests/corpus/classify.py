"""What the corpus' tools make of a failure where the classification is not the point: right, and in one place."""

from __future__ import annotations

import asyncio

import aiohttp
import httpx
import httpx2
import requests

from pytest_agentready.patterns.results import ToolResult


def from_status(status: int) -> ToolResult:
    """Classify an HTTP status that is no success."""
    if status == 429:
        return ToolResult.rate_limited("The service asks for fewer requests. Wait a minute and try again.")
    if status >= 500:
        return ToolResult.transient(f"The service has a problem of its own (HTTP {status}).")
    return ToolResult.permanent(f"The service refuses the request (HTTP {status}).")


def from_requests(error: requests.RequestException) -> ToolResult:
    """Classify what requests raises, `raise_for_status` included. An unreadable answer is a RequestException, too."""
    if error.response is not None:
        return from_status(error.response.status_code)
    if isinstance(error, (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return ToolResult.transient("The service could not be reached.")
    return ToolResult.permanent("The service's answer could not be understood.")


def from_httpx(error: httpx.HTTPError | httpx2.HTTPError) -> ToolResult:
    """Classify what httpx and its successor raise, `raise_for_status` included."""
    if isinstance(error, (httpx.HTTPStatusError, httpx2.HTTPStatusError)):
        return from_status(error.response.status_code)
    if isinstance(error, (httpx.TransportError, httpx2.TransportError)):
        return ToolResult.transient("The service could not be reached.")
    return ToolResult.permanent("The service's answer could not be understood.")


def from_aiohttp(error: aiohttp.ClientError | asyncio.TimeoutError) -> ToolResult:
    """Classify what aiohttp raises, its total timeout and `raise_for_status` included."""
    if isinstance(error, aiohttp.TooManyRedirects):
        return ToolResult.permanent("The service sends us in circles.")
    if isinstance(error, aiohttp.ClientResponseError):
        return from_status(error.status)
    return ToolResult.transient("The service could not be reached.")


def unreadable() -> ToolResult:
    """The answer came, and is not what was agreed."""
    return ToolResult.permanent("The service's answer could not be understood.")
