"""Connections that lie idle in SQLAlchemy's pools as a run ends: the pool of an engine that lives in a module outlives every call.

In production the next call finds them alive. Here their server is gone with its world, and the next call would fail, where in life
none does; so they are taken out of their pool, which connects anew, as it does with `pool_recycle`. Connections that are in use stay,
and so do those of SQLite, which are led to the next run's copy.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import re
import sys
import weakref
from collections.abc import Iterator
from typing import Any

# The modules in which connections over the network are defined: the drivers' own, and SQLAlchemy's for asynchronous ones.
DRIVERS = re.compile(r"(?:sqlalchemy\.dialects\.(?:postgresql|mysql)|psycopg\w*|pg8000|pymysql|mysql|MySQLdb|mariadb)(?:\.|$)")
MODULE = "sqlalchemy.pool.base"
RECORD = "_ConnectionRecord"  # what a pool keeps for each connection


@contextlib.contextmanager
def idle_ones_let_go() -> Iterator[None]:
    made: weakref.WeakSet[Any] = weakref.WeakSet()

    def remember(_connection: object, record: object) -> None:
        made.add(record)

    pool = getattr(sys.modules.get(MODULE), "Pool", None)
    if pool is not None:
        sys.modules["sqlalchemy.event"].listen(pool, "connect", remember)
    try:
        yield
    finally:
        if pool is not None:
            sys.modules["sqlalchemy.event"].remove(pool, "connect", remember)
        elif MODULE in sys.modules:  # the run has imported it
            made.update(each for each in gc.get_objects() if type(each).__name__ == RECORD and type(each).__module__ == MODULE)
        _let_go(list(made))


def _let_go(records: list[Any]) -> None:
    idle = [record for record in records if _is_remote(record.dbapi_connection) and not record.in_use]
    if not idle:
        return
    former = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the pool would complain that nobody answers its farewell
    try:
        for record in idle:
            with contextlib.suppress(Exception):  # a driver's own
                record.invalidate()
    finally:
        logging.disable(former)


def _is_remote(connection: object) -> bool:
    return DRIVERS.match(type(connection).__module__) is not None
