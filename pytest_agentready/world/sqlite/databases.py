"""The databases of one world: where a connection leads, and what becomes of it when the run is over."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from pytest_agentready.world import active
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.sqlite.asking import names_of, pragma
from pytest_agentready.world.sqlite.older import Older
from pytest_agentready.world.sqlite.watched import Watch, Watched

if TYPE_CHECKING:
    from pytest_agentready.world.world import World

connect_for_real = sqlite3.connect
# As `connect` takes them, after the database.
PARAMETERS = ("timeout", "detect_types", "isolation_level", "check_same_thread", "factory", "cached_statements", "uri")
SIDECARS = ("-wal", "-journal")
_older: list[Any] = []  # connections that the subject at hand refers to
_kept: weakref.WeakSet[Watched] = weakref.WeakSet()  # connections of runs that are over


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
        self._names[id(connection.watch)] = names_of(connection)
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


def remember(connections: list[Any]) -> None:
    """The connections that the subject at hand refers to."""
    _older[:] = [connection for connection in connections if not isinstance(connection, Watched)]


def connect(database: Any, *args: Any, **kwargs: Any) -> Any:
    world = active.mine()
    if world is None:
        return connect_for_real(database, *args, **kwargs)
    return world.databases.connect(database, args, kwargs)


PAIRS: dict[int, tuple[Any, Any]] = {id(connect_for_real): (connect_for_real, connect)} if os.name == "posix" else {}


def patches() -> Iterator[Patch]:
    for owner in (sqlite3, sqlite3.dbapi2) if os.name == "posix" else ():
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
    keys = pragma(connection, "foreign_keys")
    attributes = dict(vars(connection))  # which are cleared
    sqlite3.Connection.__init__(connection, name, isolation_level=level, uri=is_uri, **connection.options)
    vars(connection).update(attributes)
    connection.row_factory, connection.text_factory = rows, texts
    if keys:
        pragma(connection, "foreign_keys = ON")
    if connection._given is not None:
        sqlite3.Connection.set_trace_callback(connection, connection._hear)
