"""SQLAlchemy over the drivers that the world sees: what it asks at first, its types, its pools."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, String, Table, create_engine, insert, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.world.entering import enter

ROW = {"id": 7, "state": "shipped", "total": decimal.Decimal("1.50"), "at": datetime.datetime(2026, 1, 2)}
BACKEND = {"postgresql://db.internal/shop": [ROW], "mysql://db.internal/shop": [ROW]}
ORDERS = Table(
    "orders",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("state", String(10)),
    Column("total", Numeric(10, 2)),
    Column("at", DateTime),
)
READ = select(ORDERS).where(ORDERS.c.id == 7, ORDERS.c.state.in_(["new", "shipped"]))


@pytest.mark.parametrize("url", ["postgresql+pg8000://app:secret@db.internal/shop", "mysql+pymysql://app:secret@db.internal/shop"])
def test_an_engine_reads_and_writes(url: str) -> None:
    def work() -> Any:
        with create_engine(url, pool_pre_ping=True).begin() as connection:
            rows = [dict(row) for row in connection.execute(READ).mappings()]
            state = connection.execute(text("SELECT state FROM orders WHERE id = :id"), {"id": 7}).scalar_one()
            return rows, state, connection.execute(insert(ORDERS).values(state="new", total=3)).inserted_primary_key[0]  # type: ignore[index]

    run = enter(work, backend=BACKEND)
    assert (run.value, run.raised) == (([ROW], "shipped", 7), None)
    assert [request.method for request in run.requests if request.is_write] == ["INSERT", "COMMIT"]


@pytest.mark.parametrize("url", ["postgresql+asyncpg://app:secret@db.internal/shop", "mysql+aiomysql://app:secret@db.internal/shop"])
def test_an_async_engine_reads_and_writes(url: str) -> None:
    async def work() -> Any:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            rows = [dict(row) for row in (await connection.execute(READ)).mappings()]
            key = (await connection.execute(insert(ORDERS).values(state="new", total=3))).inserted_primary_key
        await engine.dispose()
        return rows, key[0]  # type: ignore[index]

    run = enter(work, backend=BACKEND)
    assert (run.value, run.raised) == (([ROW], 7), None)
    assert [(request.method, request.committed) for request in run.requests if request.is_write] == [("INSERT", True), ("COMMIT", True)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+pg8000://app:secret@db.internal/shop",
        "postgresql+psycopg://app:secret@db.internal/shop",
        "postgresql+psycopg2://app:secret@db.internal/shop",
        "mysql+pymysql://app:secret@db.internal/shop",
    ],
)
def test_the_pool_of_an_engine_that_outlives_its_calls_serves_each_of_them(url: str) -> None:
    engine = create_engine(url)

    def work() -> Any:
        with engine.connect() as connection:
            return connection.execute(text("SELECT state FROM orders")).scalar_one()

    runs = [enter(work, backend=BACKEND) for _ in range(3)]
    assert [run.value for run in runs] == ["shipped"] * 3, [run.raised for run in runs]
    engine.dispose()


def test_what_is_in_use_as_a_run_ends_stays_and_so_does_a_database_in_memory() -> None:
    engine = create_engine("sqlite://")

    def write() -> None:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE notes (id INTEGER)"))
            connection.execute(text("INSERT INTO notes VALUES (7)"))

    def read() -> Any:
        with engine.connect() as connection:
            return connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one()

    write()
    assert [enter(read).value for _ in range(2)] == [1, 1]
    engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_connection_that_a_tool_keeps_says_in_the_next_run_that_it_is_closed(driver: str) -> None:
    module = pytest.importorskip(driver)
    kept: list[Any] = []

    def work() -> Any:
        if not kept or kept[-1].closed:
            kept.append(module.connect("postgresql://app:secret@db.internal/shop"))
        cursor = kept[-1].cursor()
        cursor.execute("SELECT state FROM orders")
        return cursor.fetchone()[0]

    runs = [enter(work, backend=BACKEND) for _ in range(3)]
    assert [run.value for run in runs] == ["shipped"] * 3, [run.raised for run in runs]
    assert len(kept) == 3
