"""Two charges at the same time, where there is money for one, by every schedule in which one of them comes in between.

A breaker is charged until one and a half charges are left. What a loop wants to have left before it calls the model nobody outside knows:
half a turn where it finds out afterwards, and more, up to all that it allows for, where it reserves. The least with which one turn
alone is begun is looked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from pytest_agentready.domain import Breaker, Charge, Limit, Loop, RacedCharges, RacedLimit, Schedule, Spending, shortened
from pytest_agentready.experiments.apart import Apart
from pytest_agentready.experiments.charging import Till, at_the_till, somebody
from pytest_agentready.experiments.conversing import memory_of
from pytest_agentready.experiments.racing import Payment, raced, with_pauses
from pytest_agentready.experiments.spending import portion_of
from pytest_agentready.experiments.store_outage import is_on_disk
from pytest_agentready.world.stdio import muted

ROOM = Decimal("1.5")  # charges for which there is money left
LITTLE = Decimal("0.75")  # of a turn of a loop, which is the first that is tried
MOST = 40  # schedules of one limit
WAITS = 4  # in memory, each of which takes some 100 ms of real time: who waits from the first request to the last does so in between, too
CENT = Decimal("0.01")
SHOWN = 120  # characters of what a turn says
ON_DISK = "it counts in a file of this machine, where no request can be held back: race it in a test of your own"
BY_TEXTS = "what it has left nobody outside knows, as it counts what a call may cost at most: race its breaker alone, with `agent_breaker`"
NEVER_BEGUN = "no turn is begun with less than the whole of {} left: the model is not asked, and it {}"
FORGOTTEN = "what it counts in cannot be put back between two tries: race it in a test of your own"


def run(subject: Loop | Breaker, spending: Spending) -> RacedCharges:
    if spending.gap or spending.by_texts:
        return RacedCharges(gap=spending.gap or BY_TEXTS)
    found: list[RacedLimit] = []
    with muted():
        for series in spending.series:
            if series.is_kept:
                need = found[-1].left if found else None  # of a loop it is the same for each limit
                found.append(at_the_till(subject, lambda till, limit=series.limit, need=need: _raced(till, subject, limit, need)))  # type: ignore[misc]
                if found[-1].lost is not None or found[-1].waits_in_process:
                    break  # all others are kept by the same means
    return RacedCharges(tuple(found))


def _raced(till: Till, subject: Loop | Breaker, limit: Limit, need: Decimal | None) -> RacedLimit:
    with till.world.in_steps():
        return _breaker(till, subject, limit) if isinstance(subject, Breaker) else _loop(till, subject, limit, need)


def _breaker(till: Till, breaker: Breaker, limit: Limit) -> RacedLimit:
    dollars = portion_of(breaker, limit, limit.dollars / ROOM)
    if dollars > 5 * CENT:
        dollars = dollars.quantize(CENT, ROUND_DOWN)
    people = _people(limit)
    to_spend = limit.dollars - dollars * ROOM
    while to_spend > 0:
        part = min(dollars, to_spend)
        if not till.charge(*next(people), part).admitted:
            return RacedLimit(limit, to_spend, gap=f"it refuses ${part}, although ${to_spend + dollars * ROOM} of {limit.name} are left")
        to_spend -= part
    payments = [Payment(*next(people), dollars) for _ in range(2)]
    places = 0
    for _ in range(2):
        before = till.world.asked
        with till.undone():
            alone = till.charge(payments[0].user, payments[0].session, dollars)
        places = till.world.asked - before  # those of its settlement, too
        if not alone.admitted:
            return RacedLimit(limit, dollars * ROOM, gap=FORGOTTEN)
        if not places:
            gap = ON_DISK if alone.run.local_effects or _files(till) else ""
            return RacedLimit(limit, dollars * ROOM, gap=gap) if gap else _in_memory(till, RacedLimit(limit, dollars * ROOM), payments)
    return _tried(till, breaker, RacedLimit(limit, dollars * ROOM), payments, alone, places)


def _in_memory(till: Till, raced: RacedLimit, payments: list[Payment]) -> RacedLimit:
    """Nobody is asked: others come in where it pauses, and nowhere else."""
    call = till.in_part(payments[0].user, payments[0].session, payments[0].dollars)
    with till.world.in_pauses():
        with till.undone():
            alone = till.world.call(lambda: with_pauses(call(), till.world), {})
        schedules = _schedules(till, payments, len(alone.steps), in_tasks=alone.awaited, pauses=True)
        return replace(raced, schedules=tuple(schedules), is_shared=False)


def _files(till: Till) -> list[str]:
    """The databases of SQLite that it has opened; one of the working folder, or of /tmp, is no effect, and still outlives a process."""
    return [place for place in till.world.opened if place and ":memory:" not in place and "mode=memory" not in place]


def _loop(till: Till, loop: Loop, limit: Limit, need: Decimal | None) -> RacedLimit:
    with till.undone():
        usual = till.usual(somebody(), somebody("session")).spent
    if not usual:
        return RacedLimit(limit, Decimal(0), gap="a turn whose model answers at usual length costs nothing")
    left = need if need is not None and _suffices(till, limit, need, usual) else _least(till, limit, usual)
    if isinstance(left, Charge):
        return RacedLimit(limit, limit.dollars, gap=NEVER_BEGUN.format(limit.name, how_it_ended(left)))
    people = _people(limit)
    till.charge(*next(people), limit.dollars - left)
    payments = [Payment(*next(people), None) for _ in range(2)]
    with till.undone():
        alone = till.usual(payments[0].user, payments[0].session)
    if not alone.admitted:
        return RacedLimit(limit, left, gap=FORGOTTEN)
    return _tried(till, loop, RacedLimit(limit, left), payments, alone, len(alone.run.steps))


def _suffices(till: Till, limit: Limit, left: Decimal, usual: Decimal) -> bool:
    """Is that enough for one turn, and what is left when it has been paid for not enough for a second one?"""
    return _turn(till, limit, left).admitted and (left <= usual or not _turn(till, limit, left - usual).admitted)


def _least(till: Till, limit: Limit, usual: Decimal) -> Decimal | Charge:
    """What suffices in this sense; where nothing does, the turn with the most that was tried."""
    too_little, left = Decimal(0), usual * LITTLE
    while not (tried := _turn(till, limit, left)).admitted:
        too_little, left = left, left * 2
        if left >= limit.dollars or till.world.over:
            return tried
    while left - too_little >= usual:
        middle = (left + too_little) / 2
        too_little, left = (too_little, middle) if _turn(till, limit, middle).admitted else (middle, left)
    return left


def _turn(till: Till, limit: Limit, left: Decimal) -> Charge:
    """A turn of a loop with so much left; it is admitted where the loop calls its model."""
    people = _people(limit)
    with till.undone():
        till.charge(*next(people), limit.dollars - left)
        return till.usual(*next(people))


def how_it_ended(turn: Charge) -> str:
    """What became of a turn in which no model was asked, in words that follow `it`."""
    if turn.run.ending is not None:
        return f"does not end: {turn.run.ending.story}"
    if (raised := turn.raised) is not None:
        where = f" ({raised.where})" if raised.where else ""
        return f"dies with {raised.kind}{f': {shortened(raised.message, SHOWN)}' if raised.message else ''}{where}"
    return f"says {shortened(turn.said, SHOWN)!r}" if turn.said else "ends without a word"


def _tried(till: Till, subject: Loop | Breaker, raced: RacedLimit, payments: list[Payment], alone: Charge, places: int) -> RacedLimit:
    """In one process; where two never meet there, or could meet by chance alone, as two processes, too."""
    in_tasks = alone.run.awaited
    schedules = tuple(_schedules(till, payments, places, in_tasks=in_tasks))
    found = replace(raced, schedules=schedules, is_shared=_is_shared(alone))
    if found.waits_in_process and not found.is_shared and any(effect.kind == "file" for effect in alone.run.local_effects):
        return replace(found, gap=ON_DISK)
    apart = Apart(memory_of(subject), till.world)
    if (found.waits_in_process or found.belongs_to_a_thread) and found.is_shared and not till.world.over:
        for tasks in dict.fromkeys((in_tasks, False)):
            if apart.is_any or tasks != in_tasks:
                found = replace(found, apart=tuple(_schedules(till, payments, places, in_tasks=tasks, apart=apart)))
            if found.apart and not found.shows_nothing_apart:
                break
    return replace(found, gap=FORGOTTEN) if till.world.forgotten else found


def _is_shared(alone: Charge) -> bool:
    """Does another process find what it counts? In a model it counts nothing."""
    asked = (step for step in alone.run.steps if not step.to_model)
    return any(is_on_disk(step) or not step.url.startswith("sqlite") for step in asked)


def _schedules(
    till: Till, payments: list[Payment], places: int, *, in_tasks: bool, apart: Apart | None = None, pauses: bool = False
) -> Iterator[Schedule]:
    to_try = list(range(min(places, MOST)))
    waited = 0  # so far; -1: not each time
    while to_try:
        which = {2: -1, 3: len(to_try) // 2}.get(waited, 0)  # after the first two the last one, and one in the middle
        with till.undone():
            schedule = raced(till, payments[0], payments[1], to_try.pop(which), in_tasks=in_tasks, apart=apart, pauses=pauses)
        yield schedule
        waited = waited + 1 if waited >= 0 and schedule.waited else -1
        if schedule.both_admitted or waited == WAITS or till.world.over or till.world.forgotten:
            return


def _people(limit: Limit) -> Iterator[tuple[str, str]]:
    """Who pays, from one limit: a user and a session, again and again, of which as few are new as this limit allows."""
    user, session = somebody(), somebody("session")
    for _ in itertools.count():
        yield user, session
        user = somebody() if limit.whose == "global" else user
        session = session if limit.whose == "session" else somebody("session")
