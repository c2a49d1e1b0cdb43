"""AR403: approvals that fit more calls than one, beside those that cover everything that matters."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from contextvars import ContextVar
from urllib.parse import quote

import httpx
import redis
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests, unreadable
from tests.corpus.confirming import GATED, key_of, refused

CUSTOMER: ContextVar[str] = ContextVar("customer", default="ada")
CUSTOMER.set("ada")


def posted(url: str, body: dict[str, object], timeout: float = 4) -> ToolResult:
    try:
        response = requests.post(url, json=body, timeout=timeout)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


async def posted_later(url: str, body: dict[str, object]) -> ToolResult:
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.post(url, json=body)
            response.raise_for_status()
            return ToolResult.success(response.json()["id"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- the fault ---------------------------------------------------------------------------------------------------------

GRANTED: dict[str, float] = {}


def grant_transfer(account: str, cents: int, note: str = "") -> None:
    GRANTED[f"transfer:{account}"] = time.time()


@labelled(
    args={"account": "NO93", "cents": 500},
    backend={"POST https://bank.example.com/transfers": {"id": "t-1"}},
    conduct={"confirm": grant_transfer},
    **GATED | {"AR403": "failed"},  # the account alone: any amount, any note
)
def transfer(account: str, cents: int, note: str = "") -> ToolResult:
    """Move money."""
    granted = GRANTED.pop(f"transfer:{account}", 0.0)
    if time.time() - granted > 600:
        return refused(f"transfer {cents} cents to {account}")
    return posted("https://bank.example.com/transfers", {"account": account, "cents": cents, "note": note})


STORE = redis.Redis(host="approvals.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)


def approve_publication(title: str, text: str) -> None:
    STORE.set(f"approved:publish:{hashlib.sha256(json.dumps([title, text]).encode()).hexdigest()}", "1", ex=900)


@labelled(
    args={"title": "News", "text": "We are open."},
    backend={"POST https://blog.example.com/posts": {"id": "b-1"}},
    conduct={"confirm": approve_publication, "user": CUSTOMER},
    AR104="passed",
    **GATED | {"AR403": "failed"},  # whoever asks
)
def publish(title: str, text: str) -> ToolResult:
    """Publish in the name of the customer who is logged in."""
    key = f"approved:publish:{hashlib.sha256(json.dumps([title, text]).encode()).hexdigest()}"
    try:
        if not STORE.getdel(key):
            return refused(f"publish {title}")
    except redis.RedisError:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://blog.example.com/posts", {"author": CUSTOMER.get(), "title": title, "text": text})


def approve_payout(iban: str, amount: float) -> None:
    STORE.set(f"approved:payout:{iban}:{int(amount)}", "1", ex=600)


@labelled(
    args={"iban": "NO9386011117947", "amount": 249.5},
    backend={"POST https://bank.example.com/payouts": {"id": "p-1"}},
    conduct={"confirm": approve_payout},
    **GATED | {"AR403": "failed"},  # whole euros: the cents are the model's
)
def pay_out(iban: str, amount: float) -> ToolResult:
    """Pay somebody out."""
    try:
        if not STORE.getdel(f"approved:payout:{iban}:{int(amount)}"):
            return refused(f"pay {amount:.2f} to {iban}")
    except redis.RedisError:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://bank.example.com/payouts", {"iban": iban, "amount": amount})


def grant_newsletter(recipients: list[str], text: str) -> None:
    GRANTED[key_of("newsletter", recipients=recipients[:3], text=text)] = time.time()


@labelled(
    args={"recipients": ["ada@example.com", "bob@example.com", "eve@example.com", "joe@example.com"], "text": "We are open."},
    backend={"POST https://mail.example.com/newsletters": {"id": "n-1"}},
    conduct={"confirm": grant_newsletter},
    **GATED | {"AR403": "failed"},  # the user was shown the first three, and agreed to those
)
async def send_newsletter(recipients: list[str], text: str) -> ToolResult:
    """Send a newsletter."""
    if time.time() - GRANTED.pop(key_of("newsletter", recipients=recipients[:3], text=text), 0.0) > 900:
        return refused(f"write to {', '.join(recipients[:3])} and others")
    return await posted_later("https://mail.example.com/newsletters", {"recipients": recipients, "text": text})


def grant_comment(issue: str, text: str) -> None:
    GRANTED[f"comment:{hashlib.sha256((issue + text[:200]).encode()).hexdigest()}"] = time.time()


@labelled(
    args={"issue": "shop-812", "text": "It is fixed."},
    backend={"POST https://git.example.com/comments": {"id": "c-1"}},
    conduct={"confirm": grant_comment},
    **GATED | {"AR403": "failed"},  # what follows the preview, and which issue it goes to
)
async def comment(issue: str, text: str) -> ToolResult:
    """Comment on an issue."""
    if time.time() - GRANTED.pop(f"comment:{hashlib.sha256((issue + text[:200]).encode()).hexdigest()}", 0.0) > 900:
        return refused(f"comment on {issue}")
    return await posted_later("https://git.example.com/comments", {"issue": issue, "text": text})


def agree_to_move(origin: str, target: str, pieces: int) -> None:
    GRANTED[key_of("move", places=sorted([origin, target]), pieces=pieces)] = time.time()


@labelled(
    args={"origin": "Bergen", "target": "Oslo", "pieces": 40},
    backend={"POST https://stock.example.com/moves": {"id": "m-1"}},
    conduct={"confirm": agree_to_move},
    **GATED | {"AR403": "failed"},  # from Oslo to Bergen is the same key
)
def move_stock(origin: str, target: str, pieces: int) -> ToolResult:
    """Move pieces from one store to another."""
    if time.time() - GRANTED.pop(key_of("move", places=sorted([origin, target]), pieces=pieces), 0.0) > 900:
        return refused(f"move {pieces} from {origin} to {target}")
    return posted("https://stock.example.com/moves", {"from": origin, "to": target, "pieces": pieces})


def approve_access(folder: str, group: str) -> None:
    STORE.set(f"approved:access:{folder}/{group}", "1", ex=600)


@labelled(
    args={"folder": "contracts", "group": "sales"},
    backend={"POST https://files.example.com/access": {"id": "a-1"}},
    conduct={"confirm": approve_access},
    **GATED | {"AR403": "failed"},  # contracts/2026 for sales, and contracts for 2026/sales
)
def give_access(folder: str, group: str) -> ToolResult:
    """Let a group read a folder."""
    try:
        if not STORE.getdel(f"approved:access:{folder}/{group}"):
            return refused(f"let {group} read {folder}")
    except redis.RedisError:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://files.example.com/access", {"folder": folder, "group": group})


# --- look-alikes -------------------------------------------------------------------------------------------------------

BOOKS = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
BOOKS.execute("CREATE TABLE approvals (key TEXT PRIMARY KEY, at REAL)")


def agree_to_booking(seats: list[str], show: str) -> None:
    BOOKS.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?)", (key_of("book", seats=seats, show=show), time.time()))


@labelled(
    args={"seats": ["A1", "A2"], "show": "s-9"},
    backend={"POST https://tickets.example.com/bookings": {"id": "k-1"}},
    conduct={"confirm": agree_to_booking, "bookkeeping": ("table:approvals",)},
    AR401="passed",
    AR402="passed",
    AR403="passed",
    AR405="passed",
    AR406="passed",
)
def book(seats: list[str], show: str) -> ToolResult:
    """Book seats."""
    key = key_of("book", seats=seats, show=show)
    found = BOOKS.execute("DELETE FROM approvals WHERE key = ? AND at > ?", (key, time.time() - 900)).rowcount
    if not found:
        return refused(f"book {', '.join(seats)}")
    return posted("https://tickets.example.com/bookings", {"seats": seats, "show": show})


def approve_reminder(phone: str, text: str, timeout: float = 4, verbose: bool = False) -> None:
    GRANTED[key_of("remind", customer=CUSTOMER.get(), phone=phone, text=text)] = time.time()


@labelled(
    args={"phone": "+4722334455", "text": "Tomorrow at nine."},
    backend={"POST https://sms.example.com/messages": {"id": "m-1"}},
    conduct={"confirm": approve_reminder, "user": CUSTOMER},
    **GATED,  # how long it waits, and how much it says of itself, is no other message
)
async def remind(phone: str, text: str, timeout: float = 4, verbose: bool = False) -> ToolResult:
    """Send a text message."""
    granted = GRANTED.pop(key_of("remind", customer=CUSTOMER.get(), phone=phone, text=text), 0.0)
    if time.time() - granted > 900:
        return refused(f"text {phone}: {text}")
    try:
        async with httpx.AsyncClient(timeout=min(timeout, 4)) as client:
            response = await client.post("https://sms.example.com/messages", json={"phone": phone, "text": text})
            response.raise_for_status()
            return ToolResult.success(response.json()["id"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


def grant_invitation(email: str, role: str, note: str = "") -> None:
    GRANTED[key_of("invite", email=email.strip().lower(), role=role, note=" ".join(note.split())[:80])] = time.time()


@labelled(
    args={"email": "Ada@example.com", "role": "viewer"},
    backend={"POST https://team.example.com/invitations": {"id": "i-1"}},
    conduct={"confirm": grant_invitation},
    **GATED,  # what its key drops, it sends as little: `Ada@` and `ada@` get the same invitation
)
def invite(email: str, role: str, note: str = "") -> ToolResult:
    """Invite somebody to the team."""
    email, note = email.strip().lower(), " ".join(note.split())[:80]
    if time.time() - GRANTED.pop(key_of("invite", email=email, role=role, note=note), 0.0) > 900:
        return refused(f"invite {email} as {role}")
    return posted("https://team.example.com/invitations", {"email": email, "role": role, "note": note})


def approve_discount(code: str, percent: float) -> None:
    STORE.set(f"approved:discount:{code.upper()}:{percent:.1f}", "1", ex=600)


@labelled(
    args={"code": "SPRING", "percent": 12.5},
    backend={"PUT https://shop.example.com/discounts/{code}": {"id": "d-1"}},
    conduct={"confirm": approve_discount},
    **GATED,  # one decimal is all that the shop is told
)
def set_discount(code: str, percent: float) -> ToolResult:
    """Set a discount."""
    code, text = code.upper(), f"{percent:.1f}"
    try:
        if not STORE.getdel(f"approved:discount:{code}:{text}"):
            return refused(f"set {code} to {text} %")
    except redis.RedisError:
        return ToolResult.transient("The approvals cannot be looked up.")
    try:
        response = requests.put(f"https://shop.example.com/discounts/{quote(code, safe='')}", json={"percent": text}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


def agree_to_introduction(one: str, other: str) -> None:
    GRANTED[key_of("introduce", people=sorted([one, other]))] = time.time()


@labelled(
    args={"one": "Grace", "other": "Ada"},
    backend={"POST https://people.example.com/introductions": {"id": "i-1"}},
    conduct={"confirm": agree_to_introduction},
    **GATED,  # whoever is named first, it is the same introduction
)
def introduce(one: str, other: str) -> ToolResult:
    """Introduce two people to each other."""
    people = sorted([one, other])
    if time.time() - GRANTED.pop(key_of("introduce", people=people), 0.0) > 900:
        return refused(f"introduce {people[0]} and {people[1]}")
    return posted("https://people.example.com/introductions", {"people": people})


def approve_label(issue: str, label: str) -> None:
    STORE.set(f"approved:label:{quote(issue, safe='')}:{quote(label, safe='')}", "1", ex=600)


@labelled(
    args={"issue": "shop-812", "label": "urgent: today"},
    backend={"POST https://git.example.com/labels": {"id": "l-1"}},
    conduct={"confirm": approve_label},
    **GATED,  # a colon within a part is none between two
)
def label_issue(issue: str, label: str) -> ToolResult:
    """Put a label on an issue."""
    try:
        if not STORE.getdel(f"approved:label:{quote(issue, safe='')}:{quote(label, safe='')}"):
            return refused(f"label {issue} as {label}")
    except redis.RedisError:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://git.example.com/labels", {"issue": issue, "label": label})
