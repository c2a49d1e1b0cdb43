"""Tables that the code sees to once in the life of its process, behind a flag (`_ready`) or a cache: they are there in later runs, too.

Each run begins with a new copy of the database, and the flag is set by then: without this the table would be missing for ever after. Only
`CREATE ... IF NOT EXISTS` is kept: whoever says so finds it there as gladly.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3

PREPARING = re.compile(r"\s*create\s+[\w\s]*?\bif\s+not\s+exists\b", re.IGNORECASE)
_statements: dict[str, dict[str, None]] = {}  # by the path of their database


def is_known(place: str) -> bool:
    return place in _statements


def keep(place: str, statement: str) -> None:
    if PREPARING.match(statement):
        _statements.setdefault(place, {}).setdefault(statement)


def define_again(place: str, copy: str) -> None:
    """In the copy that a run has of this database."""
    if place not in _statements:
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.Connection(copy)) as connection:
        for statement in _statements[place]:
            with contextlib.suppress(sqlite3.Error):  # of a table that is there no more, say
                connection.execute(statement)
        connection.commit()
