"""SQLite in a run: a database outside of the run's own folder is a copy, and every write that stands is an effect.

SQLite's own trace tells of each statement before it runs, the count of changed rows whether the one before changed anything, and the
state of the transaction whether it stands. A connection that a run has made and kept leads to the real database again afterwards,
and to a new copy in the next run. One that the user's code has made before is left its database: that is put back after the run.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from pytest_agentready.domain import Effect, idempotence
from pytest_agentready.world import active, stack
from pytest_agentready.world import sql as text
from pytest_agentready.world.patching import Patch

if TYPE_CHECKING:
    from pytest_agentready.world.world import World

connect_for_real = sqlite3.connect
# As `connect` takes them, after the database.
PARAMETERS = ("timeout", "detect_types", "isolation_level", "check_same_thread", "factory", "cached_statements", "uri")
SIDECARS = ("-wal", "-journal")
BUSY = (5, 6)  # SQLITE_BUSY and SQLITE_LOCKED, which have no names before Python 3.11
ATTACH = 24  # the action of an authorizer
# They change nothing that a reader of the data would notice.
UPKEEP = frozenset({"ANALYZE", "REINDEX", "VACUUM"})
DEFINING = frozenset({"CREATE", "DROP", "ALTER"})
TEMPORARY = re.compile(r"\s*create\s+temp(?:orary)?\s", re.IGNORECASE)  # it goes with its connection
LARGEST = 64 << 20  # bytes of an older connection's database that are put back
_older: list[Any] = []  # connections that the subject at hand refers to
_kept: weakref.WeakSet[Watched] = weakref.WeakSet()  # connections of runs that are over


class Watched(sqlite3.Connection):
    """A connection that was made in a run. The user's own factory stands behind it."""

    watch: Watch | None = None
    led: tuple[str, bool] | None = None  # the database as the code named it, and whether that is a URI, where it was led to a copy
    options: Mapping[str, Any] = MappingProxyType({})  # with which the code has asked for it
    _given: Callable[[str], object] | None = None
    _authorizer: Callable[..., int] | None = None

    def set_trace_callback(self, trace_callback: Callable[[str], object] | None, /) -> None:
        """The user's own hears of everything after us."""
        self._given = trace_callback
        super().set_trace_callback(self._hear)

    def set_authorizer(self, authorizer_callback: Callable[..., int] | None, /) -> None:
        self._authorizer = authorizer_callback
        super().set_authorizer(self._authorize)

    def _hear(self, statement: str) -> None:
        if self.watch is not None:
            self.watch.hear(self, statement)
        if self._given is not None:
            self._given(statement)

    def _authorize(self, action: int, *words: Any) -> int:
        if action == ATTACH and self.watch is not None and not self.watch.may_attach(words[0]):
            return sqlite3.SQLITE_DENY
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


class Watch:
    """What one connection does to its database in one world."""

    def __init__(self, databases: Databases, url: str, counts_from: float) -> None:
        """`counts_from`: the number of the call from which on its writes are effects."""
        self._databases = databases
        self._url = url
        self._counts_from = counts_from
        self._tables: set[str] | None = None  # those that there are, where a statement asks whether there are
        self._current: tuple[Effect, int] | None = None  # the statement that runs, and the changes before it
        self._pending: list[Effect] = []
        self._savepoints: list[tuple[str, int]] = []

    def hear(self, connection: sqlite3.Connection, sql: str) -> None:
        """A statement is about to run."""
        world = self._databases.world
        if active.world is not world or not world.concerned:
            return
        self._look(connection)
        verb = text.verb(sql)
        if verb == "ROLLBACK":
            self._roll_back(sql)
        elif verb in ("SAVEPOINT", "RELEASE"):
            self._savepoints.append((_last_name(sql), len(self._pending)))
        elif text.writes(sql) and not TEMPORARY.match(sql) and not self._is_there_already(sql):
            effect = Effect(
                "statement", verb, self._url, sql.strip().encode("utf-8", "replace"), world.time.now, stack.here(1),
                places=text.tables(sql), idempotent=idempotence.of_statement(verb, sql),
            )  # fmt: skip
            self._current = effect, connection.total_changes

    def _look(self, connection: sqlite3.Connection) -> None:
        """What has become of the statement before?"""
        if self._current is not None:
            effect, before = self._current
            self._current = None
            if connection.total_changes != before or effect.verb in DEFINING:
                self._pending.append(effect)
        if not connection.in_transaction:
            self._stand()

    def _stand(self) -> None:
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

    def may_attach(self, name: str | None) -> bool:
        return self._databases.may_attach(name)


