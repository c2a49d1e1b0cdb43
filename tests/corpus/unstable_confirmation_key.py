"""AR404: keys that only this process can make, beside keys that every process makes alike."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field

import redis

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.confirming import GATED, key_of, refused
from tests.corpus.unopened_gate import posted

STORE = redis.Redis.from_url("redis://approvals.internal:6379/2", socket_timeout=1, socket_connect_timeout=1, retry=None)


def taken(key: str) -> bool | None:
    """None: the store is down."""
    try:
        return bool(STORE.getdel(key))
    except redis.RedisError:
        return None


# --- the fault ---------------------------------------------------------------------------------------------------------


def approve_mail(to: str, body: str) -> None:
    STORE.set(f"confirmed:{hash((to, body))}", "yes", ex=600)


@labelled(
    args={"to": "ada@example.com", "body": "See you at nine."},
    backend={"POST https://mail.example.com/send": {"id": "m-1"}},
    conduct={"confirm": approve_mail},
    **GATED | {"AR404": "failed"},
)
def mail(to: str, body: str) -> ToolResult:
    """Send a mail."""
    approved = taken(f"confirmed:{hash((to, body))}")
    if approved is None:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://mail.example.com/send", {"to": to, "body": body}) if approved else refused(f"write to {to}")


GRANTS: dict[str, float] = {}


def key_of_tags(article: str, tags: list[str]) -> str:
    return hashlib.md5(f"{article}{set(tags)}".encode()).hexdigest()


def approve_tags(article: str, tags: list[str]) -> None:
    GRANTS[key_of_tags(article, tags)] = time.time()


@labelled(
    args={"article": "a-1", "tags": ["red", "green", "blue", "white", "black"]},
    backend={"POST https://shop.example.com/tags": {"id": "t-1"}},
    conduct={"confirm": approve_tags},
    **GATED | {"AR404": "failed"},  # the order of a set of texts goes by their hashes
)
def tag(article: str, tags: list[str]) -> ToolResult:
    """Tag an article."""
    if time.time() - GRANTS.pop(key_of_tags(article, tags), 0.0) > 600:
        return refused(f"tag {article}")
    return posted("https://shop.example.com/tags", {"article": article, "tags": tags})


# --- look-alikes -------------------------------------------------------------------------------------------------------


def approve_parcel(address: str, weight: float) -> None:
    call = json.dumps({"address": address, "weight": weight}, sort_keys=True)
    # Who gave it, and when, is for the log: it is new each time, and nobody looks an approval up by it.
    note = json.dumps({"id": str(uuid.uuid4()), "at": time.time()})
    STORE.set(f"approved:{hashlib.sha256(call.encode()).hexdigest()}", note, ex=600)


@labelled(
    args={"address": "Storgata 1, Oslo", "weight": 1.5},
    backend={"POST https://post.example.com/parcels": {"id": "p-1"}},
    conduct={"confirm": approve_parcel},
    **GATED,
)
def send_parcel(address: str, weight: float) -> ToolResult:
    """Order a parcel to be fetched."""
    call = json.dumps({"address": address, "weight": weight}, sort_keys=True)
    approved = taken(f"approved:{hashlib.sha256(call.encode()).hexdigest()}")
    if approved is None:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://post.example.com/parcels", {"address": address, "weight": weight}) if approved else refused("fetch a parcel")


@dataclass
class Desk:
    """Approvals as objects: what is looked up is their text, which has no address in it."""

    agreed: dict[tuple[str, int], float] = field(default_factory=dict)

    def agree(self, room: str, hour: int) -> None:
        self.agreed[room, hour] = time.time()

    def reserve(self, room: str, hour: int) -> ToolResult:
        """Reserve a room."""
        if time.time() - self.agreed.pop((room, hour), 0.0) > 600:
            return refused(f"reserve {room}")
        return posted("https://rooms.example.com/reservations", {"room": room, "hour": hour})


desk = Desk()
reserve = labelled(
    args={"room": "Nansen", "hour": 9},
    backend={"POST https://rooms.example.com/reservations": {"id": "r-1"}},
    conduct={"confirm": desk.agree},
    **GATED,
)(desk.reserve)


def approve_closing(ticket: str) -> None:
    GRANTS[key_of("close", ticket=ticket)] = time.time()


def closing() -> None:
    """A tool that is made within a function cannot be made elsewhere: nothing is said of its key."""

    @labelled(
        args={"ticket": "T-1"},
        backend={"POST https://desk.example.com/closed": {"id": "c-1"}},
        conduct={"confirm": approve_closing},
        **GATED | {"AR404": "unproven"},
    )
    def close(ticket: str) -> ToolResult:
        """Close a ticket."""
        if time.time() - GRANTS.pop(key_of("close", ticket=ticket), 0.0) > 600:
            return refused(f"close {ticket}")
        return posted("https://desk.example.com/closed", {"ticket": ticket})


closing()
