"""A second connection to the same database, such as another process would have."""

from __future__ import annotations

from typing import Any

from pytest_agentready.world.sqlite.cursors import OF_THE_RUN
from pytest_agentready.world.sqlite.databases import Databases
from pytest_agentready.world.sqlite.states import is_in_memory
from pytest_agentready.world.sqlite.watched import Watched


def another(databases: Databases, connection: Any) -> Any:
    """As this one, and of the calling thread; itself where it leads to no file. Raises sqlite3.Error."""
    watch = next((watch for known, watch in databases.watches if known is connection), None)
    if watch is None or is_in_memory(watch.place):
        return connection
    older = next((one for one in databases.older if one.connection is connection), None)
    options = connection.options if older is None else older.options
    made: Watched = databases.connect(watch.place, (), {**options, "isolation_level": connection.isolation_level})
    made.row_factory, made.text_factory = connection.row_factory, connection.text_factory
    if isinstance(connection, Watched):
        made.settings.update(connection.settings)
        made.pragmas.update({name: sql for name, sql in connection.pragmas.items() if name not in OF_THE_RUN})
        made.set_again()
    return made
