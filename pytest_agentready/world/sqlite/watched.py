"""One connection that is watched: SQLite's trace tells of each statement before it runs, and what stands in the end is an effect."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_agentready.domain import Effect
from pytest_agentready.domain.idempotency import marked
from pytest_agentready.world import active, witness
from pytest_agentready.world import sql as text
from pytest_agentready.world.sqlite.asking import names_of

if TYPE_CHECKING:
    from pytest_agentready.world.sqlite.databases import Databases

TRANSACTION = 22  # actions of an authorizer
ATTACH = 24
DEFINING = frozenset({"CREATE", "DROP", "ALTER"})
TEMPORARY = re.compile(r"\s*create\s+temp(?:orary)?\s", re.IGNORECASE)  # it goes with its connection


READING = re.compile(
    r"\s*(SELECT|WITH|VALUES|EXPLAIN|BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE"
    r"|PRAGMA\s+(main\.)?(?!(user_v|applic|journ|auto_v|page_s|encod|wal_|increm))\w)",
    re.IGNORECASE,
)
SETTING = re.compile(r"\s*PRAGMA\s+(?:main\.)?(\w+)\s*=", re.IGNORECASE)
OF_A_FILE = frozenset({"user_version", "application_id", "journal_mode", "auto_vacuum", "page_size", "encoding", "journal_size_limit"})


class Watched(sqlite3.Connection):
    """A connection that was made in a run. The user's own factory stands behind it."""

    watch: Watch | None = None
    led: tuple[str, bool] | None = None  # its database, absolute, and whether that is a URI, where it was led to a copy
    options: Mapping[str, Any] = MappingProxyType({})  # with which the code has asked for it
    thread = 0  # in which it was made
    url = ""  # what an effect calls its database
    original = ""  # the real file that it reads until something is written to it
    _given: Callable[[str], object] | None = None
    _authorizer: Callable[..., int] | None = None

    def set_trace_callback(self, trace_callback: Callable[[str], object] | None, /) -> None:
        """The user's own hears of everything after us."""
        self._given = trace_callback
        self.be_heard()

    def set_authorizer(self, authorizer_callback: Callable[..., int] | None, /) -> None:
        self._authorizer = authorizer_callback
        self.be_heard()

    def be_heard(self) -> None:
        """SQLite holds what it calls: it must not hold the connection by it, which is freed as soon as nobody refers to it."""
        this = weakref.ref(self)

        def hear(statement: str) -> None:
            if (connection := this()) is not None:
                connection._hear(statement)

        def authorize(action: int, *words: Any) -> int:
            return sqlite3.SQLITE_OK if (connection := this()) is None else connection._authorize(action, *words)

        super().set_trace_callback(hear)
        super().set_authorizer(authorize)

    # What is set by a call is set again where the connection is led to another database.

    @property
    def settings(self) -> dict[Any, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]:
        found: dict[Any, Any] = self.__dict__.setdefault("_settings", {})
        return found

    @property
    def pragmas(self) -> dict[str, str]:
        found: dict[str, str] = self.__dict__.setdefault("_pragmas", {})
        return found

    @property
    def schema(self) -> list[str]:
        """Statements that have defined something in its database, in any run: what a process has made once is there."""
        found: list[str] = self.__dict__.setdefault("_schema", [])
        return found

    def create_function(self, *args: Any, **kwargs: Any) -> None:
        self._set(sqlite3.Connection.create_function, args, kwargs)

    def create_aggregate(self, *args: Any, **kwargs: Any) -> None:
        self._set(sqlite3.Connection.create_aggregate, args, kwargs)

    def create_collation(self, *args: Any, **kwargs: Any) -> None:
        self._set(sqlite3.Connection.create_collation, args, kwargs)

    def create_window_function(self, *args: Any, **kwargs: Any) -> None:
        self._set(sqlite3.Connection.create_window_function, args, kwargs)  # type: ignore[attr-defined,unused-ignore]

    def enable_load_extension(self, *args: Any, **kwargs: Any) -> None:
        self._set(sqlite3.Connection.enable_load_extension, args, kwargs)

    def load_extension(self, *args: Any, **kwargs: Any) -> None:
        self._set(sqlite3.Connection.load_extension, args, kwargs)

    def set_progress_handler(self, *args: Any, **kwargs: Any) -> None:
        self._set(sqlite3.Connection.set_progress_handler, args, kwargs, once=True)

    def _set(self, how: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, once: bool = False) -> None:
        how(self, *args, **kwargs)
        self.settings[how.__name__ if once else (how.__name__, repr(args[:2]))] = (how, args, kwargs)

    def set_again(self) -> None:
        """After it was led to another database."""
        for how, args, kwargs in self.settings.values():
            how(self, *args, **kwargs)
        for sql in self.pragmas.values():
            sqlite3.Cursor(self).execute(sql)

    def define_again(self) -> None:
        for sql in self.schema:
            with contextlib.suppress(sqlite3.Error):  # it is there
                sqlite3.Cursor(self).execute(sql)
        if self.in_transaction:
            self.commit()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        if self.original and not args and not kwargs:
            return super().cursor(Reader)
        if self.original and self.watch is not None:  # a cursor of the user's own does not tell what it is about to do
            self.watch.bring_up(self)
        return super().cursor(*args, **kwargs)

    def execute(self, *args: Any) -> Any:
        return self.cursor().execute(*args) if self.original else super().execute(*args)

    def executemany(self, *args: Any) -> Any:
        return self.cursor().executemany(*args) if self.original else super().executemany(*args)

    def executescript(self, *args: Any) -> Any:
        return self.cursor().executescript(*args) if self.original else super().executescript(*args)

    def begins(self, sql: str = "") -> None:
        """A statement is about to be begun; "" for one that writes."""
        if self.original and self.watch is not None and (not READING.match(sql) or text.writes(sql) or self.watch.is_copied(self.original)):
            self.watch.bring_up(self)

    def backup(self, target: sqlite3.Connection, **kwargs: Any) -> None:
        """No statement tells of it."""
        if isinstance(target, Watched):
            target.begins()
        is_new = not names_of(target)
        super().backup(target, **kwargs)
        if isinstance(target, Watched) and target.watch is not None:
            target.watch.was_replaced("create" if is_new else "change")

    def _hear(self, statement: str) -> None:
        if self.watch is not None:
            self.watch.hear(self, statement)
        if (found := SETTING.match(statement)) is not None:
            name = found[1].lower()
            if name not in OF_A_FILE:
                self.pragmas[name] = statement
            elif self.watch is not None:
                self.schema.append(statement)
        if self._given is not None:
            self._given(statement)

    def _authorize(self, action: int, *words: Any) -> int:
        if action == ATTACH and self.watch is not None and not self.watch.may_attach(words[0]):
            return sqlite3.SQLITE_DENY
        if action == TRANSACTION and self.watch is not None and self.watch.holds:
            return sqlite3.SQLITE_IGNORE
        return sqlite3.SQLITE_OK if self._authorizer is None else self._authorizer(action, *words)

    def close(self) -> None:
        self._end()
        super().close()

    def _end(self) -> None:
        if self.watch is not None:
            self.watch.end(self)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self._end()
        if (finish := getattr(super(), "__del__", None)) is not None:
            finish()


class Reader(sqlite3.Cursor):
    """Of a connection that only reads for now."""

    def execute(self, sql: str, *args: Any) -> Any:
        self.connection.begins(sql)  # type: ignore[attr-defined]
        return super().execute(sql, *args)

    def executemany(self, *args: Any) -> Any:
        self.connection.begins()  # type: ignore[attr-defined]
        return super().executemany(*args)

    def executescript(self, *args: Any) -> Any:
        self.connection.begins()  # type: ignore[attr-defined]
        return super().executescript(*args)


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
