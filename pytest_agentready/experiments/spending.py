"""For each declared limit: money is spent until that is refused, or until far too much was spent.

What comes first: one session, one user in session after session, everybody. Then somebody whom that limit does not concern; and the
same one on a machine in another time zone, a while later, and when the window has passed. That happens in the night in which summer
time ends, in New York: there the hour of the first charge comes twice.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pytest_agentready.domain import Breaker, Charge, ChargeSeries, Limit, Loop, Spending, listed, misspelt, nearest, untold
from pytest_agentready.experiments import zones
from pytest_agentready.experiments.charging import Till, at_the_till, forgetful, somebody
from pytest_agentready.world.stdio import muted

PARTS = Decimal("3.5")  # charges that fit into the limit, where one may be as large as that; no sum of them is the limit itself
TOO_MUCH = 2  # charges above the limit, and it is clear that nothing stops it
BELOW = Decimal("0.9")  # of the limits that are not tried: a breaker refuses a single charge above any of them
MANY = 2_000  # charges in one series
NO_LIMITS = 'no limit is declared: write limits={"session": 0.50, "user_daily": 5.00, "global_hourly": 100.00} in the marker'
REFUSED_AS_LONG = 2  # charges, of which the first is short: who lets no long text in has refused the second, and counts no money
RECKONS = "it reckons from the texts what a call costs, and leaves aside what the provider reports: what is a dollar to it is not known"
UNSEEN = (
    "it asks {} for real, and what it counts there is not seen: of the services in agentready_allow_hosts a Redis is, "
    "by redis-py or valkey and without TLS; else let the world answer"
)
MARGIN = 60.0  # seconds after a window
SOON = 4_200.0  # seconds: another hour, and the same day


def run(subject: Loop | Breaker) -> Spending:
    if not subject.facts.limits:
        return Spending(gap=NO_LIMITS)
    with muted():
        told = [limit for limit in subject.facts.limits if limit.whose == "global" or getattr(subject.facts, limit.whose)]
        if not told:
            return Spending(gap=untold(subject.facts.limits[0].whose), untold=tuple(subject.facts.limits))

        def spent(*, in_prompt: bool = False) -> tuple[ChargeSeries, ...]:
            made = (
                at_the_till(subject, lambda till, limit=limit: _series(till, subject, limit), in_prompt=in_prompt)  # type: ignore[misc]
                for limit in told
            )
            return tuple(_rested(subject, series) for series in made)

        series = spent()
        gap = _unseen(subject, series) or _unpriced(subject, series) or (RECKONS if _reckons(subject, series) else "")
        by_texts = not gap and _reserves(subject, series)
        if by_texts:
            series = spent(in_prompt=True)
    return Spending(series, gap=gap, untold=tuple(limit for limit in subject.facts.limits if limit not in told), by_texts=by_texts)


def _reckons(subject: Loop | Breaker, series: tuple[ChargeSeries, ...]) -> bool:
    """Does a loop that passes its limits keep to them where answers are as long as they cost?"""
    if not isinstance(subject, Loop) or not all(one.is_broken for one in series):
        return False
    return at_the_till(subject, lambda till: _charged(till, subject, _least(series)), in_words=True).refused is not None


def _reserves(subject: Loop | Breaker, series: tuple[ChargeSeries, ...]) -> bool:
    """Or where the user's texts are, and answers as long as they may be? Then it counts beforehand what a call may cost at most."""
    if not isinstance(subject, Loop) or not all(one.is_broken for one in series):
        return False
    found = at_the_till(subject, lambda till: _charged(till, subject, _least(series)), in_prompt=True)
    return found.refused is not None and len(found.charges) > REFUSED_AS_LONG


def _least(series: tuple[ChargeSeries, ...]) -> Limit:
    return min((one.limit for one in series), key=lambda limit: limit.dollars)


def _rested(subject: Loop | Breaker, series: ChargeSeries) -> ChargeSeries:
    """A window that is not free again when it has passed: is it made longer by whoever asks meanwhile?"""
    if not series.later or any(charge.admitted for charge in (*series.later, *series.much_later)):
        return series
    return replace(series, rested=at_the_till(subject, lambda till: when_it_has_passed(till, subject, series.limit)))


def when_it_has_passed(till: Till, subject: Loop | Breaker, limit: Limit, *, asks_meanwhile: bool = False) -> tuple[Charge, ...]:
    """A limit is used up, and its window passes, in silence or not. Nothing where it was not used up, or is free again before then."""
    used_up = _used_up(till, subject, limit)
    refused = used_up.refused
    if limit.seconds is None or refused is None or till.world.over:
        return ()
    parts = 2 if asks_meanwhile else 1
    found: tuple[Charge, ...] = ()
    for part in range(parts):
        till.world.pause((limit.seconds + MARGIN) / parts)
        found = (till.charge(refused.user, somebody("session"), refused.asked),)
        if part < parts - 1 and found[0].admitted:
            return ()
    return found


