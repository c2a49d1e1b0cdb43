"""What a connection has to know of those who keep it: the databases of a world, and the world."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable
from typing import Any, Protocol

from pytest_agentready.world import runs
from pytest_agentready.world.commons import Commons
from pytest_agentready.world.files import Files
from pytest_agentready.world.ledger import Ledger
from pytest_agentready.world.runs import Run
from pytest_agentready.world.sqlite.copies import Copies
from pytest_agentready.world.timeline import Timeline


class Surroundings(Run, Protocol):
    """A world, as its databases see it."""

    time: Timeline
    files: Files
    ledger: Ledger

    @property
    def network(self) -> Commons: ...

    def where(self) -> str:
        """The user's line that the calling thread stands at."""


class Keeper(Protocol):
    """The databases of a world, as one of their connections sees them."""

    world: Surroundings
    copies: Copies
    overhear: Callable[[str], None]  # told of each statement before it runs

    def step(self, url: str, sql: str) -> None:
        """A statement is about to begin, and may be held back."""

    def told(self, sql: str) -> None:
        """SQLite says which statement it is that has begun."""

    def bring_up(self, connection: Any) -> None:
        """Something is about to be written to a database that was only read so far."""

    def may_attach(self, name: str | None) -> bool:
        """May another database be joined to it? None: its name is computed, and not known."""


def is_at_work(world: Surroundings) -> bool:
    """Does the calling thread work for this run, in its time?"""
    ident = get_ident()
    return runs.current is world and ident in world.time.members and ident not in runs.bypassing
