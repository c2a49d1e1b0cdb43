"""The store in which money is counted is down, silent, or (a database of SQLite) locked for good, and one session is charged on and on."""

from __future__ import annotations

from decimal import Decimal

from pytest_agentready.domain import Breaker, Charge, Limit, Loop, LostStore, Request, Run, Spending, StoreOutage
from pytest_agentready.experiments.charging import Till, at_the_till, somebody
from pytest_agentready.experiments.spending import PARTS, portion_of
from pytest_agentready.world.faults import FAULTS
from pytest_agentready.world.stdio import muted
from pytest_agentready.world.wire import WireFault

MISHAPS = ("refused", "response-hang")
LOCKED = "the database is locked"
MOST = 40  # charges


def run(subject: Loop | Breaker, spending: Spending) -> StoreOutage:
    if spending.gap:
        return StoreOutage(gap=spending.gap)
    limit = min((series.limit for series in spending.series), key=lambda limit: limit.dollars)
    found = []
    with muted():
        for fault in (fault for fault in FAULTS if fault.slug in MISHAPS):
            lost = at_the_till(subject, lambda till, fault=fault: _charged(till, subject, limit, fault))  # type: ignore[misc]
            if lost is None:
                locked = at_the_till(subject, lambda till: _locked_out(till, subject, limit))
                return StoreOutage() if locked is None else StoreOutage((locked,))
            found.append(lost)
    return StoreOutage(tuple(found))


def _charged(till: Till, subject: Loop | Breaker, limit: Limit, fault: WireFault) -> LostStore | None:
    """None where it asks no store."""
    dollars = portion_of(subject, limit, limit.dollars / PARTS)
    well = till.charge(somebody(), somebody("session"), dollars)
    stores = stores_of(subject, well.run)
    if not stores:
        return None
    till.world.fault(fault, but={request.host for request in well.run.requests} - stores)
    return LostStore(limit, fault.title, _on_and_on(till, limit, dollars))


def _locked_out(till: Till, subject: Loop | Breaker, limit: Limit) -> LostStore | None:
    """None where it writes to no database of this machine."""
    dollars = portion_of(subject, limit, limit.dollars / PARTS)
    with till.world.in_steps():  # in which nobody waits for a lock in real time
        well = till.charge(somebody(), somebody("session"), dollars)
        if not any(step.is_write and is_on_disk(step) for step in well.run.steps):
            return None
        with till.world.locked_out():
            return LostStore(limit, LOCKED, _on_and_on(till, limit, dollars))


def _on_and_on(till: Till, limit: Limit, dollars: Decimal) -> tuple[Charge, ...]:
    """Of one session, until one is refused or the limit is passed."""
    user, session = somebody(), somebody("session")
    charges: list[Charge] = []
    while sum((charge.spent for charge in charges), Decimal(0)) <= limit.dollars and len(charges) < MOST:
        charges.append(till.charge(user, session, dollars))
        if not charges[-1].admitted or till.world.over:
            break
    return tuple(charges)


def is_on_disk(step: Request) -> bool:
    """A statement of SQLite, whose database other processes find."""
    return step.url.startswith("sqlite") and ":memory:" not in step.url and "mode=memory" not in step.url


def stores_of(subject: Loop | Breaker, run: Run) -> frozenset[str]:
    """The hosts that one charge has asked about money: of a breaker all, of a loop the databases to which it wrote."""
    return frozenset(request.host for request in run.requests if isinstance(subject, Breaker) or _is_store(request))


def _is_store(request: Request) -> bool:
    return request.is_write and not request.is_http and not request.to_model
