"""How much may be spent: limits in dollars, each for somebody and for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal, get_args

from pytest_agentready.domain.wording import did_you_mean

Whose = Literal["session", "user", "global"]
Window = Literal["", "hourly", "daily"]
SECONDS: Mapping[str, float] = {"hourly": 3_600.0, "daily": 86_400.0}
EXAMPLE = '{"session": 0.50, "user_daily": 5.00, "global_hourly": 100.00}, in dollars'


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit."""

    name: str  # "user_daily"
    whose: Whose
    window: Window  # "" for as long as a session lasts
    dollars: Decimal

    @property
    def seconds(self) -> float | None:
        """How long its window is; None for as long as a session lasts."""
        return SECONDS.get(self.window)


NAMES = ("session", *(f"{whose}_{window}" for whose in get_args(Whose)[1:] for window in SECONDS))


def read_limits(value: object) -> tuple[Limit, ...]:
    """Limits as a user writes them. Raises ValueError with everything that is wrong with them, a line each."""
    if not isinstance(value, Mapping):
        raise ValueError(f"limits is {value!r}: give {EXAMPLE}")  # noqa: TRY004  (all problems are ValueErrors)
    problems = list(_problems(value))
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(_limit(str(name), amount) for name, amount in value.items())


def _problems(value: Mapping[object, object]) -> Iterator[str]:
    if not value:
        yield f"limits is empty: give {EXAMPLE}"
    for name, amount in value.items():
        if name not in NAMES:
            yield f"there is no limit {name!r}.{did_you_mean(str(name), NAMES)} Known: {', '.join(NAMES)}."
        elif isinstance(amount, str) and _dollars(amount) is not None:
            yield f"the limit {name!r} is the text {amount!r}: write dollars as a number, such as {_plain(amount)}"
        elif isinstance(amount, str) or _dollars(amount) is None:
            yield f"the limit {name!r} is {amount!r}: write dollars, such as 0.50"


def _limit(name: str, amount: object) -> Limit:
    whose, _, window = name.partition("_")
    dollars = _dollars(amount)
    assert dollars is not None
    return Limit(name, whose, window, dollars)  # type: ignore[arg-type]


def _plain(amount: str) -> str:
    """As a number is written in a marker."""
    return f"{_dollars(amount):f}"


def _dollars(amount: object) -> Decimal | None:
    """As it is written, not as the nearest binary fraction; None for what is no amount above zero."""
    if isinstance(amount, bool):
        return None
    try:
        found = Decimal(str(amount))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found > 0 else None
