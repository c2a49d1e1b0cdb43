"""AR405: approvals that outlive their action, beside those that are used up and expire."""

from __future__ import annotations

import datetime
import threading
import time

import redis

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.confirming import GATED, key_of, refused
from tests.corpus.unopened_gate import posted

STORE = redis.Redis(host="approvals.internal", port=6379, db=1, socket_timeout=1, socket_connect_timeout=1, retry=None)
DOWN = "The approvals cannot be looked up."

# --- the fault ---------------------------------------------------------------------------------------------------------


def approve_coupon(code: str, percent: int) -> None:
    STORE.set(f"approval:{key_of('coupon', code=code, percent=percent)}", 1, ex=300)


@labelled(
    args={"code": "WELCOME10", "percent": 10},
    backend={"POST https://shop.example.com/coupons": {"id": "c-1"}},
    conduct={"confirm": approve_coupon},
    **GATED | {"AR405": "failed"},  # for five minutes it serves as often as one likes
)
def create_coupon(code: str, percent: int) -> ToolResult:
    """Make a coupon."""
    try:
        if not STORE.get(f"approval:{key_of('coupon', code=code, percent=percent)}"):
            return refused(f"make the coupon {code}")
    except redis.RedisError:
        return ToolResult.transient(DOWN)
    return posted("https://shop.example.com/coupons", {"code": code, "percent": percent})


AGREED: set[str] = set()


def agree_to_call(phone: str) -> None:
    AGREED.add(key_of("call", phone=phone))


@labelled(
    args={"phone": "+4722334455"},
    backend={"POST https://voice.example.com/calls": {"id": "v-1"}},
    conduct={"confirm": agree_to_call},
    **GATED | {"AR405": "failed"},  # it is used up, but waits for ever
)
def call_back(phone: str) -> ToolResult:
    """Call somebody."""
    try:
        AGREED.remove(key_of("call", phone=phone))
    except KeyError:
        return refused(f"call {phone}")
    return posted("https://voice.example.com/calls", {"phone": phone})


def approve_refund(order: str, cents: int) -> None:
    STORE.set(f"approval:{key_of('refund', order=order, cents=cents)}", 1, ex=300)


@labelled(
    args={"order": "o-7", "cents": 1_990},
    backend={"POST https://shop.example.com/refunds": {"id": "r-1"}},
    conduct={"confirm": approve_refund},
    **GATED | {"AR405": "failed"},  # two at the same time both find it
)
def refund(order: str, cents: int) -> ToolResult:
    """Give money back."""
    key = f"approval:{key_of('refund', order=order, cents=cents)}"
    try:
        if not STORE.get(key):
            return refused(f"refund {cents} cents of {order}")
        STORE.delete(key)
    except redis.RedisError:
        return ToolResult.transient(DOWN)
    return posted("https://shop.example.com/refunds", {"order": order, "cents": cents})


# --- look-alikes -------------------------------------------------------------------------------------------------------


def approve_offer(customer: str, cents: int) -> None:
    STORE.set(f"approval:{key_of('offer', customer=customer, cents=cents)}", 1, ex=86_400)


@labelled(
    args={"customer": "c-2", "cents": 9_900},
    backend={"POST https://crm.example.com/offers": {"id": "o-1"}},
    conduct={"confirm": approve_offer},
    **GATED,  # a day, and no longer
)
def make_offer(customer: str, cents: int) -> ToolResult:
    """Send an offer."""
    try:
        if not STORE.delete(f"approval:{key_of('offer', customer=customer, cents=cents)}"):
            return refused(f"offer {customer} {cents} cents")
    except redis.RedisError:
        return ToolResult.transient(DOWN)
    return posted("https://crm.example.com/offers", {"customer": customer, "cents": cents})


UNTIL: dict[str, datetime.datetime] = {}


def agree_to_leave(person: str, days: int) -> None:
    UNTIL[key_of("leave", person=person, days=days)] = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)


@labelled(
    args={"person": "ada", "days": 3},
    backend={"POST https://hr.example.com/leaves": {"id": "l-1"}},
    conduct={"confirm": agree_to_leave},
    **GATED,
)
def enter_leave(person: str, days: int) -> ToolResult:
    """Enter a leave of absence."""
    until = UNTIL.pop(key_of("leave", person=person, days=days), None)
    if until is None or until < datetime.datetime.now(datetime.timezone.utc):
        return refused(f"enter {days} days for {person}")
    return posted("https://hr.example.com/leaves", {"person": person, "days": days, "entered": int(time.time())})


LOCK = threading.Lock()


def agree_to_export(table: str) -> None:
    with LOCK:
        UNTIL[key_of("export", table=table)] = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10)


@labelled(
    args={"table": "customers"},
    backend={"POST https://bi.example.com/exports": {"id": "e-1"}},
    conduct={"confirm": agree_to_export},
    **GATED,  # it looks first and takes it away after that, and nobody comes in between
)
def export(table: str) -> ToolResult:
    """Export a table."""
    key = key_of("export", table=table)
    with LOCK:
        until = UNTIL.get(key)
        if until is None or until < datetime.datetime.now(datetime.timezone.utc):
            return refused(f"export {table}")
        del UNTIL[key]
    return posted("https://bi.example.com/exports", {"table": table})
