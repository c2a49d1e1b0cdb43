"""AR406: gates to which the model has the key, beside parameters that only sound like one."""

from __future__ import annotations

import secrets
import time
from typing import Any, Literal
from urllib.parse import quote

import requests
from pydantic import BaseModel

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_requests, unreadable
from tests.corpus.confirming import GATED, READS, UNGATED, key_of, refused
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


@labelled(
    args={"bucket": "reports-2024"},
    backend={"DELETE https://storage.example.com/buckets/{bucket}": {"id": "b-1"}},
    **SHUT,
    **OPEN_TO_THE_MODEL,
)
def empty_bucket(bucket: str, options: dict[str, Any] | None = None) -> ToolResult:
    """Delete a bucket with all that is in it."""
    if not (options or {}).get("force"):
        return refused(f"delete {bucket}")
    return deleted(f"https://storage.example.com/buckets/{quote(bucket, safe='')}")


@labelled(
    args={"project": "shop"},
    backend={"DELETE https://git.example.com/projects/{project}": {"id": "p-1"}},
    **SHUT,
    **OPEN_TO_THE_MODEL,
)
def delete_project(project: str, confirm_project: str = "") -> ToolResult:
    """Delete a project. As a safeguard its name has to be typed once more."""
    if confirm_project != project:
        return refused(f"delete {project}, by typing its name")
    return deleted(f"https://git.example.com/projects/{quote(project, safe='')}")


class Delivery(BaseModel):
    """How a campaign goes out."""

    mode: Literal["draft", "send"] = "draft"
    track_clicks: bool = False


@labelled(
    args={"campaign": "spring", "delivery": Delivery()},
    backend={"POST https://mail.example.com/campaigns": {"id": "c-1"}},
    **SHUT,
    **OPEN_TO_THE_MODEL | {f"AR40{number}": "unproven" for number in range(2, 6)},
)
def run_campaign(campaign: str, delivery: Delivery) -> ToolResult:
    """Write to all customers, or show what would be written."""
    if delivery.mode != "send":
        return ToolResult.permanent(f"Nothing was sent. Ask the user whether {campaign} may go out, then take the mode 'send'.")
    return posted("https://mail.example.com/campaigns", {"campaign": campaign, "clicks": delivery.track_clicks})


DRAINS: dict[str, float] = {}


def grant_drain(node: str, reason: str) -> None:
    DRAINS[key_of("drain", node=node, reason=reason)] = time.time()


@labelled(
    args={"node": "web-1", "reason": "memory leak"},
    backend={"POST https://ops.example.com/drains": {"id": "d-1"}},
    conduct={"confirm": grant_drain},
    **GATED | {"AR406": "failed"},
)
def drain(node: str, reason: str) -> ToolResult:
    """Take a machine out of the pool; what the model says of the user's word is believed."""
    if "approved" not in reason.lower() and time.time() - DRAINS.pop(key_of("drain", node=node, reason=reason), 0.0) > 900:
        return refused(f"drain {node}")
    return posted("https://ops.example.com/drains", {"node": node})


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"node": "web-1", "reason": "memory leak"},
    backend={"POST https://ops.example.com/drains": {"id": "d-1"}},
    conduct={"confirm": grant_drain},
    **GATED,
)
def drain_and_say_why(node: str, reason: str) -> ToolResult:
    """Take a machine out of the pool; the reason is for the log, and part of what is confirmed."""
    if time.time() - DRAINS.pop(key_of("drain", node=node, reason=reason), 0.0) > 900:
        return refused(f"drain {node}")
    return posted("https://ops.example.com/drains", {"node": node, "note": reason})


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


def grant_move(name: str, options: dict[str, Any] | None = None, mode: str = "copy") -> None:
    GRANTED[key_of("move", name=name, options=options, mode=mode)] = time.time()


@labelled(
    args={"name": "drafts"},
    backend={"POST https://files.example.com/moves": {"id": "m-1"}},
    conduct={"confirm": grant_move},
    **GATED,  # whatever stands in its options and its mode, it asks
)
def move_folder(name: str, options: dict[str, Any] | None = None, mode: Literal["copy", "move"] = "copy") -> ToolResult:
    """Move a folder, or copy it. `options` may have `force`, which takes the place of what is there."""
    if time.time() - GRANTED.pop(key_of("move", name=name, options=options, mode=mode), 0.0) > 900:
        return refused(f"{mode} {name}")
    return posted("https://files.example.com/moves", {"name": name, "options": options, "mode": mode})


@labelled(
    args={"report": "sales"},
    backend={"GET https://bi.example.com/reports/{report}": {"rows": 12}},
    **READS,
)
def show_report(report: str, mode: Literal["preview", "full"] = "preview") -> ToolResult:
    """Show a report, or the beginning of it: either way it only reads."""
    try:
        response = requests.get(f"https://bi.example.com/reports/{quote(report, safe='')}", params={"mode": mode}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["rows"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()
