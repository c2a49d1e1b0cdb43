"""AR305 of arguments whose form a pattern prescribes, and AR104 of failures under names of their own."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx
import requests
from pydantic import Field, validate_call

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, unreadable

Ref = Annotated[str, Field(pattern=r"^[A-Z0-9]{6}$", description="Booking reference")]
BOOKINGS = {"GET https://fly.example.com/bookings/{ref}": {"gate": "C14"}, "GET https://fly.example.com/health": {"ok": True}}
CURRENT: dict[str, str] = {}


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"ref": "K7XQ2M"}, backend=BOOKINGS, AR305="failed")
@validate_call
async def gate_of_current(ref: Ref) -> ToolResult:
    """The gate of a booking's flight."""
    CURRENT["ref"] = ref
    try:
        async with httpx.AsyncClient(timeout=2) as client:
            (await client.get("https://fly.example.com/health")).raise_for_status()
            response = await client.get(f"https://fly.example.com/bookings/{CURRENT['ref']}")
            response.raise_for_status()
            return ToolResult.success({"gate": str(response.json()["gate"])})
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"ref": "K7XQ2M"}, backend=BOOKINGS, AR104="failed")  # a name of its own for each, and no class
def gate_or_its_absence(ref: str) -> dict[str, Any]:
    """The gate of a booking's flight."""
    try:
        response = requests.get(f"https://fly.example.com/bookings/{ref}", timeout=4)
        response.raise_for_status()
        return {"status": "success", "data": str(response.json()["gate"])}
    except requests.HTTPError as error:
        return {"status": f"http_{error.response.status_code}", "message": "The airport answered with an error."}
    except (requests.RequestException, KeyError, TypeError):
        return {"status": "unavailable", "message": "The request failed."}


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"ref": "K7XQ2M"}, backend=BOOKINGS, AR305="passed")
@validate_call
async def gate_of_booking(ref: Ref) -> ToolResult:
    """The gate of a booking's flight."""
    try:
        async with httpx.AsyncClient(timeout=2) as client:
            (await client.get("https://fly.example.com/health")).raise_for_status()
            await asyncio.sleep(0)
            response = await client.get(f"https://fly.example.com/bookings/{ref}")
            response.raise_for_status()
            return ToolResult.success({"gate": str(response.json()["gate"])})
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


def told(name: str, error_type: str, message: str) -> dict[str, Any]:
    return {"status": name, "error_type": error_type, "retry_safe": error_type != "permanent", "message": message}


@labelled(args={"ref": "K7XQ2M"}, backend=BOOKINGS, AR104="passed")
def gate_or_a_named_failure(ref: str) -> dict[str, Any]:
    """The gate of a booking's flight."""
    try:
        response = requests.get(f"https://fly.example.com/bookings/{ref}", timeout=4)
        if response.status_code == 404:
            return told("not_found", "permanent", "There is no such booking.")
        if response.status_code == 429:
            return told("throttled", "rate_limit", "Too many questions; wait a minute.")
        if response.status_code >= 500:
            return told("unavailable", "transient", "The airport is not available.")
        response.raise_for_status()
        return {"status": "success", "data": str(response.json()["gate"])}
    except requests.HTTPError:
        return told("forbidden", "permanent", "The booking may not be seen.")
    except (requests.JSONDecodeError, KeyError, TypeError):
        return told("unreadable", "permanent", "The airport was not understood.")
    except requests.RequestException:
        return told("unavailable", "transient", "The airport cannot be reached.")
