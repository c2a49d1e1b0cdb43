"""Runs beside what is known of them from outside: which calls of tools took place, and whether they failed.

Whatever spans a run has left, they can be compared with this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_agentready.domain.model import ModelCall
from pytest_agentready.domain.observation import Run

# SDKs of models that make spans unasked, wherever OpenTelemetry is installed: they go nowhere in a project that has not set it up.
UNASKED = frozenset({"com.anthropic.sdk.python"})


@dataclass(frozen=True, slots=True)
class Use:
    """One call of a tool."""

    tool: str  # its name
    arguments: str = ""  # as the model wrote them
    asked: ModelCall | None = None  # whose answer wanted it; None for a tool that is called by itself
    carried_out: bool = True  # False: it may have been refused, or answered by somebody in the tool's place
    failed: bool = False  # it raised, or its answer tells of a failure


@dataclass(frozen=True, slots=True)
class Watched:
    """One run, and the calls of tools in it."""

    run: Run
    uses: tuple[Use, ...] = ()
    mishap: str = ""  # what befell it; "" in good health

    @property
    def ended(self) -> bool:
        """Was it not cut off? What was, could not say its last word."""
        return self.run.ending is None

    def called(self, tool: str) -> int:
        """How often this tool was carried out, or more often: the same call, made twice, may well be answered from memory."""
        return len({use.arguments for use in self.uses if use.tool == tool and use.carried_out})


@dataclass(frozen=True, slots=True)
class WatchedRuns:
    """Of one subject."""

    runs: tuple[Watched, ...] = ()
    obstacle: str = ""  # why there are none in which a tool is called, or fails, and what would help; "" where there are
    tools: frozenset[str] = field(default_factory=frozenset)  # the names of all that are offered
    retry_declared: frozenset[str] = field(default_factory=frozenset)  # of those whose mark says whether a call may be repeated

    @property
    def whole(self) -> Iterator[Watched]:
        return (watched for watched in self.runs if watched.ended)

    @property
    def used(self) -> tuple[str, ...]:
        """The tools that were carried out, each once."""
        return tuple(dict.fromkeys(use.tool for watched in self.runs for use in watched.uses if use.carried_out))

    @property
    def has_spans(self) -> bool:
        """Does the project make any, or take those that are made unasked?"""
        told = [watched.run.telemetry for watched in self.runs]
        return any(telemetry.provided or span.scope not in UNASKED for telemetry in told for span in telemetry.spans)

    @property
    def disabled(self) -> bool:
        return any(watched.run.telemetry.disabled for watched in self.runs)
