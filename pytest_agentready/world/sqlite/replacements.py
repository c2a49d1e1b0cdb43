"""What takes the place of `sqlite3.connect`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from typing import Any

from pytest_agentready.world import active
from pytest_agentready.world.patching import Patch
from pytest_agentready.world.sqlite.databases import connect_for_real


def connect(database: Any, *args: Any, **kwargs: Any) -> Any:
    world = active.mine()
    if world is None:
        return connect_for_real(database, *args, **kwargs)
    return world.databases.connect(database, args, kwargs)


PAIRS: dict[int, tuple[Any, Any]] = {id(connect_for_real): (connect_for_real, connect)} if os.name == "posix" else {}


def patches() -> Iterator[Patch]:
    for owner in (sqlite3, sqlite3.dbapi2) if os.name == "posix" else ():
        yield Patch(owner, "connect", connect, connect_for_real)
