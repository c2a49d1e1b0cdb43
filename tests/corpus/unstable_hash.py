"""AR301 and AR302 of `hash()`, which is another in each process, beside hashes that are the same everywhere or stay where they are."""

from __future__ import annotations

import hashlib
import zlib

import redis
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_requests, unreadable

NONE = {
    "AR102": "not_applicable",
    "AR103": "not_applicable",
    "AR104": "not_applicable",
    "AR202": "not_applicable",
    "AR203": "not_applicable",
}
CHARGES = {"POST https://pay.example.com/charges": {"id": "ch_1"}}


def charged(key: str, invoice: str, cents: int) -> ToolResult:
    try:
        body = {"invoice": invoice, "amount": cents}
        response = requests.post("https://pay.example.com/charges", json=body, headers={"Idempotency-Key": key}, timeout=3)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"invoice": "A-17", "cents": 990}, backend=CHARGES, AR301="passed", AR302="failed", AR303="passed")
def charge_by_hash(invoice: str, cents: int) -> ToolResult:
    """Charge for an invoice, with a key that the next process does not find again."""
    return charged(f"charge-{hash((invoice, cents))}", invoice, cents)


@labelled(args={"invoice": "A-17", "cents": 990}, backend={**CHARGES, "redis://cache.internal:6379": {}}, AR302="failed")
def charge_unless_marked(invoice: str, cents: int) -> ToolResult:
    """Charge for an invoice that nobody has marked, by a name that is another in each process."""
    try:
        store = redis.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)
        if not store.set(f"charged:{abs(hash(invoice))}", 1, nx=True, ex=86_400):
            return ToolResult.success("charged before")
    except redis.RedisError:
        return ToolResult.transient("The store cannot be reached.")
    return charged(hashlib.sha256(f"{invoice}:{cents}".encode()).hexdigest(), invoice, cents)


@labelled(args={"customer": "ada"}, backend={}, **NONE, AR301="failed")
def group_of(customer: str) -> ToolResult:
    """The group of an experiment that a customer is in."""
    return ToolResult.success({"group": hash(customer) % 1_000_003})


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"invoice": "A-17", "cents": 990}, backend=CHARGES, AR301="passed", AR302="passed", AR303="passed")
def charge_by_digest(invoice: str, cents: int) -> ToolResult:
    """Charge for an invoice; what is hashed is for this process alone."""
    recent[hash(invoice) % 16] = invoice
    return charged(hashlib.sha256(f"{invoice}:{cents}".encode()).hexdigest(), invoice, cents)


recent: dict[int, str] = {}


@labelled(args={"number": 4711}, backend={}, **NONE, AR301="passed")
def shard_of(number: int) -> ToolResult:
    """Where an order lies: the hash of a number is the number."""
    return ToolResult.success({"shard": hash(number) % 16})


@labelled(args={"customer": "ada"}, backend={}, **NONE, AR301="passed")
def steady_group_of(customer: str) -> ToolResult:
    """The group of an experiment that a customer is in, in each process."""
    return ToolResult.success({"group": zlib.crc32(customer.encode()) % 1_000_003})
