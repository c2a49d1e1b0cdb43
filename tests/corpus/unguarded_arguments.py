"""AR107: tools that trust what the model sends, beside tools that look at it first, or that it cannot harm."""

from __future__ import annotations

import asyncio
import datetime
import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

import asyncpg
import httpx
import jsonschema
import requests
from pydantic import Field, ValidationError, validate_call
from typing_extensions import TypedDict

from pytest_agentready import Response
from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

SHOP = "https://shop.example.com"


def send(method: str, path: str, content: Any = None) -> ToolResult:
    """What all the tools below do once they have made up their mind."""
    try:
        response = requests.request(method, f"{SHOP}{path}", json=content, timeout=5, headers={"Idempotency-Key": f"{method} {path}"})
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"customer_id": "C-1"},
    backend={"DELETE https://shop.example.com/customers/{id}": {"deleted": True}},
    AR107="failed",  # customer_id=None deletes the customer "None"
)
def delete_customer(customer_id: str) -> ToolResult:
    """Delete a customer for good."""
    return send("DELETE", f"/customers/{customer_id}")


@labelled(
    args={"payment_id": "P-1", "cents": 500},
    backend={"POST https://shop.example.com/payments/{id}/refunds": {"refunded": True}},
    AR107="failed",  # the id is looked at, the amount is not: cents=None, cents="abc", cents=0
)
def refund_payment(payment_id: str, cents: Annotated[int, Field(ge=1)]) -> ToolResult:
    """Pay a payment back, in part or as a whole."""
    if not isinstance(payment_id, str) or not payment_id.startswith("P-"):
        return ToolResult.permanent("payment_id begins with P-.")
    return send("POST", f"/payments/{payment_id}/refunds", {"cents": cents})


@labelled(
    args={"skus": ["MUG-1"]},
    backend={"GET https://shop.example.com/stock/{sku}": {"pieces": 3}},
    AR107="failed",  # skus=None: TypeError, 'NoneType' object is not iterable
)
def pieces_of(skus: list[str]) -> ToolResult:
    """How many pieces of several articles are left."""
    answers = [send("GET", f"/stock/{sku}") for sku in skus]
    return next((answer for answer in answers if answer.status == "error"), ToolResult.success([answer.data for answer in answers]))


@labelled(
    args={"ticket": "T-1", "status": "closed"},
    backend={"PATCH https://shop.example.com/tickets/{id}": {"ok": True}},
    AR107="failed",  # Literal is a note for type checkers alone: status="abc" is sent
)
async def set_ticket_status(ticket: str, status: Literal["open", "closed"]) -> ToolResult:
    """Open or close a ticket."""
    if not isinstance(ticket, str):
        return ToolResult.permanent("ticket is a text, such as T-1.")
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            response = await client.patch(f"{SHOP}/tickets/{ticket}", json={"status": status})
            response.raise_for_status()
            return ToolResult.success(response.json())
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


class Guest(TypedDict):
    """Somebody to invite."""

    email: str
    name: str


@labelled(
    args={"guest": {"email": "ada@example.com", "name": "Ada"}},
    backend={"POST https://shop.example.com/guests": {"id": 1}},
    AR107="failed",  # guest={"name": "Ada"}: KeyError
)
def invite(guest: Guest) -> ToolResult:
    """Invite a guest."""
    if not isinstance(guest, dict):
        return ToolResult.permanent("guest is an object with email and name.")
    email = guest["email"]
    if not isinstance(email, str) or "@" not in email or not isinstance(guest.get("name"), str):
        return ToolResult.permanent("The guest's email is no address.")
    return send("POST", "/guests", {"email": email, "name": guest["name"]})


@labelled(
    args={"minutes": 90},
    backend={"GET https://shop.example.com/slots/{hours}": {"free": 2}},
    AR107="failed",  # minutes="abc": TypeError in a library, three frames below
)
def slots_of(minutes: int) -> ToolResult:
    """Free slots of a length."""
    hours = datetime.timedelta(minutes=minutes) // datetime.timedelta(hours=1)
    return send("GET", f"/slots/{hours}")


# --- look-alikes without it ----------------------------------------------------------------------------------------------


@labelled(
    args={"customer_id": "C-1"},
    backend={"DELETE https://shop.example.com/customers/{id}": {"deleted": True}},
    AR107="passed",  # ValidationError, before anything is done
)
@validate_call
def forget_customer(customer_id: str) -> ToolResult:
    """Delete a customer for good."""
    return send("DELETE", f"/customers/{customer_id}")


def refusing(tool: Callable[..., ToolResult]) -> Callable[..., ToolResult]:
    """The same as a typed result."""
    checked = validate_call(tool)

    @functools.wraps(tool)
    def call(*args: Any, **kwargs: Any) -> ToolResult:
        try:
            return checked(*args, **kwargs)
        except ValidationError as error:
            return ToolResult.permanent(f"The arguments do not fit: {error.error_count()} problems.")

    return call


@labelled(
    args={"payment_id": "P-1", "cents": 500},
    backend={"POST https://shop.example.com/payments/{id}/refunds": {"refunded": True}},
    AR107="passed",
)
@refusing
def pay_back(payment_id: str, cents: Annotated[int, Field(ge=1)]) -> ToolResult:
    """Pay a payment back, in part or as a whole."""
    return send("POST", f"/payments/{payment_id}/refunds", {"cents": cents})


