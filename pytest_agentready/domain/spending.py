"""What became of money that was to be spent: charge by charge, each admitted or refused, by a loop or by a breaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pytest_agentready.domain.limits import Limit, Whose
from pytest_agentready.domain.observation import Raised, Run
from pytest_agentready.domain.verdict import Finding, NotApplicable, Unproven
from pytest_agentready.domain.wording import listed

Judgement = Finding | Unproven | NotApplicable
# Of a database or a service, in which nobody counts.
STORE = (
    "it counts in {}, which answers in this world and keeps nothing, for nothing that it is told is carried out. Let it count in SQLite, a "
    "Redis or memory for the examination. What two transactions of its own SQL do to each other only the real database shows: race them "
    "there, in a test of your own"
)
CLOCK = (
    "it lets {} tell the time (TIME in a script, or a moment at which a key expires), and the clock of a real server cannot be moved: "
    "leave it to the world's Redis, to see windows pass"
)
EARLY = Decimal("0.8")  # of a limit
ROUNDING = Decimal("0.000001")  # dollars: what binary fractions lose


@dataclass(frozen=True, slots=True)
class Charge:
    """One call of the loop, or of the breaker, that was to cost something."""

    user: str
    session: str
    asked: Decimal  # dollars that it was to cost
    spent: Decimal  # dollars that it did cost; of a breaker: what it admitted
    run: Run
    said: str | None = None  # what the user of a loop got to read

    @property
    def admitted(self) -> bool:
        return self.spent > 0

    @property
    def raised(self) -> Raised | None:
        return self.run.raised

    @property
    def where(self) -> str:
        """The user's line that called the model, or that refused."""
        if self.run.model_calls:
            return self.run.model_calls[-1].where
        return self.raised.where if self.raised is not None else ""


@dataclass(frozen=True, slots=True)
class ChargeSeries:
    """Charges one after the other in one world, until one is refused or more than enough was spent."""

    limit: Limit
    charges: tuple[Charge, ...]
    beside: tuple[Charge, ...] = ()  # then, of somebody whom the limit does not concern
    elsewhere: tuple[Charge, ...] = ()  # then, of the same one, on a machine in another time zone
    soon: tuple[Charge, ...] = ()  # then, of the same one, well within the same window
    later: tuple[Charge, ...] = ()  # then, of the same one, when the window has passed
    much_later: tuple[Charge, ...] = ()  # and when one more has
    rested: tuple[Charge, ...] = ()  # where these are refused: of somebody else, in another world, who has let the window pass in silence
    forgetful: tuple[str, ...] = ()  # whom it writes to, or asks, of whom the world remembers nothing

    @property
    def is_told_before(self) -> bool:
        """Does who is charged know beforehand what it is to cost? A loop finds out from its provider."""
        return not any(charge.run.model_calls for charge in self.charges)

    @property
    def spent(self) -> Decimal:
        return sum((charge.spent for charge in self.charges), Decimal(0))

    @property
    def refused(self) -> Charge | None:
        return next((charge for charge in self.charges if not charge.admitted), None)

    @property
    def own_clocks(self) -> tuple[str, ...]:
        """The real stores by whose time it goes."""
        return tuple(dict.fromkeys(name for charge in (*self.charges, *self.later) for name in charge.run.own_clocks))

    @property
    def is_shared(self) -> bool:
        """Does it count where other machines do, too?"""
        return any(not request.to_model for charge in self.charges for request in charge.run.requests)

    @property
    def is_renewed_by_refusals(self) -> bool:
        """Is it free again when its window has passed, unless somebody asks meanwhile and is refused?"""
        return any(charge.admitted for charge in self.rested)

    @property
    def is_too_early(self) -> bool:
        """Was one refused that fits well into what was left? Then it is for another reason than this limit."""
        refused = self.refused
        return refused is not None and self.spent + refused.asked <= self.limit.dollars * EARLY

    @property
    def is_unreached(self) -> bool:
        """Did all charges together not come to the limit?"""
        return self.refused is None and self.spent <= self.limit.dollars

    @property
    def is_kept(self) -> bool:
        """Was it used up, and then refused?"""
        return self.refused is not None and not self.is_broken and not self.is_too_early

    @property
    def is_broken(self) -> bool:
        """Was more spent than the limit? Who is not told before what a call is to cost may pass it by one call."""
        return self.spent - self.limit.dollars > ROUNDING and (self.is_told_before or bool(self.too_late))

    @property
    def too_late(self) -> tuple[Charge, ...]:
        """The charges that were admitted although the whole limit was spent by then."""
        found, spent = [], Decimal(0)
        for charge in self.charges:
            if charge.admitted and spent >= self.limit.dollars:
                found.append(charge)
            spent += charge.spent
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Spending:
    """A series for each declared limit, by its name."""

    series: tuple[ChargeSeries, ...] = ()
    gap: str = ""  # why nothing could be spent, and what would help
    untold: tuple[Limit, ...] = ()  # limits of somebody whom the subject is not told of
    by_texts: bool = False  # it counts beforehand what a call costs at most, by its text, and leaves what is reported aside

    def of(self, name: str) -> ChargeSeries | None:
        return next((series for series in self.series if series.limit.name == name), None)


