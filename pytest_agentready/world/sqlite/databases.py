"""The databases of one world: the connections to them, and what becomes of these when the run is over."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from _thread import get_ident
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from pytest_agentready.world import runs
from pytest_agentready.world.ending import OutboundBlocked
from pytest_agentready.world.order import Order
from pytest_agentready.world.sqlite.asking import cursor_of, is_closed, names_of, owner_of
from pytest_agentready.world.sqlite.copies import Copies
from pytest_agentready.world.sqlite.homing import has_begun, lead_home, lead_to
from pytest_agentready.world.sqlite.keeping import Surroundings
from pytest_agentready.world.sqlite.older import Older, referred_to
from pytest_agentready.world.sqlite.steps import Steps
from pytest_agentready.world.sqlite.watch import Watch
from pytest_agentready.world.sqlite.watched import Watched, watched
from pytest_agentready.world.sqlite.ways import Way, place_of

connect_for_real = sqlite3.connect
# As `connect` takes them, after the database.
PARAMETERS = ("timeout", "detect_types", "isolation_level", "check_same_thread", "factory", "cached_statements", "uri")
FAILURES = (sqlite3.Error, OSError, OutboundBlocked)  # the last where it has become too large to be copied
_kept: weakref.WeakSet[Watched] = weakref.WeakSet()  # connections of runs that are over


class Databases:
    """Those of one world."""

    def __init__(self, world: Surroundings) -> None:
        self.world = world
        self.steps = Steps(world, lambda: tuple(self._kept))
        self.overhear: Callable[[str], None] = lambda _: None  # told of each statement before it runs
        self.copies = Copies(world.files)
        self.places: dict[str, None] = {}  # an ordered set: the files that were connected to
        self._connections: weakref.WeakSet[Watched] = weakref.WeakSet()
        self._kept: list[Older] = []
        self._order: Order | None = None  # in which rows come the other way round
        self._of_threads: dict[int, list[Any]] = {}  # older ones that only their own thread may touch
        self._at_work: dict[int, list[Older]] = {}  # those of them whose thread works for the run now

    # -- connections that are made in the run

    def connect(self, database: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        """As `sqlite3.connect`."""
        kwargs = {**dict(zip(PARAMETERS, args, strict=False)), **given}
        name = os.fsdecode(database)
        is_uri = bool(kwargs.get("uri"))
        factory = kwargs.pop("factory", sqlite3.Connection)
        way = self.copies.way(name, is_uri)
        if way.original and factory is not sqlite3.Connection:  # its own methods shall be called, and ours do not tell
            way = self.copies.way(name, is_uri, writes=True)
        if not (isinstance(factory, type) and issubclass(factory, sqlite3.Connection)):  # it makes what it likes
            with self.world.files.changing():
                return factory(way.name, **{**kwargs, "uri": way.is_uri})
        self.places.setdefault(way.url.removeprefix("sqlite://"))
        with self.world.files.changing():
            connection: Watched = connect_for_real(way.name, factory=watched(factory), **{**kwargs, "uri": way.is_uri})
        connection.led = (self.copies.absolute(name, is_uri), is_uri) if way.name != name else None
        connection.thread = get_ident()
        connection.options = {name: value for name, value in kwargs.items() if name not in ("isolation_level", "uri")}
        self._watch(connection, way)
        self.steps.meet(connection)
        return connection

    def _watch(self, connection: Watched, way: Way) -> None:
        connection.original, connection.url = way.original, way.url
        connection.watch = Watch(self, way.url, way.counts_from, way.refusal)
        connection.enter()
        connection.watch.tables = names_of(connection)
        connection.be_heard()
        connection.watch.begin(connection)
        connection.begin_anew()
        self._connections.add(connection)
        if self._order is not None:
            connection.watch.turn(self._order, connection)

    def step(self, url: str, sql: str) -> None:
        """A statement is about to begin, and may be held back."""
        self.steps.step(url, sql)

    def told(self, sql: str) -> None:
        """SQLite says which statement it is that has begun."""
        self.steps.told(sql)

    def bring_up(self, connection: Watched) -> None:
        """Something is about to be written to a database that was only read so far."""
        watch, connection.original = connection.watch, ""
        if connection.led is None or watch is None:
            return
        was_in_transaction = connection.in_transaction
        with self.world.files.changing():
            way = self.copies.way(*connection.led, writes=True)
            connection.watch = None
            lead_to(connection, way.name, way.is_uri)
            connection.enter()
        if was_in_transaction and not connection.in_transaction:
            cursor_of(connection).execute("BEGIN")
        connection.watch = watch
        watch.refusal = ""
        watch.begin(connection)
        if self._order is not None:
            watch.turn(self._order, connection)

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

    @property
    def kept(self) -> tuple[Any, ...]:
        """The connections that the code holds, from before the run too, and that this thread may ask."""
        return (*(older.connection for older in self._kept), *self._connections)

    @property
    def older(self) -> tuple[Older, ...]:
        return tuple(self._kept)

    @property
    def watches(self) -> list[tuple[Any, Watch]]:
        """Each connection, and what it does."""
        watched = [(connection, connection.watch) for connection in self._connections if connection.watch is not None]
        return [*watched, *((older.connection, older.watch) for older in self._kept)]

    # -- connections that are older than the run

    def begin(self) -> None:
        for kept in tuple(_kept):
            _kept.discard(kept)
            if is_closed(kept):
                continue
            if kept.led is None or has_begun(kept) or not os.path.isdir(os.path.dirname(place_of(*kept.led))):
                self._keep(kept)
                continue
            try:
                way = self.copies.way(*kept.led, writes=bool(kept.schema) or type(kept) is not Watched)
            except FAILURES:  # there is no room for a copy: it may only read
                self._keep(kept)
                continue
            with self._told():
                lead_to(kept, way.name, way.is_uri)
                kept.define_again()
                self._watch(kept, way)
        for connection in referred_to:
            self._keep(connection)

    def _keep(self, connection: Any) -> None:
        if is_closed(connection):
            return
        try:
            with runs.bypassed():
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
        self.steps.join()
        for connection in self._of_threads.get(get_ident(), ()):
            if is_closed(connection):
                continue
            with self._told(), runs.bypassed(), self.world.files.changing():
                older = Older(self, connection, checks_thread=True)
                self._kept.append(older)
                if self._order is not None:
                    older.watch.turn(self._order, older.connection)
                self._at_work.setdefault(get_ident(), []).append(older)

    def goes(self) -> None:
        """Its work is done."""
        self.steps.leave()
        for older in self._at_work.pop(get_ident(), ()):
            self._kept.remove(older)
            older.settle()
            older.watch.turn_back(older.connection)
            with self._told(), runs.bypassed(), self.world.files.changing():
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

    # -- rows in another order

    @contextlib.contextmanager
    def turned(self, order: Order) -> Iterator[None]:
        """Rows of all that leave their order to SQLite come the other way round, whatever connection they are asked of."""
        self._order = order
        for connection, watch in self.watches:
            watch.turn(order, connection)
        try:
            yield
        finally:
            self._order = None
            for connection, watch in self.watches:
                watch.turn_back(connection)

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
        self.copies.call += 1

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
                    lead_home(connection, *connection.led)
                else:
                    connection.leave()
                _kept.add(connection)
