"""AR406: gates to which the model has the key, beside parameters that only sound like one."""

from __future__ import annotations

import secrets
import time

import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_requests, unreadable
from tests.corpus.confirming import GATED, UNGATED, key_of, refused
from tests.corpus.unopened_gate import SHUT, posted

OPEN_TO_THE_MODEL = {"AR401": "passed", **{f"AR40{number}": "unproven" for number in range(2, 6)}, "AR406": "failed"}


def deleted(url: str) -> ToolResult:
    try:
        response = requests.delete(url, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"folder": "drafts"},
    backend={"DELETE https://files.example.com/folders/{folder}": {"id": "f-1"}},
    **SHUT,
    **OPEN_TO_THE_MODEL,
)
def delete_folder(folder: str, confirmed: str = "") -> ToolResult:
    """Delete a folder."""
    if not confirmed:  # "false" is a text like any other
        return refused(f"delete {folder}, and call again with confirmed='true'")
    return deleted(f"https://files.example.com/folders/{folder}")


@labelled(
    args={"host": "web-1"},
    backend={"POST https://ops.example.com/reboots": {"id": "r-1"}},
    **SHUT,
    **OPEN_TO_THE_MODEL,
)
def reboot(host: str, dry_run: bool = True) -> ToolResult:
    """Restart a machine."""
    if dry_run:
        return ToolResult.permanent(f"Nothing was done. Permission is needed to restart {host}.")
    return posted("https://ops.example.com/reboots", {"host": host})


CODES: dict[str, str] = {}


@labelled(
    args={"account": "NO93", "cents": 500},
    backend={"POST https://bank.example.com/payments": {"id": "p-1"}},
    **SHUT,
    **OPEN_TO_THE_MODEL,
)
def pay(account: str, cents: int, confirmation_code: str = "") -> ToolResult:
    """Pay."""
    if CODES.pop(confirmation_code, "") != key_of("pay", account=account, cents=cents):
        code = secrets.token_hex(3)
        CODES[code] = key_of("pay", account=account, cents=cents)
        return ToolResult.permanent(f"CONFIRMATION_REQUIRED: ask the user, then call again with confirmation_code={code}")
    return posted("https://bank.example.com/payments", {"account": account, "cents": cents})


# --- look-alikes -------------------------------------------------------------------------------------------------------

GRANTED: dict[str, float] = {}


def grant_booking(guest: str, night: str, send_confirmation: bool = True) -> None:
    GRANTED[key_of("book", guest=guest, night=night, send_confirmation=send_confirmation)] = time.time()


@labelled(
    args={"guest": "ada@example.com", "night": "2030-01-15"},
    backend={"POST https://hotel.example.com/bookings": {"id": "b-1"}},
    conduct={"confirm": grant_booking},
    **GATED,
)
def book_room(guest: str, night: str, send_confirmation: bool = True) -> ToolResult:
    """Book a room. The hotel sends a confirmation by mail, if that is wanted."""
    key = key_of("book", guest=guest, night=night, send_confirmation=send_confirmation)
    if time.time() - GRANTED.pop(key, 0.0) > 900:
        return refused(f"book {night} for {guest}")
    return posted("https://hotel.example.com/bookings", {"guest": guest, "night": night, "mail": send_confirmation})


PINS: dict[str, str] = {}


def send_pin(branch: str, force: bool = False) -> str:
    """By text message to the human, who types it into the chat."""
    pin = secrets.token_hex(4)
    PINS[pin] = key_of("push", branch=branch, force=force)
    return pin


@labelled(
    args={"branch": "main"},
    backend={"POST https://git.example.com/pushes": {"id": "g-1"}},
    conduct={"confirm": send_pin},
    **GATED | {"AR405": "failed"},
)
def push(branch: str, force: bool = False, confirmation_pin: str = "") -> ToolResult:
    """Push a branch."""
    if PINS.pop(confirmation_pin, "") != key_of("push", branch=branch, force=force):
        return refused(f"push {branch}, with the PIN that was sent to their phone")
    return posted("https://git.example.com/pushes", {"branch": branch, "force": force})


@labelled(
    args={"item": "tea"},
    backend={"POST https://list.example.com/items": {"id": "i-1"}},
    **UNGATED,
)
def add_item(item: str, force: bool = False) -> ToolResult:
    """Put something onto the list. It has no gate at all, so that there is none to open."""
    return posted("https://list.example.com/items", {"item": item, "force": force})
