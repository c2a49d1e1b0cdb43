"""AR303 of databases: whole transactions that are made again when the answer to their COMMIT is lost, beside such as may be."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pg8000.dbapi
import psycopg
import pymysql
import sqlalchemy
from sqlalchemy.exc import IntegrityError, OperationalError

from pytest_agentready.patterns.results import ToolResult
from pytest_agentready.world.statements import DatabaseError, Statement
from tests.corpus import labelled

LOST = ToolResult.permanent("The database did not answer; the row may be there. Look before you write it again.")
POSTGRES = {"postgresql://db.internal/shop": {"INSERT INTO payments": 1}}
MYSQL = {"mysql://db.internal/shop": {"INSERT INTO payments": 1}}
DATABASE = {"AR104": "failed"}  # a full or locked database is told like a lost one
OPTIONS = {"user": "app", "password": "secret", "host": "db.internal", "database": "shop"}
PLAIN = "INSERT INTO payments (invoice, cents) VALUES (%s, %s)"
UPSERT = f"{PLAIN} ON CONFLICT (invoice) DO NOTHING"
UPSERT_OF_MYSQL = f"{PLAIN} ON DUPLICATE KEY UPDATE cents = VALUES(cents)"


def by_pg8000(sql: str, *values: Any) -> None:
    with contextlib.closing(pg8000.dbapi.connect(**OPTIONS, timeout=2)) as connection:
        connection.cursor().execute(sql, values)
        connection.commit()


def by_pymysql(sql: str, *values: Any) -> None:
    with contextlib.closing(pymysql.connect(**OPTIONS, connect_timeout=2, read_timeout=2, write_timeout=2)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
        connection.commit()


def twice(work: Callable[..., None], *values: Any) -> ToolResult:
    """A second try, after whatever went wrong with the connection."""
    for last in (False, True):
        try:
            work(*values)
            return ToolResult.success("paid")
        except (pg8000.dbapi.InterfaceError, pymysql.OperationalError, OSError):
            if last:
                break
            time.sleep(0.2)
        except (pg8000.dbapi.Error, pymysql.Error):
            break
    return LOST


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"invoice": "A-17", "cents": 990}, backend=POSTGRES, kind="db", **DATABASE, AR302="failed", AR303="failed")
def pay_twice(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice."""
    return twice(by_pg8000, PLAIN, invoice, cents)


@labelled(args={"invoice": "A-17", "cents": 990}, backend=MYSQL, kind="db", **DATABASE, AR302="failed", AR303="failed")
def pay_twice_by_mysql(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice."""
    return twice(by_pymysql, PLAIN, invoice, cents)


engine = sqlalchemy.create_engine("postgresql+pg8000://app:secret@db.internal/shop", pool_pre_ping=True, connect_args={"timeout": 2})


@labelled(args={"invoice": "A-17", "cents": 990}, backend=POSTGRES, kind="db", **DATABASE, AR302="failed", AR303="failed")
def pay_by_an_engine(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice."""
    for _ in range(2):
        try:
            with engine.begin() as connection:
                connection.execute(
                    sqlalchemy.text("INSERT INTO payments (invoice, cents) VALUES (:invoice, :cents)"),
                    {"invoice": invoice, "cents": cents},
                )
            return ToolResult.success("paid")
        except (sqlalchemy.exc.DBAPIError, OSError):
            time.sleep(0.2)
    return LOST


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"invoice": "A-17", "cents": 990}, backend=POSTGRES, kind="db", **DATABASE, AR302="passed", AR303="passed")
def pay_twice_as_once(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice that is not paid yet."""
    return twice(by_pg8000, UPSERT, invoice, cents)


@labelled(args={"invoice": "A-17", "cents": 990}, backend=MYSQL, kind="db", **DATABASE, AR302="passed", AR303="passed")
def pay_twice_as_once_by_mysql(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice that is not paid yet."""
    return twice(by_pymysql, UPSERT_OF_MYSQL, invoice, cents)


@labelled(args={"invoice": "A-17", "cents": 990}, backend=POSTGRES, kind="db", **DATABASE, AR302="failed", AR303="passed")
def pay_once(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice: nobody tries again by himself."""
    try:
        by_pg8000(PLAIN, invoice, cents)
        return ToolResult.success("paid")
    except (pg8000.dbapi.Error, OSError):
        return LOST


def with_a_unique_invoice(statement: Statement) -> object:
    """A table that takes a row once in two minutes of the world: each run begins with an empty one."""
    if statement.verb != "INSERT" or any(value is None for value in statement.params):
        return 1
    now, invoice = time.time(), statement.params[0]
    if now - taken.get(invoice, 0.0) < 120:
        raise DatabaseError("duplicate key value violates unique constraint", "23505")
    taken[invoice] = now
    return 1


taken: dict[str, float] = {}


def insert(invoice: str, cents: int) -> ToolResult:
    for _ in range(2):
        try:
            with psycopg.connect("postgresql://app:secret@db.internal/shop?connect_timeout=2") as connection:
                connection.execute(PLAIN, (invoice, cents))
            return ToolResult.success("paid")
        except psycopg.errors.UniqueViolation:
            return ToolResult.success("paid before")
        except psycopg.Error:
            time.sleep(0.2)
    return LOST


@labelled(
    args={"invoice": "A-17", "cents": 990},
    backend={"postgresql://db.internal/shop": with_a_unique_invoice},
    kind="db",
    AR104="failed",
    AR202="failed",  # psycopg has no timeout for statements
    AR203="not_applicable",
    AR302="passed",
    AR303="passed",
)
def pay_a_unique_invoice(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice, of which the table has one row."""
    return insert(invoice, cents)


@labelled(args={"invoice": "A-17", "cents": 990}, backend=POSTGRES, kind="db", **DATABASE, AR302="unproven", AR303="unproven")
def pay_what_may_be_unique(invoice: str, cents: int) -> ToolResult:
    """Pay an invoice, of which the table has one row; the backend does not know that."""
    for _ in range(2):
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(PLAIN, (invoice, cents))
            return ToolResult.success("paid")
        except IntegrityError:
            return ToolResult.success("paid before")
        except (OperationalError, sqlalchemy.exc.DBAPIError, OSError):
            time.sleep(0.2)
    return LOST