class Databases:
    """Those of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.call = 0  # calls of this world that are over
        self._connections: weakref.WeakSet[Watched] = weakref.WeakSet()
        self._made: set[str] = set()  # temporary ones of this run
        self._copied: set[str] = set()
        self._names: dict[int, set[str]] = {}
        self._kept: list[Older] = []

    # -- connections that are made in the run

    def connect(self, database: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        """As `sqlite3.connect`."""
        kwargs = {**dict(zip(PARAMETERS, args, strict=False)), **given}
        name = os.fsdecode(database)
        is_uri = bool(kwargs.get("uri"))
        way, url, counts_from = self._way(name, is_uri)
        factory = kwargs.pop("factory", sqlite3.Connection)
        if not (isinstance(factory, type) and issubclass(factory, sqlite3.Connection)):  # it makes what it likes
            with self.world.files.changing():
                return factory(way, **kwargs)
        with self.world.files.changing():
            connection: Watched = connect_for_real(way, factory=_watched(factory), **kwargs)
        connection.led = (name, is_uri) if way != name else None
        connection.options = {name: value for name, value in kwargs.items() if name not in ("isolation_level", "uri")}
        self._watch(connection, url, counts_from)
        return connection

    def _watch(self, connection: Watched, url: str, counts_from: float) -> None:
        connection.watch = Watch(self, url, counts_from)
        self._names[id(connection.watch)] = self._tables(connection)
        sqlite3.Connection.set_trace_callback(connection, connection._hear)
        sqlite3.Connection.set_authorizer(connection, connection._authorize)
        self._connections.add(connection)

    def _way(self, name: str, is_uri: bool) -> tuple[str, str, float]:
        """Where a database really is, what an effect calls it, and from which call on it counts."""
        parts = urlsplit(name) if is_uri and name.startswith("file:") else None
        query = parse_qs(parts.query) if parts else {}
        path = unquote(parts.path) if parts else name
        if path in ("", ":memory:") or query.get("mode") == ["memory"]:
            return name, f"sqlite://{name if is_uri else '/:memory:'}", self.call + 1  # nobody else sees one that this call has made
        files = self.world.files
        place = files.place(path)
        if place is None:
            return name, f"sqlite:///{path}", 0
        ground = files.ground(place)
        url = f"sqlite://{place}"
        if ground.real:
            if not ground.counts and (place in self._made or not os.path.exists(place)):  # a temporary one, of this run
                self._made.add(place)
                return name, url, float("inf")
            return name, url, 0
        counts_from = 0 if ground.counts else float("inf")
        if query.get("mode") == ["ro"] and not files.overlay.changes(place):
            return name, url, counts_from
        self._copy(place)
        above = f"{files.overlay.tree}{place}"
        return (urlunsplit(parts._replace(path=above)) if parts else above), url, counts_from

    def _copy(self, place: str) -> None:
        overlay = self.world.files.overlay
        with self.world.files.changing():
            for path in (place, *(f"{place}{end}" for end in SIDECARS)):
                if overlay.exists(path):
                    overlay.bring_up(path)
                elif path == place:
                    with contextlib.suppress(OSError):  # there is no such folder, as SQLite will say
                        os.close(overlay.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
            overlay.room()

    def may_attach(self, name: str | None) -> bool:
        """Another database is only read and written in place where it is the run's own."""
        place = self.world.files.place(name) if name and name != ":memory:" and not name.startswith("file:") else None
        if place is None or self.world.files.ground(place).real:
            return True
        what = f"SQLite's ATTACH of {place}"
        self.world.network.refused.append(what)
        self.world.ledger.note("statement", "ATTACH", f"sqlite://{place}", refused=True)
        return False

    def tables_of(self, watch: Watch) -> set[str]:
        return self._names.get(id(watch), set())

    def _tables(self, connection: sqlite3.Connection) -> set[str]:
        """Their names, and those of indexes and views, as there are at the beginning."""
        with contextlib.suppress(sqlite3.Error):
            rows, connection.row_factory = connection.row_factory, None
            try:
                return {str(row[0]).lower() for row in sqlite3.Cursor(connection).execute("SELECT name FROM sqlite_master")}
            finally:
                connection.row_factory = rows
        return set()

    # -- connections that are older than the run

    def begin(self) -> None:
        for kept in tuple(_kept):
            _kept.discard(kept)
            with contextlib.suppress(sqlite3.Error):
                if kept.led is not None and not kept.in_transaction:
                    way, url, counts_from = self._way(*kept.led)
                    _lead(kept, way, kept.led[1])
                    self._watch(kept, url, counts_from)
                elif kept.led is None:
                    self._keep(kept)
        for connection in _older:
            self._keep(connection)

    def _keep(self, connection: Any) -> None:
        with contextlib.suppress(sqlite3.Error):  # closed, or of another thread
            self._kept.append(Older(self, connection))

    def settle(self) -> None:
        for connection in tuple(self._connections):
            if connection.watch is not None:
                connection.watch.settle(connection)
        for older in self._kept:
            older.settle()
        self.call += 1

    def end(self) -> None:
        """After the run: everything real is as it was, and what is kept of the run's connections leads there."""
        for older in self._kept:
            with contextlib.suppress(sqlite3.Error):
                older.put_back()
        for connection in tuple(self._connections):
            connection.watch = None
            with contextlib.suppress(sqlite3.Error):
                if connection.led is not None:
                    connection.rollback()
                    _lead(connection, *connection.led)
                _kept.add(connection)


