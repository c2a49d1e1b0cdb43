"""What PostgreSQL says of itself when a driver asks: its settings, and the types that it has beside the commonest."""

from __future__ import annotations

from typing import Any

from pytest_agentready.domain import sql as text
from pytest_agentready.world.services import postgres_types as types
from pytest_agentready.world.services.sql import CATALOGUE, Result, setting_asked_for
from pytest_agentready.world.statements import Statement

SETTINGS = {
    "server_version": "16.4",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "IntervalStyle": "postgres",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
    "is_superuser": "off",
    "in_hot_standby": "off",
    "default_transaction_read_only": "off",
}
OTHER_SETTINGS = {
    "version": "PostgreSQL 16.4 on x86_64-pc-linux-gnu, compiled by gcc 12.2.0, 64-bit",
    "current_schema": "public",
    "transaction isolation level": "read committed",
    "search_path": '"$user", public',
    "pg_is_in_recovery": "f",
}


def to_driver(statement: Statement) -> Result:
    if "typeinfo_tree" in statement.sql:  # asyncpg wants to know the types of which it has no codec
        return _types(statement.params[0] if statement.params else None)
    if "current_setting" in statement.sql and (columns := text.selected(statement.sql)):
        return Result(tuple(name for name, _ in columns), (("off",) * len(columns),))
    name = setting_asked_for(statement.sql)
    if name is None:
        return Result()
    if CATALOGUE.search(statement.sql.replace("pg_catalog.version", "")):
        return Result(("name",))
    return Result((name.split(" ")[0],), ((_setting(name),),))


def _setting(name: str) -> str:
    known = {key.lower(): value for key, value in (SETTINGS | OTHER_SETTINGS).items()}
    return known.get(name, known.get(name.partition(" ")[0], ""))


def _types(numbers: Any) -> Result:
    rows = [_described(kind) for kind in types.BY_NUMBER.values() if numbers is None or kind.number in numbers]
    return Result(tuple(rows[0]) if rows else ("oid",), tuple(tuple(row.values()) for row in rows))


def _described(kind: types.Type) -> dict[str, Any]:
    item = types.item_of(kind)
    return {
        "oid": kind.number,
        "ns": "pg_catalog",
        "name": kind.names[0] if item is None else f"_{item.names[0]}",
        "kind": "b",
        "basetype": None,
        "elemtype": None if item is None else item.number,
        "elemdelim": ",",
        "range_subtype": None,
        "attrtypoids": None,
        "attrnames": None,
        "depth": 0,
        "basetype_name": None,
        "elemtype_name": None if item is None else item.names[0],
        "range_subtype_name": None,
    }
