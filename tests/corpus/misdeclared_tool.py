"""AR407: tools that do otherwise than they declare, beside those that keep their word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests, unreadable


def asked(method: str, url: str, **options: Any) -> ToolResult:
    try:
        response = requests.request(method, url, timeout=4, **options)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


def hinted(**hints: bool) -> Any:
    """As an MCP server's decorator leaves it on the function."""

    def mark(function: Any) -> Any:
        function.annotations = SimpleNamespace(title=function.__name__, **hints)
        return function

    return mark


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"page": "7"}, backend={"POST https://wiki.example.com/visits": {"id": "v-1"}}, AR407="failed")
@hinted(readOnlyHint=True)
def read_page(page: str) -> ToolResult:
    """Read a page, and count that it was read."""
    return asked("POST", "https://wiki.example.com/visits", json={"page": page})


@labelled(
    args={"name": "ada"},
    backend={"POST https://crm.example.com/contacts": {"id": "c-1"}},
    conduct={"idempotent": True},
    AR407="failed",  # the second call makes a second contact
)
def add_contact(name: str) -> ToolResult:
    """Add a contact."""
    return asked("POST", "https://crm.example.com/contacts", json={"name": name})


@labelled(
    args={"key": "logo.png"},
    backend={"DELETE https://files.example.com/{key}": {"id": "f-1"}},
    AR407="failed",
)
@hinted(readOnlyHint=False, destructiveHint=False)
def archive(key: str) -> ToolResult:
    """Put a file away."""
    return asked("DELETE", f"https://files.example.com/{key}")


@labelled(
    args={"word": "tea"},
    backend={"GET https://dictionary.example.com/{word}": {"id": "d-1"}},
    conduct={"read_only": False},
    AR407="failed",  # the one says that it reads, the other that it does not
)
@hinted(readOnlyHint=True)
def look_up(word: str) -> ToolResult:
    """Look a word up."""
    return asked("GET", f"https://dictionary.example.com/{word}")


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"word": "tea"}, backend={"GET https://dictionary.example.com/{word}": {"id": "d-1"}}, AR407="passed")
@hinted(readOnlyHint=True, idempotentHint=True)
async def translate(word: str) -> ToolResult:
    """Translate a word."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.get(f"https://dictionary.example.com/{word}")
            response.raise_for_status()
            return ToolResult.success(response.json()["id"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(
    args={"key": "logo.png", "text": "x"},
    backend={"PUT https://files.example.com/{key}": {"id": "f-1"}},
    conduct={"idempotent": True, "destructive": True},
    AR407="passed",  # the same once more leaves it as it is
)
def store(key: str, text: str) -> ToolResult:
    """Store a file."""
    return asked("PUT", f"https://files.example.com/{key}", data=text)


@labelled(
    args={"order_id": "7"},
    backend={"POST https://pay.example.com/charges": {"id": "p-1"}},
    conduct={"idempotent": True},
    AR407="passed",  # by its key
)
def charge(order_id: str) -> ToolResult:
    """Charge an order."""
    return asked("POST", "https://pay.example.com/charges", json={"order": order_id}, headers={"Idempotency-Key": f"charge-{order_id}"})


@labelled(args={"word": "tea"}, backend={"GET https://dictionary.example.com/{word}": {"id": "d-1"}}, AR407="not_applicable")
def spell(word: str) -> ToolResult:
    """Spell a word. It declares nothing."""
    return asked("GET", f"https://dictionary.example.com/{word}")
