"""AR404: keys that only this process can make, beside keys that every process makes alike."""

from __future__ import annotations

import functools
import hashlib
import hmac
import inspect
import json
import secrets
import time
import uuid
from collections.abc import Callable
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
    **GATED | {"AR404": "failed", "AR302": "passed"},  # the key of an approval is no key of the mail: one cause, one finding
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


def hand_out_by_hash(server: str) -> str:
    ticket = f"{hash(server)}"
    STORE.set(f"ticket:{ticket}", "1", ex=600)
    return ticket


@labelled(
    args={"server": "web-1"},
    backend={"POST https://ops.example.com/drains": {"id": "d-1"}},
    conduct={"confirm": hand_out_by_hash},
    **GATED | {"AR404": "failed"},
)
def drain(server: str, approval_token: str = "") -> ToolResult:
    """Take a server out of the pool."""
    if approval_token != f"{hash(server)}":
        return refused(f"drain {server}")
    approved = taken(f"ticket:{approval_token}")
    if approved is None:
        return ToolResult.transient("The approvals cannot be looked up.")
    return posted("https://ops.example.com/drains", {"server": server}) if approved else refused(f"drain {server}")


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


SHARED = b"from the vault"
OF_THIS_PROCESS = secrets.token_bytes(32)
SPENT: set[str] = set()


def signed(secret: bytes, call: str) -> str:
    """A token for this call: it holds for ten minutes, and once."""
    claims = f"{call}.{time.time() + 600:.0f}.{uuid.uuid4().hex}"
    return f"{claims}.{hmac.new(secret, claims.encode(), 'sha256').hexdigest()}"


def is_signed(secret: bytes, call: str, token: str) -> bool:
    claims, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, hmac.new(secret, claims.encode(), "sha256").hexdigest()):
        return False
    what, until, number = claims.split(".")
    if what != call or float(until) < time.time() or number in SPENT:
        return False
    SPENT.add(number)
    return True


def sign_by_the_shared_secret(host: str, minutes: int) -> str:
    return signed(SHARED, key_of("reboot", host=host, minutes=minutes))


@labelled(
    args={"host": "db-2", "minutes": 5},
    backend={"POST https://ops.example.com/reboots": {"id": "r-1"}},
    conduct={"confirm": sign_by_the_shared_secret},
    **GATED,  # nothing is stored: the token itself is taken to the other process
)
def reboot(host: str, minutes: int, approval_token: str = "") -> ToolResult:
    """Reboot a host."""
    if not is_signed(SHARED, key_of("reboot", host=host, minutes=minutes), approval_token):
        return refused(f"reboot {host}")
    return posted("https://ops.example.com/reboots", {"host": host, "minutes": minutes})


def sign_by_its_own_secret(host: str) -> str:
    return signed(OF_THIS_PROCESS, key_of("format", host=host))


@labelled(
    args={"host": "db-2"},
    backend={"POST https://ops.example.com/formats": {"id": "f-1"}},
    conduct={"confirm": sign_by_its_own_secret},
    **GATED | {"AR404": "failed"},  # after a restart no token holds any more, and another worker knows none of them
)
def format_disk(host: str, approval_token: str = "") -> ToolResult:
    """Format the disk of a host."""
    if not is_signed(OF_THIS_PROCESS, key_of("format", host=host), approval_token):
        return refused(f"format the disk of {host}")
    return posted("https://ops.example.com/formats", {"host": host})


def needs_a_word(function: Callable[..., ToolResult]) -> Callable[..., ToolResult]:
    """Lets each call through that was granted by `function.grant`."""
    granted: dict[str, float] = {}
    signature = inspect.signature(function)

    def key(*args: object, **kwargs: object) -> str:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return key_of(function.__name__, **bound.arguments)

    @functools.wraps(function)
    def gated(*args: object, **kwargs: object) -> ToolResult:
        call = key(*args, **kwargs)
        if time.time() - granted.pop(call, 0.0) > 600:
            return refused(call)
        return function(*args, **kwargs)

    def grant(*args: object, **kwargs: object) -> None:
        GRANTS[key(*args, **kwargs)] = granted[key(*args, **kwargs)] = time.time()

    gated.grant = grant  # type: ignore[attr-defined]
    return gated


@needs_a_word
def close_account(account: str, at_once: bool = False) -> ToolResult:
    """Close an account."""
    return posted("https://bank.example.com/closures", {"account": account, "at_once": at_once})


labelled(
    args={"account": "NO93"},
    backend={"POST https://bank.example.com/closures": {"id": "c-1"}},
    conduct={"confirm": close_account.grant},  # type: ignore[attr-defined]
    **GATED,  # another process finds the grant where it is: on the tool
)(close_account)


def hand_out(server: str, hours: int) -> str:
    """The human's interface shows it, and it goes back with the call."""
    ticket = f"{uuid.uuid4().hex}-{key_of('snooze', server=server, hours=hours)}"
    STORE.set(f"ticket:{ticket}", "1", ex=600)
    return ticket


@labelled(
    args={"server": "web-1", "hours": 2},
    backend={"POST https://alerts.example.com/snoozes": {"id": "s-1"}},
    conduct={"confirm": hand_out},
    **GATED,  # random, and tied to the call by a digest that every process makes alike
)
def snooze(server: str, hours: int, approval_token: str = "") -> ToolResult:
    """Silence the alerts of a server."""
    if not approval_token.endswith(key_of("snooze", server=server, hours=hours)):
        return refused(f"silence {server} for {hours} hours")
    approved = taken(f"ticket:{approval_token}")
    if approved is None:
        return ToolResult.transient("The approvals cannot be looked up.")
    if not approved:
        return refused(f"silence {server} for {hours} hours")
    return posted("https://alerts.example.com/snoozes", {"server": server, "hours": hours})
