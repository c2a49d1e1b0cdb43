"""What one connection does to its database: SQLite's trace tells of each statement before it runs, and what stands is an effect."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from pytest_agentready.domain import Effect
from pytest_agentready.domain import sql as text
from pytest_agentready.domain.idempotency import marked
from pytest_agentready.world import real, runs
from pytest_agentready.world.ending import WorldClosed
from pytest_agentready.world.order import Order
from pytest_agentready.world.sqlite import prepared
from pytest_agentready.world.sqlite.asking import shape
from pytest_agentready.world.sqlite.keeping import Keeper, is_at_work
from pytest_agentready.world.sqlite.turned import Turned

DEFINING = frozenset({"CREATE", "DROP", "ALTER"})
# Statements that leave the schema as it is; of any other nobody wonders that it is another.
STEADY = frozenset({
    "SELECT", "VALUES", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE", "EXPLAIN",
    "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE",
})  # fmt: skip
TEMPORARY = re.compile(r"\s*create\s+temp(?:orary)?\s", re.IGNORECASE)  # it goes with its connection


class Watch:
    """What one connection does to its database in one world."""

    def __init__(self, keeper: Keeper, url: str, counts_from: float, refusal: str = "") -> None:
        """`counts_from`: the number of the call from which on its writes are effects. `refusal`: what a write is told, if none is let."""
        self._keeper = keeper
        self._url = url
        self._counts_from = counts_from
        self.tables: set[str] = set()  # those that there were when it began
        self._tables: set[str] | None = None  # those that there are, where a statement asks whether there are
        self._current: tuple[Effect, int] | None = None  # the statement that runs, and the changes before it
        self._pending: list[Effect] = []
        self._savepoints: list[tuple[str, int]] = []
        self.refusal = refusal
        self.holds = False  # a transaction of the user's own is under way, which no run ends
        self.is_aside = False  # we ask something ourselves
        self._shape: tuple[Any, Any] | None = None  # by which a backup is seen
        self._reshapes = False  # a statement has changed the schema
        self.turned: Turned | None = None  # where its rows come the other way round
        self.defined: list[str] = []  # what stands of the statements that define something

    def hear(self, connection: sqlite3.Connection, sql: str) -> None:
        """A statement is about to run."""
        world = self._keeper.world
        if runs.current is not world or not world.concerned or self.is_aside:
            return
        self._keeper.told(sql)
        if self.turned is not None:
            self.turned.hears(connection, sql)
        elif world.network.order is not None and text.verb(sql) == "SELECT":
            world.network.order.held.setdefault("the rows of a connection to SQLite that belongs to another thread")
        self._keeper.overhear(sql)
        self._look(connection)
        verb = text.verb(sql)
        self._reshapes |= verb not in STEADY
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

    def step(self, sql: str) -> None:
        """A statement is about to begin: it may be held back."""
        if not self.is_aside:
            self._keeper.step(self._url, sql)

    def wait_for_a_lock(self, seconds: float) -> None:
        """In virtual time, where the calling thread works for the run."""
        if is_at_work(self._keeper.world):
            with contextlib.suppress(WorldClosed):  # a thread that outlives the run goes on in real time
                self._keeper.world.time.wait("lock", seconds, lambda: False, real.sleep)
                return
        real.sleep(seconds)

    def _look(self, connection: sqlite3.Connection) -> None:
        """What has become of the statement before?"""
        if self._current is not None:
            effect, before = self._current
            self._current = None
            if connection.total_changes != before or effect.verb in DEFINING:
                self._pending.append(effect)
        if not connection.in_transaction:
            self._stand()

    def was_replaced(self, connection: sqlite3.Connection, verb: str) -> None:
        """Its whole content, by a backup."""
        world = self._keeper.world
        self.begin(connection)
        if runs.current is world and world.concerned:
            self._note_replacement(verb, world.where())

    def _note_replacement(self, verb: str, where: str = "") -> None:
        """That is a change of a file, and the same once more leaves it as it is."""
        world, file = self._keeper.world, self.place
        self._pending.append(Effect("file", verb, file, b"", world.time.now, where, idempotent=True))
        self._stand()

    def begin(self, connection: sqlite3.Connection) -> None:
        """It leads to this database from here on."""
        with self.by_ourselves(), contextlib.suppress(sqlite3.Error):
            self._shape, self._reshapes = shape(connection), False

    def _look_for_a_backup(self, connection: sqlite3.Connection) -> None:
        """One by a connection that is older than the run is told by nobody; but nothing else changes the schema without a statement."""
        before, statement = self._shape, self._reshapes
        if before is None:
            return
        self.begin(connection)
        is_own = self._shape is not None and self._shape[1] == before[1]
        if self._shape != before and is_own and not statement:
            self._note_replacement("change" if self.tables else "create")

    def forget(self) -> None:
        """The run is over: what becomes of the database now is no doing of the code."""
        self._shape = None

    def _stand(self) -> None:
        defined = [effect.content.decode("utf-8", "replace") for effect in self._pending if effect.verb in DEFINING]
        for statement in defined:
            prepared.keep(self.place, statement)
        self.defined += defined
        if self._keeper.copies.call >= self._counts_from:
            self._keeper.world.ledger.add(self._pending)
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
            self._tables = self.tables
        places = set(text.tables(sql)) or {_last_name(sql)}
        known = places <= self._tables
        self._tables = self._tables | places if words[0] == "CREATE" else self._tables - places
        return known if words[0] == "CREATE" else not known

    def turn(self, order: Order, connection: sqlite3.Connection) -> None:
        """From here on its rows come the other way round; once more where it was led to another database meanwhile."""
        with self.by_ourselves(), contextlib.suppress(sqlite3.Error):  # it is closed, or another thread's
            if self.turned is None:
                self.turned = Turned(order, connection)
            else:
                self.turned.turn(connection)

    def turn_back(self, connection: sqlite3.Connection) -> None:
        turned, self.turned = self.turned, None
        if turned is not None:
            with self.by_ourselves(), contextlib.suppress(sqlite3.Error):
                turned.let_go(connection)

    @property
    def url(self) -> str:
        return self._url

    @property
    def place(self) -> str:
        """Its file; `/:memory:` for none."""
        return self._url.removeprefix("sqlite://")

    @contextlib.contextmanager
    def by_ourselves(self) -> Iterator[None]:
        before, self.is_aside = self.is_aside, True
        try:
            yield
        finally:
            self.is_aside = before

    def settle(self, connection: sqlite3.Connection) -> None:
        """The call is over: what stands by now is its effect."""
        with contextlib.suppress(sqlite3.Error):  # closed, or of another thread
            self._look(connection)
            self._look_for_a_backup(connection)

    def end(self, connection: sqlite3.Connection) -> None:
        """It is about to be closed: what is not committed is rolled back."""
        self.turn_back(connection)
        self.settle(connection)
        self._pending = []

    def is_copied(self, place: str) -> bool:
        return self._keeper.copies.is_copied(place)

    def bring_up(self, connection: sqlite3.Connection) -> None:
        self._keeper.bring_up(connection)

    def may_attach(self, name: str | None) -> bool:
        return self._keeper.may_attach(name)


def _last_name(sql: str) -> str:
    named = [text.name_of(word) for word in text.words(sql) if word[0] in ("word", "quoted")]
    return named[-1].lower() if named else ""
