"""What the databases of a run hold, to be put back: the rows as well as the tables, whichever connection has changed them."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_agentready.world import runs
from pytest_agentready.world.sqlite.asking import back_up, is_closed, pragma
from pytest_agentready.world.sqlite.databases import Databases

MEMORY = ":memory:"


def is_in_memory(place: str) -> bool:
    """Nobody else has it."""
    return MEMORY in place or "mode=memory" in place


@contextlib.contextmanager
def undone(databases: Databases) -> Iterator[list[Exception]]:
    """Afterwards all of them hold again what they held; what stood against that is in the list."""
    problems: list[Exception] = []
    with contextlib.closing(State()) as state:
        with _noting(databases, problems):
            state.keep(_written(databases), _in_memory(databases))
        try:
            yield problems
        finally:
            with _noting(databases, problems):
                state.put_back(_written(databases), databases.kept)


@contextlib.contextmanager
def _noting(databases: Databases, problems: list[Exception]) -> Iterator[None]:
    """We look at them, or change them, ourselves; that somebody holds one is noted."""
    with databases.world.files.changing(), runs.bypassed():
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            problems.append(problem)


@contextlib.contextmanager
def locked_out(databases: Databases) -> Iterator[None]:
    """As if another process had begun a transaction on each of them, and had not come to its end."""
    with contextlib.ExitStack() as undo:
        with databases.world.files.changing(), runs.bypassed():
            for file in _written(databases):
                holder = undo.enter_context(contextlib.closing(_opened(file)))
                with contextlib.suppress(sqlite3.Error):  # the code itself holds it
                    holder.execute("BEGIN EXCLUSIVE")
        yield


def _written(databases: Databases) -> dict[str, str]:
    """Where the files lie that the run may write to, and where what they are copies of lies."""
    files = databases.world.files
    places = dict.fromkeys([*databases.places, *(watch.place for _, watch in databases.watches)])
    found = {files.overlay.at(place): place for place in places if not is_in_memory(place)}
    return {at: place for at, place in found.items() if at != place or files.ground(place).real}


def _in_memory(databases: Databases) -> list[Any]:
    """Connections to databases that nobody else sees."""
    return [connection for connection, watch in databases.watches if is_in_memory(watch.place) and not is_closed(connection)]


class State:
    """Of files, and of databases in memory that the code keeps a connection to, at one moment."""

    def __init__(self) -> None:
        self._files: dict[str, sqlite3.Connection] = {}
        self._kept: list[tuple[Any, sqlite3.Connection]] = []

    def keep(self, files: Iterable[str], kept: Iterable[Any]) -> None:
        """`files`: where they lie. Raises sqlite3.Error where one of them cannot be read."""
        for file in files:
            if os.path.exists(file):
                with contextlib.closing(_opened(file)) as source:
                    self._files[file] = _image_of(source)
        for connection in kept:
            with contextlib.suppress(sqlite3.ProgrammingError):  # another thread's
                self._kept.append((connection, _image_of(connection)))

    def put_back(self, files: Mapping[str, str], kept: Iterable[Any]) -> None:
        """`files` that were not there hold what they are copies of, or nothing; transactions of the connections that are `kept` by now
        have come to their end.

        Raises sqlite3.Error where somebody holds one of them."""
        for connection in kept:
            _let_go(connection)
        for file in dict.fromkeys((*self._files, *files)):
            if os.path.exists(file):
                if file not in self._files:
                    self._files[file] = _image_of_original(files[file], file)
                with contextlib.closing(_opened(file)) as target:
                    _restore(self._files[file], target)
        for connection, image in self._kept:
            if not is_closed(connection):
                back_up(image, connection)

    def close(self) -> None:
        for image in (*self._files.values(), *(image for _, image in self._kept)):
            image.close()


def _image_of(source: Any) -> sqlite3.Connection:
    """All that a connection's database holds. Raises sqlite3.Error."""
    image = sqlite3.Connection(MEMORY)
    try:
        back_up(source, image)
    except sqlite3.Error:
        image.close()
        raise
    return image


def _image_of_original(original: str, file: str) -> sqlite3.Connection:
    """What this file is a copy of; an empty one where it is none. Raises sqlite3.Error."""
    if original == file or not os.path.exists(original):
        return sqlite3.Connection(MEMORY)
    with contextlib.closing(sqlite3.Connection(f"{Path(original).as_uri()}?mode=ro", uri=True, timeout=0)) as source:
        return _image_of(source)


def _opened(file: str) -> sqlite3.Connection:
    connection = sqlite3.Connection(file, timeout=0, isolation_level=None)
    pragma(connection, "synchronous = OFF")
    return connection


def _let_go(connection: Any) -> None:
    """A transaction that was left open holds a lock."""
    with contextlib.suppress(sqlite3.Error):  # it is closed, or another thread's
        if connection.in_transaction:
            connection.rollback()


def _restore(image: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Raises sqlite3.Error."""
    try:
        back_up(image, target)
    except sqlite3.OperationalError:  # a cursor that nobody reads any more may hold it
        gc.collect()
        back_up(image, target)
