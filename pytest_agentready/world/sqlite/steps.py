"""Each statement as a step of the run, beside the requests to its peers: where somebody asks for that, and may want to hold one back."""

from __future__ import annotations

import contextlib
import sqlite3
from _thread import get_ident
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pytest_agentready.domain import Request
from pytest_agentready.domain import sql as text
from pytest_agentready.world import real
from pytest_agentready.world.ending import WorldClosed
from pytest_agentready.world.sqlite import called
from pytest_agentready.world.sqlite.asking import pragma
from pytest_agentready.world.sqlite.keeping import Surroundings, is_at_work
from pytest_agentready.world.sqlite.locks import COMMIT
from pytest_agentready.world.sqlite.older import Older
from pytest_agentready.world.sqlite.watched import Watched


class Steps:
    """Of the databases of one world."""

    def __init__(self, world: Surroundings, older: Callable[[], tuple[Older, ...]]) -> None:
        """`older`: the connections that are older than the run."""
        self._world = world
        self._older = older
        self._wanted = False
        self._hook: called.Hook | None = None  # which hears of older connections
        self._has_met_ways = False  # of factories whose connections have methods of their own for statements
        self._before: dict[int, Any] = {}  # what else hears of calls, by the thread
        self._untold: dict[int, int] = {}  # by the thread: a step whose statement is not known yet

    @contextlib.contextmanager
    def wanted(self) -> Iterator[None]:
        """For as long as the context is open: in this thread, and in those that come to work for the run."""
        older = [one for one in self._older() if not isinstance(one.connection, Watched)]
        self._wanted = True
        if older or self._has_met_ways:
            self.listen()
        try:
            with contextlib.ExitStack() as undo:
                for one in older:
                    undo.enter_context(_impatient(one))
                yield
        finally:
            self.leave()
            self._wanted, self._hook = False, None

    def meet(self, connection: Watched) -> None:
        """It was made in the run."""
        if connection.has_ways_of_its_own:
            self._has_met_ways = True
            if self._wanted:
                self.listen()

    def listen(self) -> None:
        """To calls of connections that do not tell by themselves."""
        self._hook = self._hook or called.hook(self._called)
        self.join()

    def join(self) -> None:
        """The calling thread works for the run."""
        if self._hook is not None and get_ident() not in self._before:
            self._before[get_ident()] = called.listen(self._hook)

    def leave(self) -> None:
        """It does so no more."""
        if get_ident() in self._before:
            called.listen(self._before.pop(get_ident()))

    def step(self, url: str, sql: str) -> int | None:
        """A statement is about to begin. Gives the number of its step; None where nobody asks for it."""
        world = self._world
        if not self._wanted or not is_at_work(world):
            return None
        statement = Request(
            method=text.verb(sql),
            url=url,
            headers=(),
            body=sql.strip().encode("utf-8", "replace"),
            is_write=_stays(sql),
            committed=True,
            status=None,
            routed=None,
            at=world.time.now,
            where=world.where(),
        )
        number = world.network.note_step(statement)
        if held := world.network.hold_of(number):
            with contextlib.suppress(WorldClosed):
                world.time.wait("hold", held, lambda: False, real.sleep)
        return number

    def told(self, sql: str) -> None:
        """SQLite says which statement it is that has begun."""
        if (number := self._untold.get(get_ident())) is None:
            return
        statement = self._world.network.steps[number]
        assert statement is not None
        body = sql.strip().encode("utf-8", "replace")
        self._world.network.steps[number] = replace(statement, method=text.verb(sql), body=body, is_write=_stays(sql))
        if text.verb(sql) != "BEGIN":  # which sqlite3 itself sends before a statement
            del self._untold[get_ident()]

    def _called(self, connection: Any, is_commit: bool) -> None:
        watch = next((one.watch for one in self._older() if one.connection is connection), None)
        if isinstance(connection, Watched):
            watch = connection.watch
        if watch is None or watch.is_aside or not self._wanted or not is_at_work(self._world):
            return
        number = self.step(watch.url, "COMMIT" if is_commit else "")
        if number is not None and not is_commit:
            self._untold[get_ident()] = number


def _stays(sql: str) -> bool:
    """Does it change the database, or let a change stand?"""
    return text.writes(sql) or COMMIT.match(sql) is not None


@contextlib.contextmanager
def _impatient(older: Older) -> Iterator[None]:
    """Its pauses for a lock would be real: it does without, and is told that the database is locked."""
    connection = older.connection
    try:
        with older.watch.by_ourselves():
            before = pragma(connection, "busy_timeout")
            pragma(connection, "busy_timeout = 0")
    except sqlite3.Error:  # another thread's
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error), older.watch.by_ourselves():
            pragma(connection, f"busy_timeout = {before}")
