"""AR104: typed errors that send the model the wrong way, beside classifications that are right for their reason."""

from __future__ import annotations

import asyncio
import enum
import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import aiohttp
import httpx
import httpx2
import requests

from pytest_agentready import Response
from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"tracking_id": "T-5"},
    backend={"GET https://api.carrier.example/tracking/{tracking_id}": {"location": "Hamburg"}},
    AR104="failed",  # 401, 403 and 404 are called transient: the model asks for ever for a parcel that does not exist
)
def locate_parcel(tracking_id: str) -> ToolResult:
    """Where a parcel is now."""
    try:
        response = requests.get(f"https://api.carrier.example/tracking/{tracking_id}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["location"])
    except requests.RequestException as error:
        return ToolResult.transient(f"The carrier did not answer: {type(error).__name__}")
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"text": "Hei", "to": "en"},
    backend={"GET https://translate.example.com/v2": {"text": "Hi"}},
    AR104="failed",  # 429 is called permanent, like every other 4xx
)
def translate(text: str, to: str) -> ToolResult:
    """Translate a text."""
    with httpx2.Client(timeout=5) as client:
        try:
            response = client.get("https://translate.example.com/v2", params={"q": text, "to": to})
            if response.status_code >= 500:
                return ToolResult.transient("The translator is down.")
            if response.status_code != 200:
                return ToolResult.permanent(f"The translator refuses this text (HTTP {response.status_code}).")
            return ToolResult.success(response.json()["text"])
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"address": "Karl Johans gate 1"},
    backend={"GET https://geo.example.org/search": [{"lat": 59.91, "lon": 10.75}]},
    AR104="failed",  # 503 and its kin are called permanent: the model gives up on an outage of a minute
)
async def geocode(address: str) -> ToolResult:
    """The position of an address."""
    async with httpx.AsyncClient(base_url="https://geo.example.org", timeout=httpx.Timeout(4, connect=2)) as client:
        try:
            response = await client.get("/search", params={"q": address})
            if response.status_code == 429:
                return ToolResult.rate_limited("Too many look-ups.")
            if response.status_code != 200:
                return ToolResult.permanent(f"The address could not be looked up (HTTP {response.status_code}).")
            hit = response.json()[0]
            return ToolResult.success({"lat": float(hit["lat"]), "lon": float(hit["lon"])})
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, LookupError, TypeError):
            return unreadable()


@labelled(
    args={"card_id": "GC-3"},
    backend={"GET https://cards.example.com/gift/{card_id}": {"cents": 2500}},
    AR104="failed",  # a timeout of a GET is called permanent
)
async def gift_card_balance(card_id: str) -> ToolResult:
    """What is left on a gift card, in cents."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.get(f"https://cards.example.com/gift/{card_id}") as response:
                if not response.ok:
                    return from_status(response.status)
                return ToolResult.success(int((await response.json())["cents"]))
    except asyncio.TimeoutError:
        return ToolResult.permanent("The card service timed out; tell the customer to call us.")
    except aiohttp.ContentTypeError:
        return unreadable()
    except aiohttp.ClientError:
        return ToolResult.transient("The card service could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"flight": "DY620"},
    backend={"GET https://flights.example.net/{flight}": {"gate": "B12"}},
    AR104="failed",  # typed, and honest, and never says whether a retry helps
)
def flight_gate(flight: str) -> dict[str, Any]:
    """The gate of a flight."""
    try:
        with urllib.request.urlopen(f"https://flights.example.net/{flight}", timeout=5) as response:
            return {"status": "success", "gate": json.load(response)["gate"]}
    except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
        return {"status": "error", "message": f"The gate is not known: {type(error).__name__}"}


@labelled(
    args={"topic": "chairs"},
    backend={"GET https://reviews.example.com/summary/{topic}": {"stars": 4.2}},
    AR104="failed",  # a rate limit that may not be retried, a contradiction in itself
)
async def review_summary(topic: str) -> ToolResult:
    """How customers like a kind of product."""
    async with httpx2.AsyncClient(timeout=5) as client:
        try:
            response = await client.get(f"https://reviews.example.com/summary/{topic}")
            if response.status_code == 429:
                return ToolResult(status="error", error_type="rate_limit", retry_safe=False, message="Quota used up.")
            response.raise_for_status()
            return ToolResult.success({"stars": float(response.json()["stars"])})
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "42", "cents": 500},
    backend={"POST https://pay.example.com/refunds": Response(status=201, json={"refund_id": "re_1"})},
    # A refund without an idempotency key: once it was sent, "do not simply repeat it" is the right advice.
)
def refund(order_id: str, cents: int) -> ToolResult:
    """Pay money back to a customer."""
    try:
        response = httpx.post("https://pay.example.com/refunds", json={"order": order_id, "cents": cents}, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["refund_id"])
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.HTTPStatusError) as error:
        return from_httpx(error)
    except httpx.HTTPError:
        return ToolResult.transient("The refund may have been paid. Check the order before another attempt.", retry_safe=False)
    except (ValueError, KeyError, TypeError):
        return ToolResult.permanent("The refund was accepted with an answer that could not be read.")


couriers = requests.Session()


@labelled(
    args={"order_id": "42", "day": "2026-12-01"},
    backend={"POST https://courier.example.com/bookings": Response(status=201, json={"booking": "b-9"})},
    # A stable key makes the write repeatable, so retry_safe is true whatever happened to the answer.
)
def book_courier(order_id: str, day: str) -> ToolResult:
    """Book a courier for an order."""
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"courier/{order_id}/{day}"))
    try:
        response = couriers.post(
            "https://courier.example.com/bookings",
            json={"order": order_id, "day": day},
            headers={"Idempotency-Key": key},
            timeout=(2, 5),
        )
        response.raise_for_status()
        return ToolResult.success(response.json()["booking"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


class Kind(str, enum.Enum):
    """The team's vocabulary; its values are the usual words."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    THROTTLED = "rate_limit"


