"""What a store keeps of the money that was spent, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pytest_agentready.domain.limits import Limit
from pytest_agentready.domain.spending import Charge


@dataclass(frozen=True, slots=True)
class Stored:
    """A key of a Redis, or a field of a hash in one."""

    key: str
    field: str  # "" where the key holds no hash
    value: str
    expires: bool  # the key does

    @property
    def place(self) -> str:
        return f"{self.key}[{self.field}]" if self.field else self.key

    @property
    def is_number(self) -> bool:
        try:
            return Decimal(self.value).is_finite()
        except InvalidOperation:
            return False


@dataclass(frozen=True, slots=True)
class LostConnection:
    """The store was lost at some moment of a charge, and this has been left without an end."""

    before: str  # the command that did not get through
    after: str  # the one before that
    left: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Renewal:
    """A part of a limit spent in one window after the other, each time before the last one had passed."""

    limit: Limit
    part: Decimal  # dollars in each window
    windows: int  # until it was refused; or tried in all
    refused: Charge | None
    by_refusals: bool = False  # it was used up, and free again when its window had passed, but for who had asked meanwhile


@dataclass(frozen=True, slots=True)
class Counters:
    """What charges have left in the stores of the world."""

    kept: tuple[Stored, ...] = ()  # the numbers that were written
    immortal: tuple[str, ...] = ()  # places of which each new session, user or window adds one that never expires
    lost: tuple[LostConnection, ...] = ()
    renewals: tuple[Renewal, ...] = ()
    own_clocks: tuple[str, ...] = ()  # the real stores by whose time it goes: no windows were let pass
    where: str = ""  # the line that writes them
    gap: str = ""
