"""AR107: tools that look at their arguments, but not closely enough, beside tools that do. Null and its like do no harm to either."""

from __future__ import annotations

import datetime
import re
import tempfile
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import requests
from pydantic import Field
from typing_extensions import TypedDict

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, unreadable
from .unguarded_arguments import SHOP, send

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"name": "notes.txt"},
    backend={"GET https://shop.example.com/notes": {"ok": True}},
    AR107="failed",  # name="notes\x00.txt": ValueError of open()
)
def read_note(name: Annotated[str, Field(pattern=r"^[a-z]+\.txt$")]) -> ToolResult:
    """Read a note that was saved before."""
    if not isinstance(name, str) or not name.endswith(".txt") or "/" in name:
        return ToolResult.permanent("name is a file's name, such as notes.txt.")
    notes = send("GET", "/notes")
    if notes.status == "error":
        return notes
    try:
        with open(Path(tempfile.gettempdir()) / "no-such-directory" / name, encoding="utf-8") as file:
            return ToolResult.success(file.read())
    except OSError:
        return ToolResult.success("")


class Contact(TypedDict):
    """How to reach somebody."""

    email: str
    phone: str


class Order(TypedDict):
    """What is ordered, and for whom."""

    sku: str
    contact: Contact


@labelled(
    args={"order": {"sku": "MUG-1", "contact": {"email": "ada@example.com", "phone": "555"}}},
    backend={"GET https://shop.example.com/quotes/{sku}": {"cents": 900}},
    AR107="failed",  # order={"sku": ..., "contact": {}}: KeyError, though either of the two may be missing
)
def quote(order: Order) -> ToolResult:
    """What an order will cost."""
    if not isinstance(order, dict) or not isinstance(order.get("sku"), str) or not isinstance(order.get("contact"), dict):
        return ToolResult.permanent("order has a sku and a contact.")
    contact = order["contact"]
    reach = contact.get("email") or contact.get("phone") or contact["email"]
    if not isinstance(reach, str):
        return ToolResult.permanent("A contact is an address or a number.")
    return send("GET", f"/quotes/{order['sku']}")


@labelled(
    args={"lowest": 1, "highest": 9},
    backend={"GET https://shop.example.com/prices/{span}": {"hits": 3}},
    AR107="failed",  # lowest=None, highest=None: they are of one type, and TypeError
)
def priced_between(lowest: int, highest: int) -> ToolResult:
    """Articles of a span of prices."""
    if type(lowest) is not type(highest):
        return ToolResult.permanent("lowest and highest are both whole numbers.")
    return send("GET", f"/prices/{highest - lowest}")


@labelled(
    args={"days": 3},
    backend={"GET https://shop.example.com/deliveries/{day}": {"free": True}},
    AR107="failed",  # days=10**30: OverflowError
)
async def delivery_in(days: Annotated[int, Field(ge=1, le=60)]) -> ToolResult:
    """Is there a delivery in so many days?"""
    if type(days) is not int or days < 1:
        return ToolResult.permanent("days is a whole number from 1.")
    day = datetime.date(2026, 1, 1) + datetime.timedelta(days=days)
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            response = await client.get(f"{SHOP}/deliveries/{day}")
            response.raise_for_status()
            return ToolResult.success(response.json())
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


