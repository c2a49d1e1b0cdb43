"""What the first two experiments saw: the normal call, and a run under each fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pytest_agentready.domain.observation import Run

HUGE = "huge-body"  # the fault that makes lists and texts longer


@dataclass(frozen=True, slots=True)
class NormalCall:
    """The healthy warm-up: one run per set of arguments."""

    runs: tuple[Run, ...]
    obstacle: str = ""  # why this is not a normal call, and what would make it one; "" where it is
    blind: tuple[str, ...] = ()  # clients of the tool whose sockets the world cannot see
    unconfirmed: tuple[Run, ...] = ()  # of a tool with a gate: the same calls, before anybody has confirmed one
    stood_in: tuple[Run, ...] = ()  # of a tool that wants programs alone: the same calls, with others that say nothing and succeed

    @property
    def in_real_time(self) -> bool:
        return any(run.in_real_time for run in self.runs)

    def beside(self, run: Run) -> Run:
        """The normal run with the same arguments; an empty record where none was made."""
        return next((normal for normal in self.stood_in or self.runs if normal.arguments == run.arguments), Run(run.arguments))

    @property
    def usual(self) -> Run:
        """The run that a call with other arguments is compared with."""
        return (self.stood_in or self.runs)[0]

    @property
    def missing(self) -> str:
        """Why there is no normal call to judge a failing one by; "" where there is one, be it with programs that say nothing."""
        return "" if self.stood_in else self.obstacle

    @property
    def is_async(self) -> bool | None:
        """What the tool turned out to be, whatever its decorators hide; None where it was not called."""
        return any(run.awaited for run in self.runs) if self.runs else None

    @property
    def self_contained(self) -> bool:
        """Nothing outside the process was asked, and nothing can have escaped our sight."""
        return not self.obstacle and not self.blind and not any(run.went_out or run.allowed for run in self.runs)


@dataclass(frozen=True, slots=True)
class FaultMatrix:
    """One run per fault (and set of arguments); judged by many checks."""

    runs: tuple[Run, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)  # fault slug -> why it does not concern the tool
    abandoned: Mapping[str, str] = field(default_factory=dict)  # fault slug -> why it could not be tried
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # the variables that the runs found

    @property
    def fired(self) -> Iterator[Run]:
        """The runs that met their fault: the only ones that prove anything."""
        return (run for run in self.runs if run.fired)

    @property
    def gap(self) -> str:
        """What the runs leave unproven, for a tool that answered some of them by itself; "" where none did."""
        if self.abandoned:
            reasons = "; ".join(dict.fromkeys(self.abandoned.values()))
            many = len(self.abandoned)
            return f"{many} fault{'s' if many > 1 else ''} could not be tried: {reasons}"
        unmet = sum(run.finished and not run.went_out for run in self.runs)
        if not unmet:
            return ""
        return f"it answers {unmet} of {len(self.runs)} calls without asking anybody (a cache, an open breaker): let each call ask"

    @property
    def no_silence(self) -> str:
        """Why no silent peer was met."""
        return "no silent peer was met" + (f": {why}" if (why := self.skipped.get("response-hang")) else "")

    @property
    def untimed(self) -> str:
        """Why the runs prove nothing about time; "" where they do."""
        for run in self.runs:
            if run.unseen:
                return f"a thread sits in a wait that cannot be seen from Python ({run.unseen[0]})"
        return ""

    @property
    def trickled(self) -> Iterator[Run]:
        return (run for run in self.fired if run.fault is not None and run.fault.family == "trickle")

    @property
    def to_be_ended(self) -> Iterator[Run]:
        """The runs that a tool has to come to the end of: all but a trickle, and a huge list, of which it may ask for each thing."""
        return (run for run in self.fired if run.fault is not None and run.fault.family != "trickle" and run.fault.slug != HUGE)

    @property
    def huge(self) -> Iterator[Run]:
        return (run for run in self.fired if run.fault is not None and run.fault.slug == HUGE)

    @property
    def silent(self) -> Iterator[Run]:
        return (run for run in self.fired if run.fault is not None and run.fault.family == "silence")

    @property
    def failures(self) -> Iterator[Run]:
        """The runs whose fault has to be reported as a failure, and that came to an end of their own."""
        return (run for run in self.fired if run.fault is not None and run.fault.failure and run.finished)


def mishaps(runs: Iterable[Run], shown: int = 4) -> str:
    """What befell these runs, for a message: the first few, and how many more."""
    named = list(dict.fromkeys(run.mishap for run in runs))
    more = f"; and {len(named) - shown} more" if len(named) > shown else ""
    return "; ".join(named[:shown]) + more
