"""Calls of databases as users write them, with the truth about each."""

from __future__ import annotations

from typing import Any

import aiomysql
import asyncpg
import mysql.connector
import pg8000.dbapi
import pymysql

from tests.world.clients_of_services import BACKEND, CLIENTS, Client, client

__all__ = ["BACKEND", "CLIENTS", "Client"]

# --- PostgreSQL


@client(
    "shipped",
    connect="TimeoutError 60.0",
    accept="TimeoutError 60.0",
    response="stuck",
    trickle="endless",
    broken="ConnectionDoesNotExistError",
)
async def asyncpg_default() -> Any:
    connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop")
    return await connection.fetchval("SELECT state FROM orders WHERE id = $1", 7)


@client(
    "shipped",
    connect="TimeoutError 5.0",
    accept="TimeoutError 5.0",
    response="TimeoutError 5.0",
    trickle="TimeoutError 5.0",
    broken="ConnectionDoesNotExistError",
)
async def asyncpg_with_timeouts() -> Any:
    connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5, command_timeout=5)
    return await connection.fetchval("SELECT state FROM orders WHERE id = $1", 7)


@client(
    "shipped",
    connect="TimeoutError 5.0",
    accept="TimeoutError 5.0",
    response="TimeoutError 10.0",
    trickle="TimeoutError 10.0",
    broken="ConnectionDoesNotExistError",
)
async def asyncpg_pool() -> Any:
    async with asyncpg.create_pool("postgresql://app:secret@db.internal/shop", min_size=1, timeout=5, command_timeout=5) as pool:
        return await pool.fetchval("SELECT state FROM orders WHERE id = $1", 7)


# It does not catch what a read over TLS raises, and OpenSSL tells of a reset in its own ways.
PG8000_BROKEN = "InterfaceError or ConnectionResetError"


@client("shipped", connect="InterfaceError 127.0", accept="stuck", response="stuck", trickle="endless", broken=PG8000_BROKEN)
def pg8000_default() -> Any:
    connection = pg8000.dbapi.connect(user="app", password="secret", host="db.internal", database="shop")
    cursor = connection.cursor()
    cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
    return cursor.fetchone()[0]


@client(
    "shipped",
    connect="InterfaceError 5.0",
    accept="TimeoutError 5.0",
    response="TimeoutError 5.0",
    trickle="endless",
    broken=PG8000_BROKEN,
)
def pg8000_with_a_timeout() -> Any:
    connection = pg8000.dbapi.connect(user="app", password="secret", host="db.internal", database="shop", timeout=5)
    cursor = connection.cursor()
    cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
    return cursor.fetchone()[0]


# --- MySQL


@client(("shipped",), connect="OperationalError 10.0", accept="stuck", response="stuck", trickle="endless", broken="OperationalError")
def pymysql_default() -> Any:
    connection = pymysql.connect(host="db.internal", user="app", password="secret", database="shop")
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
        return cursor.fetchone()


@client(
    ("shipped",),
    connect="OperationalError 5.0",
    accept="OperationalError 5.0",
    response="OperationalError 5.0",
    trickle="endless",
    broken="OperationalError",
)
def pymysql_with_timeouts() -> Any:
    connection = pymysql.connect(
        host="db.internal", user="app", password="secret", database="shop", connect_timeout=5, read_timeout=5, write_timeout=5
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
        return cursor.fetchone()


@client(("shipped",), connect="OperationalError 127.0", accept="stuck", response="stuck", trickle="endless", broken="OperationalError")
async def aiomysql_default() -> Any:
    connection = await aiomysql.connect(host="db.internal", user="app", password="secret", db="shop")
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
        return await cursor.fetchone()


@client(
    ("shipped",), connect="ConnectionTimeoutError 127.0", accept="stuck", response="stuck", trickle="endless", broken="OperationalError"
)
def mysql_connector_pure() -> Any:
    connection = mysql.connector.connect(host="db.internal", user="app", password="secret", database="shop", use_pure=True)
    cursor = connection.cursor()
    cursor.execute("SELECT state FROM orders WHERE id = %s", (7,))
    return cursor.fetchone()
