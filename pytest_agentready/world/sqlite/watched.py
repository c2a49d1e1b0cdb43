"""A connection that is watched: it hears of its statements, and knows what was set on it, to set it again where it is led elsewhere."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_agentready.domain import sql as text
from pytest_agentready.world.sqlite.asking import names_of

if TYPE_CHECKING:
    from pytest_agentready.world.sqlite.watch import Watch

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


_classes: dict[type, type[Watched]] = {}


def watched(factory: type) -> type[Watched]:
    """A class of connections with the user's own behind it."""
    if factory is sqlite3.Connection:
        return Watched
    if factory not in _classes:
        _classes[factory] = factory if issubclass(factory, Watched) else type(factory.__name__, (Watched, factory), {})
    return _classes[factory]