def _series(till: Till, subject: Loop | Breaker, limit: Limit) -> ChargeSeries:
    if limit.seconds is None:
        return _charged(till, subject, limit)
    till.world.begin_at(zones.end_of_summer_time(till.world.began))
    with zones.in_zone(zones.HOME):
        return _charged(till, subject, limit)


def _charged(till: Till, subject: Loop | Breaker, limit: Limit) -> ChargeSeries:
    found = _used_up(till, subject, limit)
    if till.world.over or found.refused is None:
        return replace(found, forgetful=forgetful(subject, *found.charges))
    user, dollars = found.refused.user, found.refused.asked
    if limit.whose != "global":
        beside = till.charge(user if limit.whose == "session" else somebody(), somebody("session"), dollars)
        found = replace(found, beside=(beside,))
    return found if limit.seconds is None else _in_time(till, found, limit.seconds, user, dollars)


def _used_up(till: Till, subject: Loop | Breaker, limit: Limit) -> ChargeSeries:
    """Charges of equal size, until one is refused or far too much was spent."""
    dollars = portion_of(subject, limit, limit.dollars / PARTS)
    user, session = somebody(), somebody("session")
    charges: list[Charge] = []
    spent = Decimal(0)
    while spent < limit.dollars + dollars * TOO_MUCH and len(charges) < MANY:
        if limit.whose == "global":
            user = somebody()
        if limit.whose != "session":
            session = somebody("session")
        charges.append(charge := till.charge(user, session, dollars))
        spent += charge.spent
        if not charge.admitted or till.world.over:
            break
    return ChargeSeries(limit, tuple(charges))


def _in_time(till: Till, series: ChargeSeries, seconds: float, user: str, dollars: Decimal) -> ChargeSeries:
    """The same one again: on another machine, within the window, and after it."""

    def again() -> tuple[Charge, ...]:
        return (till.charge(user, somebody("session"), dollars),)

    elsewhere: tuple[Charge, ...] = ()
    if zones.are_known(zones.HOME, zones.ABROAD):
        with zones.in_zone(zones.ABROAD):
            elsewhere = again()
    soon: tuple[Charge, ...] = ()
    if seconds > 2 * SOON:
        till.world.pause(SOON)
        soon = again()
        seconds -= SOON
    till.world.pause(seconds + MARGIN)
    later = again()
    much_later: tuple[Charge, ...] = ()
    if not later[0].admitted:
        till.world.pause(seconds)
        much_later = again()
    return replace(series, elsewhere=elsewhere, soon=soon, later=later, much_later=much_later)


def portion_of(subject: Loop | Breaker, limit: Limit, wanted: Decimal) -> Decimal:
    """What one charge costs. A breaker is told before, and refuses what is above any of its limits; a loop finds out afterwards."""
    if isinstance(subject, Loop):
        return wanted
    narrower = [other.dollars for other in subject.facts.limits if other is not limit and _is_narrower(other, limit)]
    return min([wanted, *(dollars * BELOW for dollars in narrower)])


def _is_narrower(other: Limit, limit: Limit) -> bool:
    order = ("session", "user", "global")
    return order.index(other.whose) < order.index(limit.whose)


def _unseen(subject: Loop | Breaker, series: tuple[ChargeSeries, ...]) -> str:
    """The real services that it asks past the world, and where it may count; a loop is seen to count where it writes to a store."""
    runs = [charge.run for one in series for charge in one.charges]
    if isinstance(subject, Loop) and any(request.is_write and not request.is_http for run in runs for request in run.requests):
        return ""
    hosts = dict.fromkeys(host for run in runs for host in run.allowed)
    return UNSEEN.format(listed(tuple(hosts))) if hosts else ""


def _unpriced(subject: Loop | Breaker, series: tuple[ChargeSeries, ...]) -> str:
    """The models whose price nobody knows: what they cost cannot be limited."""
    calls = [call for one in series for charge in one.charges for call in charge.run.model_calls]
    if not isinstance(subject, Loop) or any(charge.spent for one in series for charge in one.charges) or not calls:
        return ""
    model = calls[0].model
    if slip := misspelt(model, subject.facts.prices) or nearest(model, subject.facts.prices, cutoff=0.8):
        return f"nobody knows what {model} costs: prices= has {slip!r}. Write it there as the loop calls it, {model!r}"
    price = f"prices={{{model!r}: {{'input': ..., 'output': ...}}}}"
    return f"nobody knows what {model} costs: write {price}, dollars per million tokens, in the marker, or install genai-prices"