@labelled(
    args={"ticket": "T-1", "status": "closed"},
    backend={"PATCH https://shop.example.com/tickets/{id}": {"ok": True}},
    AR107="passed",  # checked by hand, and said with `raise`
)
def close_or_open(ticket: str, status: Literal["open", "closed"] = "closed") -> ToolResult:
    """Open or close a ticket."""
    if not isinstance(ticket, str):
        raise TypeError(f"ticket must be a text, not {ticket!r}")
    if status not in ("open", "closed"):
        raise ValueError("status must be open or closed")
    return send("PATCH", f"/tickets/{ticket}", {"status": status})


@labelled(
    args={"cents": 500},
    backend={"POST https://shop.example.com/donations": {"thanks": True}},
    AR107="passed",  # what is no number is refused, and 1.5 becomes 1
)
def donate(cents: int) -> ToolResult:
    """Give to a good cause."""
    try:
        whole = int(cents)
    except (TypeError, ValueError):
        return ToolResult.permanent("cents is a whole number.")
    return send("POST", "/donations", {"cents": max(whole, 500)})


GUEST = {"type": "object", "required": ["email", "name"], "properties": {"email": {"type": "string"}, "name": {"type": "string"}}}


@labelled(
    args={"guest": {"email": "ada@example.com", "name": "Ada"}},
    backend={"POST https://shop.example.com/guests": {"id": 1}},
    AR107="passed",
)
def welcome(guest: Guest) -> ToolResult:
    """Invite a guest."""
    jsonschema.validate(guest, GUEST)
    return send("POST", "/guests", guest)


@labelled(
    args={"text": "mugs"},
    backend={"POST https://shop.example.com/articles/search": {"hits": []}},
    AR107="passed",  # a POST that only asks: null finds nothing
)
def find_articles(text: str) -> ToolResult:
    """Search for articles."""
    return send("POST", "/articles/search", {"text": text})


@labelled(
    args={"order_id": "42"},
    backend={"GET https://shop.example.com/orders/{id}": {"state": "shipped"}},
    AR107="passed",  # there is no order "None", and the shop will say so
)
def order_state(order_id: str) -> ToolResult:
    """Where an order is."""
    return send("GET", f"/orders/{order_id}")


@labelled(
    args={"day": datetime.date(2026, 12, 1)},
    backend={"POST https://shop.example.com/pickups": {"id": 1}},
    AR107="not_applicable",  # a date is made of JSON before, or the model's call fails
)
def book_pickup(day: datetime.date) -> ToolResult:
    """Have a parcel picked up."""
    return send("POST", "/pickups", {"day": day.isoformat()})


@labelled(
    args={"order_id": "42"},
    backend={"DELETE https://shop.example.com/orders/{id}": {"ok": True}},
    AR107="not_applicable",  # nothing says what an order's id is
)
def cancel(order_id):  # type: ignore[no-untyped-def]
    """Cancel an order."""
    return send("DELETE", f"/orders/{order_id}")


@labelled(
    args={"order_id": "42"},
    backend={
        "GET https://shop.example.com/orders/{id}": lambda request: (
            {"lines": [1]} if request.url.endswith("/42") else Response(404, json={})
        )
    },
    AR107="passed",  # None is not found; the body of a 404 is a matter of its own
)
def lines_of(order_id: str) -> ToolResult:
    """How many lines an order has."""
    try:
        response = httpx.get(f"{SHOP}/orders/{order_id}", timeout=5)
        if response.status_code != 200:
            return from_status(response.status_code)
        return ToolResult.success(len(response.json()["lines"]))
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


NOTES = {"postgresql://db.internal/crm": {"INSERT INTO notes": 1}}


async def store(note: str) -> ToolResult:
    try:
        connection = await asyncpg.connect("postgresql://app:secret@db.internal/crm", timeout=2, command_timeout=2)
        try:
            await connection.execute("INSERT INTO notes (note) VALUES ($1)", note)
        finally:
            connection.terminate()
        return ToolResult.success("stored")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, asyncio.TimeoutError):
        return ToolResult.transient("The notes cannot be reached.", retry_safe=False)


@labelled(args={"note": "call"}, backend=NOTES, kind="db", AR104="failed", AR107="failed")  # the text of the statement is always the same
async def take_a_note(note: str) -> ToolResult:
    """Store a note."""
    return await store(note)


@labelled(args={"note": "call"}, backend=NOTES, kind="db", AR104="failed", AR107="passed")
async def take_a_note_that_is_one(note: str) -> ToolResult:
    """Store a note."""
    return await store(note) if isinstance(note, str) else ToolResult.permanent("note is a text.")


LISTING = {"POST https://shop.example.com/customers/list": {"customers": [{"id": "C-1"}]}}


@labelled(
    args={"city": "Rome"},
    backend=LISTING,
    conduct={"reads": ("POST https://shop.example.com/customers/list",)},
    AR107="passed",  # city=None lists nobody: a POST, which its owner calls a read
)
def list_customers(city: str) -> ToolResult:
    """Who lives in that city."""
    return send("POST", "/customers/list", {"city": city})


@labelled(args={"city": "Rome"}, backend={"POST https://shop.example.com/customers/close": {"closed": 1}}, AR107="failed")
def close_customers(city: str) -> ToolResult:
    """Close the accounts of all that live in that city."""
    return send("POST", "/customers/close", {"city": city})
