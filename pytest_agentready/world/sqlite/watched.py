"""A connection that is watched: it hears of its statements, and knows what was set on it, to set it again where it is led elsewhere."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pytest_agentready.domain import sql as text
from pytest_agentready.world.sqlite.asking import cursor_of, names_of, pragma
from pytest_agentready.world.sqlite.cursors import OF_THE_RUN, stepping
from pytest_agentready.world.sqlite.locks import Patience
from pytest_agentready.world.sqlite.watch import Watch

T = TypeVar("T")
WAYS = frozenset({"cursor", "execute", "executemany", "executescript"})
TRANSACTION = 22  # actions of an authorizer
ATTACH = 24
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
    is_aside = False  # we ask something ourselves
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
            cursor_of(self).execute(sql)

    def define_again(self) -> None:
        for sql in self.schema:
            with contextlib.suppress(sqlite3.Error):  # it is there
                cursor_of(self).execute(sql)
        if self.in_transaction:
            self.commit()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """One of the user's own class, or of none: it tells what it is about to do. What a factory's own methods make does not."""
        given = (*args, *kwargs.values()) or (sqlite3.Cursor,)
        if self.watch is None or len(given) > 1 or self.has_ways_of_its_own:
            return super().cursor(*args, **kwargs)
        made = stepping(given[0])
        if self.original and made is given[0]:
            self.watch.bring_up(self)
        return super().cursor(made)

    @property
    def has_ways_of_its_own(self) -> bool:
        """Has the user's factory methods for statements, which are to be called?"""
        return type(self) is not Watched and has_own_ways(type(self))

    def execute(self, *args: Any) -> Any:
        return super().execute(*args) if self.watch is None or self.has_ways_of_its_own else self.cursor().execute(*args)

    def executemany(self, *args: Any) -> Any:
        return super().executemany(*args) if self.watch is None or self.has_ways_of_its_own else self.cursor().executemany(*args)

    def executescript(self, *args: Any) -> Any:
        return super().executescript(*args) if self.watch is None or self.has_ways_of_its_own else self.cursor().executescript(*args)

    def commit(self) -> None:
        if self.watch is None or not self.in_transaction:
            super().commit()
        else:
            self.carried_out("COMMIT", super().commit)

    def __exit__(self, *problem: Any) -> Any:
        """It commits without `commit`, and rolls back where the database is locked: so it is committed here, and waited for."""
        if problem == (None, None, None) and self.watch is not None and self.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # it will say so itself, and roll back
                self.carried_out("COMMIT", lambda: sqlite3.Connection.commit(self))
        return super().__exit__(*problem)

    def carried_out(self, sql: str, work: Callable[[], T], *, several: bool = False) -> T:
        """A statement begins, and waits for locks in virtual time. Raises sqlite3.Error."""
        if self.watch is None:
            return work()
        self.watch.step(sql)
        return self.patience.carry_out(self, sql, work, self.watch.wait_for_a_lock, several=several)

    # What the run itself sets on it: nobody waits in real time, for a lock or for a disk that no power cut is going to hit.

    @property
    def patience(self) -> Patience:
        found: Patience = self.__dict__.setdefault("_patience", Patience())
        return found

    @property
    def _asked(self) -> dict[str, int]:
        """What the code itself has set."""
        found: dict[str, int] = self.__dict__.setdefault("_settings_of_the_code", {})
        return found

    def enter(self) -> None:
        """It leads to a database of the run from here on."""
        self._take_over(OF_THE_RUN)

    def begin_anew(self) -> None:
        """Without autocommit it stands in a transaction from the start, in which it must not have read anything yet."""
        if getattr(self, "autocommit", True) is False:
            with self._by_ourselves():
                sqlite3.Connection.rollback(self)

    def leave(self) -> None:
        """The run is over, and it goes on leading there."""
        self._set_aside(self._asked)

    @contextlib.contextmanager
    def as_asked(self, *names: str) -> Iterator[None]:
        """For a statement that asks for these settings, or sets them."""
        self._set_aside({name: value for name, value in self._asked.items() if name in names})
        try:
            yield
        finally:
            self._take_over(names)

    def _take_over(self, names: Iterable[str]) -> None:
        """What the code has set is kept, and is the run's own from here on. The patience comes first: to ask for others may take it."""
        for name in (each for each in OF_THE_RUN if each in names):
            with self._by_ourselves(), contextlib.suppress(sqlite3.Error):  # somebody holds it
                self._asked[name] = int(pragma(self, name))
            self._set_aside({name: 0})
        self.patience.seconds = self._asked.get("busy_timeout", 0) / 1000
        if self.has_ways_of_its_own and "busy_timeout" in self._asked:  # we do not hear where it is told that somebody else has the lock
            self._set_aside({"busy_timeout": self._asked["busy_timeout"]})

    def _set_aside(self, settings: Mapping[str, int]) -> None:
        with self._by_ourselves():
            for name, value in settings.items():
                with contextlib.suppress(sqlite3.Error):  # in a transaction, or another thread's
                    pragma(self, f"{name} = {value}")

    @contextlib.contextmanager
    def _by_ourselves(self) -> Iterator[None]:
        before = self.is_aside
        self.__dict__["is_aside"] = True
        try:
            yield
        finally:
            self.__dict__["is_aside"] = before

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
            target.watch.was_replaced(target, "create" if is_new else "change")

    def _hear(self, statement: str) -> None:
        if self.is_aside or (self.watch is not None and self.watch.is_aside):
            return
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


KNOWN = (Watched, sqlite3.Connection, object)
_classes: dict[type, type[Watched]] = {}


def has_own_ways(cls: type) -> bool:
    """Does this class of connections, or one that it comes from, carry out statements by methods of its own?"""
    return any(not WAYS.isdisjoint(vars(one)) for one in cls.__mro__ if one not in KNOWN)


def watched(factory: type) -> type[Watched]:
    """A class of connections with the user's own behind it."""
    if factory is sqlite3.Connection:
        return Watched
    if factory not in _classes:
        _classes[factory] = factory if issubclass(factory, Watched) else type(factory.__name__, (Watched, factory), {})
    return _classes[factory]