@dataclass
class Reply:
    """The team's result."""

    status: str
    data: Any = None
    error_type: Kind | None = None
    message: str = ""

    @property
    def retry_safe(self) -> bool:
        return self.error_type in (Kind.TRANSIENT, Kind.THROTTLED)


BY_STATUS = {401: Kind.PERMANENT, 403: Kind.PERMANENT, 404: Kind.PERMANENT, 429: Kind.THROTTLED}


@labelled(args={"room": "atlas"}, backend={"GET https://rooms.example.com/{room}/free": {"free": ["09:00", "13:30"]}})
async def free_slots(room: str) -> Reply:
    """When a meeting room is free. Its retry_safe is a property, its classification a table."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.get(f"https://rooms.example.com/{room}/free")
        if not response.is_success:
            kind = BY_STATUS.get(response.status_code, Kind.TRANSIENT)
            return Reply("error", error_type=kind, message=f"room service: HTTP {response.status_code}")
        return Reply("success", data=[str(slot) for slot in response.json()["free"]])
    except httpx.TransportError as error:
        return Reply("error", error_type=Kind.TRANSIENT, message=f"room service: {type(error).__name__}")
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return Reply("error", error_type=Kind.PERMANENT, message="room service: unreadable answer")


@labelled(
    args={"subscription_id": "S-8"},
    backend={"DELETE https://billing.example.com/subscriptions/{subscription_id}": Response(status=204)},
    # A DELETE leaves the peer as it was when it is repeated, but saying "look first" is no mistake either.
)
async def cancel_subscription(subscription_id: str) -> ToolResult:
    """Cancel a subscription."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5, sock_connect=2)) as session:
            async with session.delete(f"https://billing.example.com/subscriptions/{subscription_id}") as response:
                await response.read()
                return ToolResult.success("cancelled") if response.ok else from_status(response.status)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        return ToolResult.transient("Billing could not be reached.")
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return ToolResult.transient("Billing did not confirm the cancellation; look at the subscription first.", retry_safe=False)


PAYMENTS = {
    "POST https://pay.example.com/refunds": Response(status=201, json={"refund_id": "re_1"}),
    "POST https://pay.example.com/notes": Response(status=201, json={"note": "n-1"}),
}


@labelled(args={"order_id": "42"}, backend=PAYMENTS, AR104="failed")  # a connection that is refused has sent nothing
def refund_with_one_handler(order_id: str) -> ToolResult:
    """Careful about a connection that breaks, and about one that was never made."""
    try:
        response = requests.post("https://pay.example.com/refunds", json={"order": order_id}, timeout=4)
        if not response.ok:
            return from_status(response.status_code)
        return ToolResult.success(response.json()["refund_id"])
    except requests.JSONDecodeError:
        return unreadable()
    except requests.RequestException:
        return ToolResult.transient("The refund may have been paid. Check the order first.", retry_safe=False)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"order_id": "42"}, backend=PAYMENTS, AR104="failed")  # where nothing was sent, nothing can have been paid
def refund_not_sent(order_id: str) -> ToolResult:
    """Tells a connection that was never made from one that broke, and has it the wrong way round."""
    try:
        response = httpx.post("https://pay.example.com/refunds", json={"order": order_id}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["refund_id"])
    except httpx.ConnectError:
        return ToolResult.transient("The refund was not sent.", retry_safe=False)
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"order_id": "42"}, backend=PAYMENTS)
def refund_and_note(order_id: str) -> ToolResult:
    """Once the money is paid, no failure of what comes after it makes the call safe to repeat."""
    paid = False
    try:
        with httpx.Client(timeout=2) as client:
            response = client.post("https://pay.example.com/refunds", json={"order": order_id})
            response.raise_for_status()
            refund = response.json()["refund_id"]
            paid = True
            client.post("https://pay.example.com/notes", json={"refund": refund}).raise_for_status()
            return ToolResult.success(refund)
    except httpx.HTTPError as error:
        found = from_httpx(error)
        return ToolResult.permanent("The refund is paid, and not noted. Do not pay it again.") if paid else found
    except (ValueError, KeyError, TypeError):
        return unreadable()
