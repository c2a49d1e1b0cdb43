"""The databases of one world: where a connection leads, and what becomes of it when the run is over."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from _thread import get_ident
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlunsplit

from pytest_agentready.world import active
from pytest_agentready.world.ending import OutboundBlocked
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.sqlite.asking import is_closed, names_of, owner_of
from pytest_agentready.world.sqlite.leading import lead
from pytest_agentready.world.sqlite.older import Older
from pytest_agentready.world.sqlite.watch import Watch
from pytest_agentready.world.sqlite.watched import Watched, watched
from pytest_agentready.world.sqlite.ways import SIDECARS, Way, home_of, parts_of, place_of, read_in_place

if TYPE_CHECKING:
    from pytest_agentready.world.world import World

connect_for_real = sqlite3.connect
# As `connect` takes them, after the database.
PARAMETERS = ("timeout", "detect_types", "isolation_level", "check_same_thread", "factory", "cached_statements", "uri")
FAILURES = (sqlite3.Error, OSError, OutboundBlocked)  # the last where it has become too large to be copied
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
        self._of_threads: dict[int, list[Any]] = {}  # older ones that only their own thread may touch
        self._at_work: dict[int, list[Older]] = {}  # those of them whose thread works for the run now

    # -- connections that are made in the run

    def connect(self, database: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        """As `sqlite3.connect`."""
        kwargs = {**dict(zip(PARAMETERS, args, strict=False)), **given}
        name = os.fsdecode(database)
        is_uri = bool(kwargs.get("uri"))
        factory = kwargs.pop("factory", sqlite3.Connection)
        way = self._way(name, is_uri)
        if way.original and factory is not sqlite3.Connection:  # its own methods shall be called, and ours do not tell
            way = self._way(name, is_uri, writes=True)
        if not (isinstance(factory, type) and issubclass(factory, sqlite3.Connection)):  # it makes what it likes
            with self.world.files.changing():
                return factory(way.name, **{**kwargs, "uri": way.is_uri})
        with self.world.files.changing():
            connection: Watched = connect_for_real(way.name, factory=watched(factory), **{**kwargs, "uri": way.is_uri})
        connection.led = (self._absolute(name, is_uri), is_uri) if way.name != name else None
        connection.thread = get_ident()
        connection.options = {name: value for name, value in kwargs.items() if name not in ("isolation_level", "uri")}
        self._watch(connection, way)
        return connection

    def _watch(self, connection: Watched, way: Way) -> None:
        connection.original, connection.url = way.original, way.url
        connection.watch = Watch(self, way.url, way.counts_from, way.refusal)
        self._names[id(connection.watch)] = names_of(connection)
        connection.be_heard()
        self._connections.add(connection)

    def _absolute(self, name: str, is_uri: bool) -> str:
        """The directory may be another one when the run is over."""
        parts = parts_of(name, is_uri)
        place = self.world.files.place(unquote(parts.path) if parts else name)
        return urlunsplit(parts._replace(path=quote(place or ""))) if parts else place or name

    def _way(self, name: str, is_uri: bool, *, writes: bool = False) -> Way:
        parts = parts_of(name, is_uri)
        query = parse_qs(parts.query) if parts else {}
        path = unquote(parts.path) if parts else name
        if path in ("", ":memory:") or query.get("mode") == ["memory"]:  # nobody else sees one that this call has made
            return Way(name, is_uri, f"sqlite://{name if is_uri else '/:memory:'}", self.call + 1)
        files = self.world.files
        place = files.place(path)
        if place is None:
            return Way(name, is_uri, f"sqlite:///{path}", 0)
        ground = files.ground(place)
        url = f"sqlite://{place}"
        if ground.real:
            if not ground.counts and (place in self._made or not os.path.exists(place)):  # a temporary one, of this run
                self._made.add(place)
                return Way(name, is_uri, url, float("inf"))
            return Way(name, is_uri, url, 0)
        counts_from = 0 if ground.counts else float("inf")
        if query.get("mode") == ["ro"] and not self.is_copied(place):
            return Way(name, is_uri, url, counts_from)
        if not writes and not self.is_copied(place) and (found := read_in_place(place, url, counts_from)) is not None:
            return found
        self._copy(place)
        above = f"{files.overlay.tree}{place}"
        return Way(urlunsplit(parts._replace(path=quote(above))) if parts else above, is_uri, url, counts_from)

    def is_copied(self, place: str) -> bool:
        return self.world.files.overlay.changes(place)

    def bring_up(self, connection: Watched) -> None:
        """Something is about to be written to a database that was only read so far."""
        watch, connection.original = connection.watch, ""
        if connection.led is None or watch is None:
            return
        was_in_transaction = connection.in_transaction
        with self.world.files.changing():
            way = self._way(*connection.led, writes=True)
            connection.watch = None
            _lead(connection, way.name, way.is_uri)
        if was_in_transaction:
            sqlite3.Cursor(connection).execute("BEGIN")
        connection.watch = watch
        watch.refusal = ""

    def is_real(self, file: str) -> bool:
        """Is it written to in place?"""
        place = self.world.files.place(file)
        return place is not None and self.world.files.ground(place).real

    def copy_of(self, file: str) -> str:
        place = self.world.files.place(file) or file
        self._copy(place)
        return f"{self.world.files.overlay.tree}{place}"

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
        """Another database is only read and written in place where it is the run's own. None: its name is computed, and not known."""
        path = "" if name is None else unquote(name.removeprefix("file:").partition("?")[0]) if name.startswith("file:") else name
        if name is not None and (path in ("", ":memory:") or "mode=memory" in name):
            return True
        place = self.world.files.place(path) if path else "a database whose name is computed"
        if path and (place is None or self.world.files.ground(place).real):
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
            if is_closed(kept):
                continue
            if kept.led is None or _has_begun(kept) or not os.path.isdir(os.path.dirname(place_of(*kept.led))):
                self._keep(kept)
                continue
            with self._told():
                way = self._way(*kept.led, writes=bool(kept.schema) or type(kept) is not Watched)
                _lead(kept, way.name, way.is_uri)
                kept.define_again()
                self._watch(kept, way)
        for connection in _older:
            self._keep(connection)

    def _keep(self, connection: Any) -> None:
        if is_closed(connection):
            return
        try:
            with active.bypassed():
                self._kept.append(Older(self, connection))
        except sqlite3.ProgrammingError as problem:
            owner = owner_of(problem)
            if owner is None:
                self._fail(problem)
            else:
                self._of_threads.setdefault(owner, []).append(connection)
        except FAILURES as problem:
            self._fail(problem)

    def comes(self) -> None:
        """The calling thread, which is older, works for the run from here on: what belongs to it alone can be asked by it."""
        for connection in self._of_threads.get(get_ident(), ()):
            if is_closed(connection):
                continue
            with self._told(), active.bypassed(), self.world.files.changing():
                older = Older(self, connection, checks_thread=True)
                self._kept.append(older)
                self._at_work.setdefault(get_ident(), []).append(older)

    def goes(self) -> None:
        """Its work is done."""
        for older in self._at_work.pop(get_ident(), ()):
            self._kept.remove(older)
            older.settle()
            with self._told(), active.bypassed(), self.world.files.changing():
                older.put_back()

    def engaged(self, ident: int) -> None:
        """Another thread works for the run, and is not asked itself: what it does with a connection of its own cannot be led away."""
        if ident == get_ident():
            return
        for connection in self._of_threads.pop(ident, ()):
            if isinstance(connection, Watched):  # it tells by itself, and is none of a file outside of the run's own folder
                connection.watch = Watch(self, connection.url, 0)
                self._connections.add(connection)
            else:
                self.world.network.refused.append("a connection to SQLite that belongs to a thread which is older than the run")

    def _fail(self, problem: BaseException) -> None:
        self.world.network.fail(problem if isinstance(problem, Exception) else RuntimeError(str(problem)))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """That something cannot be put in its place is our own failure, and no word about the tool."""
        try:
            yield
        except FAILURES as problem:
            self._fail(problem)

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
            with self._told():
                older.put_back()
            if isinstance(older.connection, Watched):
                _kept.add(older.connection)
        _kept.update(found for several in self._of_threads.values() for found in several if isinstance(found, Watched))
        for connection in tuple(self._connections):
            if is_closed(connection):
                continue
            if connection.watch is not None:
                connection.schema.extend(sql for sql in connection.watch.defined if sql not in connection.schema)
            connection.watch, connection.original = None, ""
            with self._told():
                if connection.led is not None:
                    _lead_home(connection, *connection.led)
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


def _has_begun(connection: Watched) -> bool:
    """Has the code begun a transaction on it, outside of a run? Without autocommit, each connection is in one from the start."""
    return connection.in_transaction and (connection.total_changes > 0 or getattr(connection, "autocommit", True) is not False)


def _lead(connection: Watched, name: str, is_uri: bool) -> None:
    if connection.thread != get_ident() and connection.options.get("check_same_thread", True):
        connection.options = {**connection.options, "check_same_thread": False}  # else it would be this thread's from here on
    lead(connection, name, is_uri, connection.options)
    connection.be_heard()
    connection.set_again()


def _lead_home(connection: Watched, name: str, is_uri: bool) -> None:
    """To the real database. Where there is none, none is made: what the run has kept then has one in memory."""
    home = home_of(name, is_uri)
    _lead(connection, home or ":memory:", bool(home))
    if not home:
        connection.define_again()
