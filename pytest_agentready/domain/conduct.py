"""How a tool behaves beside its answer: what it makes of a cancellation, and what its calls leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain.observation import Run


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A call of an async tool that was cancelled while it waited, and once more a second later where it had not ended."""

    run: Run
    at: float | None = None  # virtual seconds from its beginning to the cancellation; None: it was over before
    where: str = ""  # the user's line that it waited at
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
