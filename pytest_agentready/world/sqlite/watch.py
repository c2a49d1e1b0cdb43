"""What one connection does to its database: SQLite's trace tells of each statement before it runs, and what stands is an effect."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from typing import TYPE_CHECKING

from pytest_agentready.domain import Effect
from pytest_agentready.domain import sql as text
from pytest_agentready.domain.idempotency import marked
from pytest_agentready.world import active, witness

if TYPE_CHECKING:
    from pytest_agentready.world.sqlite.databases import Databases
    from pytest_agentready.world.sqlite.watched import Watched

DEFINING = frozenset({"CREATE", "DROP", "ALTER"})
TEMPORARY = re.compile(r"\s*create\s+temp(?:orary)?\s", re.IGNORECASE)  # it goes with its connection


class Watch:
    """What one connection does to its database in one world."""

    def __init__(self, databases: Databases, url: str, counts_from: float, refusal: str = "") -> None:
        """`counts_from`: the number of the call from which on its writes are effects. `refusal`: what a write is told, if none is let."""
        self._databases = databases
        self._url = url
        self._counts_from = counts_from
        self._tables: set[str] | None = None  # those that there are, where a statement asks whether there are
        self._current: tuple[Effect, int] | None = None  # the statement that runs, and the changes before it
        self._pending: list[Effect] = []
        self._savepoints: list[tuple[str, int]] = []
        self.refusal = refusal
        self.holds = False  # a transaction of the user's own is under way, which no run ends
        self.defined: list[str] = []  # what stands of the statements that define something

    def hear(self, connection: sqlite3.Connection, sql: str) -> None:
        """A statement is about to run."""
        world = self._databases.world
        if active.world is not world or not world.concerned:
            return
        if witness.current is not None:
            witness.current.hears(sql)
        self._look(connection)
        verb = text.verb(sql)
        if verb == "ROLLBACK":
            self._roll_back(sql)
        elif verb in ("SAVEPOINT", "RELEASE"):
            self._savepoints.append((_last_name(sql), len(self._pending)))
        elif text.writes(sql) and not TEMPORARY.match(sql) and not self._is_there_already(sql):
            if self.refusal:  # SQLite will say so, too
                world.network.refused.append(self.refusal)
            effect = Effect(
                "statement", verb, self._url, sql.strip().encode("utf-8", "replace"), world.time.now, world.where(), places=text.tables(sql)
            )
            self._current = marked(effect), connection.total_changes

    def _look(self, connection: sqlite3.Connection) -> None:
        """What has become of the statement before?"""
        if self._current is not None:
            effect, before = self._current
            self._current = None
            if connection.total_changes != before or effect.verb in DEFINING:
                self._pending.append(effect)
        if not connection.in_transaction:
            self._stand()

    def was_replaced(self, verb: str) -> None:
        """Its whole content, by a backup: that is a change of a file, and the same once more leaves it as it is."""
        world = self._databases.world
        if active.world is world and world.concerned:
            file = self._url.removeprefix("sqlite://")
            self._pending.append(Effect("file", verb, file, b"", world.time.now, world.where(), idempotent=True))
            self._stand()

    def _stand(self) -> None:
        self.defined += [effect.content.decode("utf-8", "replace") for effect in self._pending if effect.verb in DEFINING]
        if self._databases.call >= self._counts_from:
            self._databases.world.ledger.add(self._pending)
        self._pending = []
        self._savepoints = []

    def _roll_back(self, sql: str) -> None:
        length = 0
        if ("word", "TO") in text.words(sql):
            name = _last_name(sql)
            length = next((length for known, length in reversed(self._savepoints) if known == name), len(self._pending))
        del self._pending[length:]

    def _is_there_already(self, sql: str) -> bool:
        """`CREATE TABLE IF NOT EXISTS` of one that exists, `DROP TABLE IF EXISTS` of none."""
        words = [word for _, word in text.words(sql)]
        if words[0] not in DEFINING or "EXISTS" not in words:
            return False
        if self._tables is None:
            self._tables = self._databases.tables_of(self)
        places = set(text.tables(sql)) or {_last_name(sql)}
        known = places <= self._tables
        self._tables = self._tables | places if words[0] == "CREATE" else self._tables - places
        return known if words[0] == "CREATE" else not known

    def settle(self, connection: sqlite3.Connection) -> None:
        """The call is over: what stands by now is its effect."""
        with contextlib.suppress(sqlite3.Error):  # closed, or of another thread
            self._look(connection)

    def end(self, connection: sqlite3.Connection) -> None:
        """It is about to be closed: what is not committed is rolled back."""
        self.settle(connection)
        self._pending = []

    def is_copied(self, place: str) -> bool:
        return self._databases.is_copied(place)

    def bring_up(self, connection: Watched) -> None:
        self._databases.bring_up(connection)

    def may_attach(self, name: str | None) -> bool:
        return self._databases.may_attach(name)


def _last_name(sql: str) -> str:
    named = [text.name_of(word) for word in text.words(sql) if word[0] in ("word", "quoted")]
    return named[-1].lower() if named else ""
