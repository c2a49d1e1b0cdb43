"""AR402: gates that a confirmation does not open, or that nobody is told of, beside those that work in their own way."""

from __future__ import annotations

import secrets
import time

import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import CHECKS, labelled
from tests.corpus.classify import from_requests, unreadable
from tests.corpus.confirming import GATED, key_of, refused

APPROVALS: dict[str, float] = {}
SHUT = dict.fromkeys(CHECKS, "unproven")  # nobody gets to see what it does
UNSEEN = {"AR401": "passed", "AR402": "failed", "AR403": "unproven", "AR404": "unproven", "AR405": "unproven", "AR406": "passed"}


def posted(url: str, body: dict[str, object]) -> ToolResult:
    try:
        response = requests.post(url, json=body, timeout=2)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


def taken(key: str) -> bool:
    return time.time() - APPROVALS.pop(key, 0.0) <= 900


# --- the fault ---------------------------------------------------------------------------------------------------------


def approve_invoice(customer: str, cents: int, currency: str = "EUR") -> None:
    APPROVALS[key_of("invoice", customer=customer, cents=cents)] = time.time()


@labelled(
    args={"customer": "c-1", "cents": 900},
    backend={"POST https://books.example.com/invoices": {"id": "i-1"}},
    conduct={"confirm": approve_invoice},
    **SHUT,
    **UNSEEN,  # the default is in the one key, and not in the other
)
def invoice(customer: str, cents: int, currency: str = "EUR") -> ToolResult:
    """Send an invoice."""
    if not taken(key_of("invoice", customer=customer, cents=cents, currency=currency)):
        return refused(f"invoice {customer} for {cents} {currency}")
    return posted("https://books.example.com/invoices", {"customer": customer, "cents": cents, "currency": currency})


def approve_order(sku: str, pieces: int) -> None:
    APPROVALS[key_of("order", sku=sku, pieces=pieces)] = time.time()


@labelled(
    args={"sku": "LAMP-2", "pieces": 3},
    backend={"POST https://supplier.example.com/orders": {"id": "o-1"}},
    conduct={"confirm": approve_order},
    **GATED | {"AR402": "failed"},  # it is ordered twice: once to be sure
)
def order(sku: str, pieces: int) -> ToolResult:
    """Order from the supplier."""
    if not taken(key_of("order", sku=sku, pieces=pieces)):
        return refused(f"order {pieces} of {sku}")
    posted("https://supplier.example.com/orders", {"sku": sku, "pieces": pieces})
    return posted("https://supplier.example.com/orders", {"sku": sku, "pieces": pieces})


def approve_note(text: str) -> None:
    APPROVALS[key_of("note", text=text)] = time.time()


@labelled(
    args={"text": "Call Ada."},
    backend={"POST https://notes.example.com/notes": {"id": "n-1"}},
    conduct={"confirm": approve_note},
    **GATED | {"AR402": "failed"},  # the model tells the user that all is well
)
def note(text: str) -> ToolResult:
    """Write a note."""
    if not taken(key_of("note", text=text)):
        return ToolResult.success("ok")
    return posted("https://notes.example.com/notes", {"text": text})


# --- look-alikes -------------------------------------------------------------------------------------------------------

PENDING: dict[str, dict[str, object]] = {}


def approve_pending(host: str) -> None:
    """A human presses the button below a request that waits: there is none before the tool has asked."""
    PENDING[key_of("restart", host=host)]["approved"] = time.time()


@labelled(
    args={"host": "web-1"},
    backend={"POST https://ops.example.com/restarts": {"id": "r-1"}},
    conduct={"confirm": approve_pending},
    **GATED,
)
def restart(host: str) -> ToolResult:
    """Restart a machine."""
    request = PENDING.setdefault(key_of("restart", host=host), {"host": host})
    if time.time() - float(request.get("approved", 0.0)) > 900:  # type: ignore[arg-type]
        return refused(f"restart {host}")
    del PENDING[key_of("restart", host=host)]
    return posted("https://ops.example.com/restarts", {"host": host})


TICKETS: dict[str, tuple[str, float]] = {}


def issue_ticket(name: str) -> str:
    """The user's own interface gets a token, and hands it on with the call that it approves."""
    ticket = secrets.token_hex(8)
    TICKETS[ticket] = key_of("drop", name=name), time.time()
    return ticket


@labelled(
    args={"name": "staging"},
    backend={"DELETE https://db.example.com/databases/{name}": {"id": "d-1"}},
    conduct={"confirm": issue_ticket},
    **GATED,
)
def drop_database(name: str, approval_token: str = "") -> ToolResult:
    """Delete a database."""
    key, at = TICKETS.pop(approval_token, ("", 0.0))
    if key != key_of("drop", name=name) or time.time() - at > 900:
        return refused(f"delete the database {name}")
    try:
        response = requests.delete(f"https://db.example.com/databases/{name}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()
