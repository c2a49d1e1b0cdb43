"""Connections to SQLite are found that a tool refers to, however long the process has lived and whatever else the tool refers to."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.pool import StaticPool

from pytest_agentready.domain import Outcome
from pytest_agentready.world import early
from tests.examining import as_tool, engine
from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE TABLE orders (item TEXT)")
        made.commit()
        yield made


def referred_to(connection: sqlite3.Connection) -> int:
    """How much a search of all that it refers to, and that refers to something itself, would have to look at."""
    return sum(len(held) if isinstance(held, (list, dict)) else 1 for held in gc.get_referents(connection))


def buying(connection: sqlite3.Connection) -> Callable[[], None]:
    def buy() -> None:
        with connection:
            connection.execute("INSERT INTO orders VALUES ('tea')")

    return buy


def test_a_connection_refers_to_no_more_after_hundreds_of_runs(connection: sqlite3.Connection) -> None:
    """What each run asks of it is forgotten. A search for other connections would get lost in what is not."""
    for _ in range(150):
        run = enter(buying(connection))
        assert [effect.verb for effect in run.local_effects] == ["INSERT"]
    assert referred_to(connection) < 300


def test_so_does_one_that_a_run_has_made() -> None:
    kept: list[sqlite3.Connection] = []

    def read() -> Any:
        if not kept:
            kept.append(sqlite3.connect(":memory:"))
        return kept[0].execute("SELECT 1").fetchone()

    for _ in range(150):
        assert enter(read).value == (1,)
    assert referred_to(kept[0]) < 300
    kept[0].close()


def behind(connection: Any, depth: int) -> Any:
    """Objects that hold each other, and the connection at last."""
    for _ in range(depth):
        connection = SimpleNamespace(held=connection)
    return connection


@pytest.mark.parametrize("frozen", [False, True])
def test_a_connection_is_found_behind_more_than_is_looked_through_for_names(connection: sqlite3.Connection, frozen: bool) -> None:
    holder, catalogue = behind(connection, 12), [[[number]] for number in range(early._MANY)]

    def buy() -> int:
        found = holder
        while isinstance(found, SimpleNamespace):
            found = found.held
        found.execute("INSERT INTO orders VALUES ('tea')")
        found.commit()
        return len(catalogue)

    if frozen:  # as servers do it before they fork
        gc.freeze()
    try:
        assert [effect.verb for effect in enter(buy).local_effects] == ["INSERT"]
    finally:
        if frozen:
            gc.unfreeze()
    assert connection.execute("SELECT * FROM orders").fetchall() == []


def test_an_engine_of_a_project_that_holds_a_lot_is_judged_as_that_of_a_small_one() -> None:
    made = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with made.begin() as first:
        first.execute(sqlalchemy.text("CREATE TABLE orders (customer TEXT, total INTEGER)"))
        first.execute(sqlalchemy.text("INSERT INTO orders VALUES ('ada', 12)"))
    shop = SimpleNamespace(engine=made, catalogue=[[[number]] for number in range(early._MANY)])

    def orders_of(customer: str) -> list[int]:
        """The orders of a customer."""
        with shop.engine.connect() as found:
            return [row.total for row in found.execute(sqlalchemy.text(f"SELECT total FROM orders WHERE customer = '{customer}'"))]

    verdict = engine().examine(as_tool(orders_of, {"args": {"customer": "ada"}}), engine().registry.check("AR906"))
    made.dispose()
    assert verdict.outcome is Outcome.FAILED, verdict.reason


class Lazy:
    """As Django's `settings` and its lazy objects: whoever asks for their class has them made."""

    made = False

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        Lazy.made = True
        raise RuntimeError("the settings are not configured")


def test_what_is_made_when_it_is_first_needed_is_not_made_by_the_look_at_it() -> None:
    settings = Lazy()
    settings.__dict__["holds"] = []  # so that the collector knows it

    def tool() -> bool:
        return settings is None

    assert enter(tool).value is False
    assert not Lazy.made
