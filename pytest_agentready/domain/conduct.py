"""How a tool behaves beside its answer: what it makes of a cancellation, what its calls leave behind, how it logs in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, get_args

from pytest_agentready.domain.observation import Run

HeldKind = Literal["connection", "socket", "file", "pipe", "descriptor", "thread", "task", "generator"]
KINDS: tuple[HeldKind, ...] = get_args(HeldKind)
RUNNING: tuple[HeldKind, ...] = ("thread", "task", "generator")
STEPS = 5  # further calls, each of which has to leave more


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A call of an async tool that was cancelled while it waited, and once more a second later where it had not ended."""

    run: Run
    at: float | None = None  # virtual seconds from its beginning to the cancellation; None: it was over before
    where: str = ""  # the user's line that it waited at
    kept: str = ""  # the user's line that caught the cancellation and did not raise it again, as far as the source tells
    how: Literal["cancelled", "returned", "raised", "unended"] = "unended"
    what: str = ""  # the type that it returned or raised
    requests: int = 0  # that ask for something, sent after the cancellation: a clean-up asks for nothing
    paused: bool = False  # it took a pause, a second later

    @property
    def obeyed(self) -> bool:
        """Did it end as cancelled, at the first or second time, and do no more than clean up before?"""
        return self.how == "cancelled" and not self.requests and not self.paused


@dataclass(frozen=True, slots=True)
class CancelledCalls:
    """One cancellation for each place at which the tool is known to wait."""

    cancellations: tuple[Cancellation, ...] = ()

    @property
    def reached(self) -> tuple[Cancellation, ...]:
        """Those that met a tool that was still waiting."""
        return tuple(found for found in self.cancellations if found.at is not None)


@dataclass(frozen=True, slots=True)
class LogIn:
    """A call whose databases ask for the password in clear, which they do not do otherwise; none of a tool that asks no database."""

    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """Something that a call has left open, or running."""

    kind: HeldKind
    what: str = ""  # the peer, the path, the name
    where: str = ""  # the user's line, as far as it is known


@dataclass(frozen=True, slots=True)
class Series:
    """Calls of a tool, one after the other in one world, with a pause after each."""

    run: Run  # all of them
    left: tuple[tuple[Held, ...], ...]  # after each call and its pause: what was not there before the first
    cancelled: bool = False  # each call was cancelled while it waited
    freed: frozenset[HeldKind] = frozenset()  # growing kinds that a garbage collection has ended
    ended: frozenset[HeldKind] = frozenset()  # growing kinds that have ended by themselves, some minutes later

    def counts(self, kind: HeldKind) -> list[int]:
        return [sum(held.kind == kind for held in left) for left in self.left]

    @property
    def growing(self) -> tuple[HeldKind, ...]:
        """The kinds of which each further call leaves more; a pool that is being filled does so for a while only."""
        return tuple(kind for kind in KINDS if _grows(self.counts(kind)))

    @property
    def rising(self) -> tuple[HeldKind, ...]:
        """The kinds of which each call so far has left more than the one before: no other can turn out to grow."""
        return tuple(kind for kind in KINDS if _rises(self.counts(kind)))

    @property
    def leaking(self) -> tuple[HeldKind, ...]:
        """The growing kinds, unless they belong to work that goes on after a call and comes to an end.

        An idle connection that is closed after a while is no such work: until then each call has one of its own.
        """
        running = set(self.growing) & set(RUNNING)
        return () if running and running <= self.ended else self.growing

    @property
    def circumstance(self) -> str:
        return f"{self.run.mishap or 'a normal call'}{', and the call is cancelled' if self.cancelled else ''}"


@dataclass(frozen=True, slots=True)
class RepeatedCalls:
    """One series for each way in which a call may end."""

    series: tuple[Series, ...] = ()
    gap: str = ""  # what could not be tried


def _grows(counts: list[int]) -> bool:
    last = counts[-STEPS - 1 :]
    return len(last) > STEPS and _rises(last)


def _rises(counts: list[int]) -> bool:
    return all(one < next_one for one, next_one in itertools.pairwise(counts))