@dataclass(frozen=True, slots=True)
class NormalCharge:
    """A breaker in good health: a small charge."""

    charge: Charge | None = None
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class LostStore:
    """Charges of one session while the store of the counters is not there, until one is refused or the limit is passed."""

    limit: Limit
    mishap: str  # "the connection is refused"
    charges: tuple[Charge, ...]

    @property
    def spent(self) -> Decimal:
        return sum((charge.spent for charge in self.charges), Decimal(0))


@dataclass(frozen=True, slots=True)
class StoreOutage:
    """The store is down, silent, or locked. Nothing of these: it counts in memory, or in a file of another kind."""

    outages: tuple[LostStore, ...] = ()
    gap: str = ""


@dataclass(frozen=True, slots=True)
class ExactCharges:
    """A limit used up to the last cent, in two halves and in parts whose sum drifts in binary fractions. No limit: not tried."""

    limit: Limit | None = None
    part: Decimal = Decimal(0)
    halves: tuple[Charge, ...] = ()
    parts: tuple[Charge, ...] = ()
    gap: str = ""


def unlimited(source: str, spending: Spending, whose: Whose, who: str) -> Iterator[Judgement]:
    """The word on all limits of this kind: were they kept? `source` is where who keeps them is defined."""
    if spending.gap:
        yield Unproven(spending.gap)
        return
    concerned = [series for series in spending.series if series.limit.whose == whose]
    if any(limit.whose == whose for limit in spending.untold):
        yield Unproven(untold(whose))
    elif not concerned:
        yield NotApplicable(f"no limit of this kind is declared: {', '.join(series.limit.name for series in spending.series)} alone")
    for series in concerned:
        limit = series.limit
        ended = next((charge.run.ending for charge in series.charges if charge.run.ending is not None), None)
        if ended is not None:
            yield Unproven(f"a call does not end while money is spent: {ended.story}")
        elif series.is_broken and series.forgetful:
            yield Unproven(STORE.format(listed(series.forgetful)))
        elif series.is_unreached:
            total = f"{len(series.charges):,} charges came to ${series.spent:.2f} of ${limit.dollars:.2f}"
            yield Unproven(f"{total} ({limit.name}), for a narrower limit allows no larger ones: declare them less far apart")
        elif series.is_too_early:
            refused = series.charges[-1]
            why = f": {refused.raised.message}" if refused.raised is not None and refused.raised.message else ""
            yield Unproven(f"a charge of ${refused.asked:.2f} is refused with ${series.spent:.2f} of {limit.name} spent{why}")
        elif series.is_broken:
            late = series.too_late[0] if series.too_late else series.charges[-1]
            stopped = f"was refused at the {_ordinal(len(series.charges))} charge" if series.refused else "was never refused"
            yield Finding(
                f"{who} spent ${series.spent:.2f} of a limit of ${limit.dollars:.2f} ({limit.name}), and {stopped}{_as_reported(series)}",
                where=late.where or source,
                evidence={"limit": limit.name, "limit_usd": str(limit.dollars), "spent_usd": str(series.spent)},
            )


def _as_reported(series: ChargeSeries) -> str:
    """How a loop came to spend that: by what its provider says of each call, and not by what its texts would cost."""
    paid = [charge for charge in series.charges if charge.admitted and charge.run.model_calls]
    if not paid:
        return ""
    tokens = sum(call.usage.total for call in paid[0].run.model_calls if call.usage is not None)
    cost = f"${paid[0].spent:.2f} by the usage that the model's answer reports ({tokens:,} tokens, as if a huge document had been read)"
    return f". Each of {len(paid)} turns cost {cost}: what is reserved beforehand has to be settled with that"


def untold(whose: Whose) -> str:
    """Why nobody can spend in the name of such a one, and what would help."""
    return f"its {whose} cannot be told to it: name its parameter, such as {whose}='{whose}_id', or let call= take it"


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
