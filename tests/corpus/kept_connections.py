"""Tools whose engine or connection lives in a module, or in the tool's own object, and is there again in the next call."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy

from pytest_agentready.patterns.results import ToolResult

from . import labelled

ROWS = {"postgresql://db.internal/shop": [{"name": "cup"}, {"name": "tea"}]}
ENGINE = sqlalchemy.create_engine("postgresql+pg8000://app:secret@db.internal/shop", connect_args={"timeout": 4})


def _names(order: str) -> ToolResult:
    try:
        with ENGINE.connect() as connection:
            rows = connection.execute(sqlalchemy.text(f"SELECT name FROM items {order} LIMIT 20")).scalars().all()
        return ToolResult.success([str(row)[:80] for row in rows])
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError):
        return ToolResult.transient("The shop's database could not be reached.")
    except sqlalchemy.exc.DBAPIError as error:
        return ToolResult.transient("The shop's database could not be reached.") if error.connection_invalidated else refused()
    except OSError:
        return ToolResult.transient("The shop's database could not be reached.")


def refused() -> ToolResult:
    return ToolResult.permanent("The shop's database refuses that.")


@labelled(args={}, backend=ROWS, kind="db", AR301="passed", AR302="not_applicable", AR304="failed")
def names_by_an_engine() -> ToolResult:
    """What there is, as the database has it."""
    return _names("")


@labelled(args={}, backend=ROWS, kind="db", AR301="passed", AR302="not_applicable", AR304="not_applicable")
def names_in_order_by_an_engine() -> ToolResult:
    """What there is, by name."""
    return _names("ORDER BY name")


class Shop:
    """A connection for all calls, made where there is none, or no longer one."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def rows(self, order: str) -> list[str]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                "postgresql://app:secret@db.internal/shop?connect_timeout=4&options=-cstatement_timeout%3D4000", autocommit=True
            )
        return [str(row[0])[:80] for row in self._connection.execute(f"SELECT name FROM items {order} LIMIT 20".encode()).fetchall()]


SHOP = Shop()


@labelled(
    args={}, backend=ROWS, kind="db", AR202="failed", AR203="not_applicable", AR301="passed", AR304="failed"
)  # a statement may take for ever
def names_by_a_kept_connection() -> ToolResult:
    """What there is, as the database has it."""
    try:
        return ToolResult.success(SHOP.rows(""))
    except psycopg.OperationalError:
        return ToolResult.transient("The shop's database could not be reached.")
    except psycopg.Error:
        return refused()
