"""Statements that SQLite could not even prepare: no trace tells of them, but sqlite3 makes an exception, whoever catches it."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

# As SQLite's own grammar fails. A full text search has words of its own for its questions, and a path in JSON, too.
OF_THE_GRAMMAR = re.compile(
    r'near ".*": syntax error|unrecognized token: .*|incomplete input|You can only execute one statement at a time\.', re.DOTALL
)
KINDS: tuple[Any, ...] = (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.Warning)


@contextlib.contextmanager
def told(hear: Callable[[str], None]) -> Iterator[None]:
    """For as long as the context is open, of each statement that does not fit the grammar: what sqlite3 says of it."""

    def made(self: Exception, *args: Any) -> None:
        Exception.__init__(self, *args)
        if args and isinstance(args[0], str) and OF_THE_GRAMMAR.fullmatch(args[0]):
            hear(args[0])

    before = [(kind, vars(kind).get("__init__")) for kind in KINDS]
    for kind in KINDS:
        kind.__init__ = made
    try:
        yield
    finally:
        for kind, own in before:
            if own is None:
                del kind.__init__
            else:
                kind.__init__ = own
