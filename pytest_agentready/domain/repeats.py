"""What becomes of a call that is made again: in the same world, after an answer was lost, in another order, beside another call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_agentready.domain.effect import Effect
from pytest_agentready.domain.observation import Run


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same call three times. The value of each run is what its result is made of."""

    first: Run
    second: Run  # in the world of the first, a little later
    twin: Run  # in a world like that of the first, at the same time, with other random numbers
    began: float = 0.0  # when the first world began, in seconds since the epoch
    seeded: Run | None = None  # the same with the random numbers of the first; None: the twin gave the same result


@dataclass(frozen=True, slots=True)
class RepeatedCall:
    """One for each set of arguments; where the tool has a gate, each world has seen one confirmation."""

    repeats: tuple[Repeat, ...] = ()
    obstacle: str = ""
    refusal: str = ""  # by what the code knows that its database has a row already: "UniqueViolation"; "" for nothing


@dataclass(frozen=True, slots=True)
class Loss:
    """A peer carried a write out, its answer was lost, and then all was well."""

    write: Effect  # as the call makes it where all is well
    usual: Run  # that call
    lost: Run
    again: Run | None  # the same call once more; None: the world had to end the one before
    silent: bool  # the peer said nothing more; else the connection broke
    answer: str = ""  # to what the answer was lost, where that is not the write itself: "COMMIT"
    repeaters: tuple[str, ...] = ()  # who sent it again within the call: a library, or "" for the tool's own code


@dataclass(frozen=True, slots=True)
class LostResponse:
    """One loss for each write, and each way in which an answer is lost."""

    losses: tuple[Loss, ...] = ()
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Shuffle:
    """A call, and the same where all that it is given comes in another order."""

    usual: Run
    shuffled: Run
    moved: tuple[str, ...]  # what came in another order: "`results` of GET https://...", "the directory /srv/notes"
    kept: tuple[str, ...]  # what has an order of its own, and why
    short: tuple[str, ...]  # what had fewer than two parts
    held: tuple[str, ...] = ()  # what could not be brought into another order, and why
    order_alone: bool = False  # another value proves nothing: what was searched for comes as it fits best, or a day has passed between


@dataclass(frozen=True, slots=True)
class ShuffledWorld:
    shuffles: tuple[Shuffle, ...] = ()
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class OtherSeeds:
    """The call in processes whose hashes differ, of a tool to which they may matter; none of another."""

    runs: Mapping[int, Run] = field(default_factory=dict)  # by their PYTHONHASHSEED
    twin: Run | None = None  # once more with the first of them: what differs here does so by itself
    obstacle: str = ""
    hashes: bool = False  # it calls `hash()`
    confirming: Run | None = None  # the confirmation before the first of them, of a tool with a gate
    fresh: Run | None = None  # in a process that was not asked before, of a tool whose first answer here was another one than the later


@dataclass(frozen=True, slots=True)
class Party:
    """One of two calls that were made at the same time."""

    arguments: Mapping[str, Any]
    user: str  # "" where none is known
    solo: Run  # by itself
    beside: Run  # while the other call was under way; its requests are those of both
    marks: tuple[str, ...] = ()  # words of its arguments that the other's have not


@dataclass(frozen=True, slots=True)
class Meeting:
    one: Party
    other: Party
    together: Run  # the requests and effects of both


@dataclass(frozen=True, slots=True)
class InterleavedCalls:
    meetings: tuple[Meeting, ...] = ()
    obstacle: str = ""