@labelled(
    args={"amount": "12.50"},
    backend={"GET https://shop.example.com/fees/{amount}": {"cents": 12}},
    AR107="failed",  # amount="NaN": a Decimal that cannot be compared
)
def fee_for(amount: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{2}$")]) -> ToolResult:
    """The fee for a payment."""
    try:
        value = Decimal(amount)
    except (InvalidOperation, TypeError, ValueError):
        return ToolResult.permanent("amount is a number with two decimals, such as 12.50.")
    if value <= 0:
        return ToolResult.permanent("amount is above zero.")
    return send("GET", f"/fees/{value}")


@labelled(
    args={"ticket": "T-100"},
    backend={"DELETE https://shop.example.com/tickets/{id}": {"ok": True}},
    AR107="failed",  # ticket="T-100\n": `$` of Python's is before a line's end, too
)
def delete_ticket(ticket: Annotated[str, Field(pattern=r"^T-[0-9]{3}$")]) -> ToolResult:
    """Delete a ticket."""
    if not isinstance(ticket, str) or not re.match(r"^T-[0-9]{3}$", ticket):
        return ToolResult.permanent("ticket is T- and three digits.")
    return send("DELETE", f"/tickets/{requests.utils.quote(ticket)}")


@labelled(
    args={"skus": ["MUG-1"]},
    backend={"GET https://shop.example.com/articles/{id}": {"ok": True}, "DELETE https://shop.example.com/articles/{id}": {"ok": True}},
    AR107="failed",  # skus="", action="remove": what is looked at for one action is not for the other
)
def articles(skus: list[str], action: Literal["show", "remove"] = "show") -> ToolResult:
    """Show or remove articles."""
    if action not in ("show", "remove"):
        return ToolResult.permanent("action is show or remove.")
    if action == "remove":
        return send("DELETE", f"/articles/{skus[0]}")
    if not isinstance(skus, list) or not skus or not all(isinstance(sku, str) for sku in skus):
        return ToolResult.permanent("skus is a list of texts.")
    return send("GET", f"/articles/{skus[0]}")


@labelled(
    args={"coupon": "SPRING"},
    backend={"DELETE https://shop.example.com/coupons/{code}": {"ok": True}},
    AR107="failed",  # coupon=True: null, [] and {} are all nothing, and the only wrong values that it stops
)
def end_coupon(coupon: str) -> ToolResult:
    """Let a coupon end today."""
    if not coupon:
        return ToolResult.permanent("coupon is a code, such as SPRING.")
    return send("DELETE", f"/coupons/{coupon}")


# --- look-alikes without it ----------------------------------------------------------------------------------------------


@labelled(
    args={"name": "notes.txt"},
    backend={"GET https://shop.example.com/notes": {"ok": True}},
    AR107="passed",
)
def read_named_note(name: Annotated[str, Field(pattern=r"^[a-z]+\.txt$")]) -> ToolResult:
    """Read a note that was saved before."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z]+\.txt", name):
        return ToolResult.permanent("name is a file's name, such as notes.txt.")
    notes = send("GET", "/notes")
    if notes.status == "error":
        return notes
    try:
        with open(Path(tempfile.gettempdir()) / "no-such-directory" / name, encoding="utf-8") as file:
            return ToolResult.success(file.read())
    except OSError:
        return ToolResult.success("")


@labelled(
    args={"text": "Hello", "stars": 1},
    backend={"POST https://shop.example.com/reviews": {"id": 1}},
    AR107="passed",  # odd text is text, and 3.7 stars become 3
)
def review(text: str, stars: Annotated[int, Field(ge=1)]) -> ToolResult:
    """Leave a review."""
    if not isinstance(text, str):
        return ToolResult.permanent("text is a text.")
    try:
        given = int(stars)
    except (TypeError, ValueError, OverflowError):
        return ToolResult.permanent("stars is a whole number from 1.")
    return send("POST", "/reviews", {"text": text, "stars": max(given, 1)})


@labelled(
    args={"lowest": 1, "highest": 9},
    backend={"POST https://shop.example.com/alerts": {"id": 3}},
    AR107="passed",
)
def alert_between(lowest: int, highest: int) -> ToolResult:
    """Tell me of articles of a span of prices."""
    if type(lowest) is not int or type(highest) is not int or lowest > highest:
        return ToolResult.permanent("lowest and highest are both whole numbers.")
    return send("POST", "/alerts", {"from": lowest, "to": highest})


@labelled(
    args={"order": {"sku": "MUG-1", "contact": {"email": "ada@example.com", "phone": "555"}}},
    backend={"POST https://shop.example.com/orders": {"id": 1}},
    AR107="passed",
)
def place(order: Order) -> ToolResult:
    """Order something."""
    contact = order.get("contact") if isinstance(order, dict) else None
    wanted: list[Any] = [contact.get("email"), contact.get("phone"), order.get("sku")] if isinstance(contact, dict) else [None]
    if not all(isinstance(part, str) for part in wanted):
        return ToolResult.permanent("order has a sku, and a contact with email and phone.")
    return send("POST", "/orders", {"sku": order["sku"], "email": order["contact"]["email"], "phone": order["contact"]["phone"]})


@labelled(
    args={"sku": "MUG-1"},
    backend={"PUT https://shop.example.com/shelves/{sku}": {"ok": True}},
    AR107="passed",  # what is wrong is put right, and what is valid leads elsewhere all by itself
)
def shelve(sku: str, row: Annotated[int, Field(ge=1, le=40)] = 1, note: str = "") -> ToolResult:
    """Put an article on a shelf."""
    if not isinstance(sku, str):
        return ToolResult.permanent("sku is a text.")
    place_in = row if type(row) is int and 1 <= row <= 40 else 1
    return send("PUT", f"/shelves/{requests.utils.quote(sku)}", {"row": place_in, "note": note if isinstance(note, str) else ""})


@labelled(
    args={"days": 3, "urgent": False},
    backend={"POST https://shop.example.com/reminders": {"id": 1}},
    AR107="passed",  # urgent lets a valid call crash, so that it is not the wrong days that do: another check's matter
)
def remind_in(days: Annotated[int, Field(ge=1, le=60)], urgent: bool) -> ToolResult:
    """Remind me in so many days."""
    if not isinstance(urgent, bool):
        return ToolResult.permanent("urgent is true or false.")
    pause = {False: "normal"}[urgent]
    if type(days) is not int or not 1 <= days <= 60:
        return ToolResult.permanent("days is a whole number from 1 to 60.")
    return send("POST", "/reminders", {"days": days, "pause": pause})