class Older:
    """A connection that was there before, and the content of its database."""

    def __init__(self, databases: Databases, connection: Any) -> None:
        """Raises sqlite3.Error where it cannot be asked."""
        self._connection = connection
        self._copy: sqlite3.Connection | None = None
        self._image: bytes | None = None
        file = _file(connection)
        self._watch = Watch(databases, f"sqlite://{file or '/:memory:'}", 0)
        if _size(connection) > LARGEST or (connection.in_transaction and (file or not hasattr(connection, "serialize"))):
            _pragma(connection, "query_only = ON")  # it cannot be copied
        elif connection.in_transaction:
            self._image = connection.serialize()
        else:
            self._copy = connect_for_real(":memory:")
            _back_up(connection, self._copy)
        databases._names[id(self._watch)] = databases._tables(connection)
        self._before = _version(connection)
        self._is_traced = not _has_a_trace(connection)
        self._hear = lambda sql: self._watch.hear(connection, sql)
        if self._is_traced:
            connection.set_trace_callback(self._hear)

    def settle(self) -> None:
        self._watch.settle(self._connection)

    def put_back(self) -> None:
        if self._is_traced and _refers_to(self._connection, self._hear):
            self._connection.set_trace_callback(None)
        if self._copy is None and self._image is None:
            _pragma(self._connection, "query_only = OFF")
            return
        if self._image is not None:
            if _version(self._connection) != self._before:
                self._connection.rollback()
                self._connection.deserialize(self._image)
            return
        assert self._copy is not None
        if self._connection.in_transaction:
            self._connection.rollback()
        if _version(self._connection) != self._before:
            _back_up(self._copy, self._connection)
        self._copy.close()


def remember(connections: list[Any]) -> None:
    """The connections that the subject at hand refers to."""
    _older[:] = [connection for connection in connections if not isinstance(connection, Watched)]


def connect(database: Any, *args: Any, **kwargs: Any) -> Any:
    world = active.mine()
    if world is None:
        return connect_for_real(database, *args, **kwargs)
    return world.databases.connect(database, args, kwargs)


PAIRS: dict[int, tuple[Any, Any]] = {id(connect_for_real): (connect_for_real, connect)}


def patches() -> Iterator[Patch]:
    for owner in (sqlite3, sqlite3.dbapi2):
        yield Patch(owner, "connect", connect, connect_for_real)


_classes: dict[type, type[Watched]] = {}


def _watched(factory: type) -> type[Watched]:
    if factory is sqlite3.Connection:
        return Watched
    if factory not in _classes:
        _classes[factory] = factory if issubclass(factory, Watched) else type(factory.__name__, (Watched, factory), {})
    return _classes[factory]


def _lead(connection: Watched, name: str, is_uri: bool) -> None:
    """To another database; what the code has set on it stays."""
    rows, texts, level = connection.row_factory, connection.text_factory, connection.isolation_level
    sqlite3.Connection.set_trace_callback(connection, None)
    keys = _pragma(connection, "foreign_keys")
    attributes = dict(vars(connection))  # which are cleared
    sqlite3.Connection.__init__(connection, name, isolation_level=level, uri=is_uri, **connection.options)
    vars(connection).update(attributes)
    connection.row_factory, connection.text_factory = rows, texts
    if keys:
        _pragma(connection, "foreign_keys = ON")
    if connection._given is not None:
        sqlite3.Connection.set_trace_callback(connection, connection._hear)


def _pragma(connection: Any, what: str) -> Any:
    """One value, whatever kind of rows the code wants."""
    rows, connection.row_factory = connection.row_factory, None
    try:
        found = sqlite3.Cursor(connection).execute(f"PRAGMA {what}").fetchone()
        return found[0] if found else None
    finally:
        connection.row_factory = rows


def _file(connection: Any) -> str:
    rows, connection.row_factory = connection.row_factory, None
    try:
        return str(sqlite3.Cursor(connection).execute("PRAGMA database_list").fetchone()[2] or "")
    finally:
        connection.row_factory = rows


def _size(connection: Any) -> int:
    return int(_pragma(connection, "page_count")) * int(_pragma(connection, "page_size"))


def _version(connection: Any) -> tuple[Any, ...]:
    return connection.total_changes, _pragma(connection, "schema_version")


def _back_up(source: Any, target: Any) -> None:
    """Raises sqlite3.OperationalError where somebody holds the source: SQLite itself would wait for ever."""

    def go_on(status: int, _remaining: int, _total: int) -> None:
        if status in BUSY:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=go_on)


def _has_a_trace(connection: Any) -> bool:
    """Has somebody set a callback? It cannot be asked for; but the connection refers to it."""
    own = ("_lru_cache_wrapper", "Cache")
    found = [one for one in gc.get_referents(connection) if callable(one) and not isinstance(one, type) and type(one).__name__ not in own]
    return any(one is not connection.row_factory and one is not connection.text_factory for one in found)


def _refers_to(connection: Any, callback: Any) -> bool:
    return any(found is callback for found in gc.get_referents(connection))


def _last_name(sql: str) -> str:
    named = [text.name_of(word) for word in text.words(sql) if word[0] in ("word", "quoted")]
    return named[-1].lower() if named else ""
