"""AR906: tools that put what they are told into code, beside tools that hand it over as data, or whose purpose is to run code."""

from __future__ import annotations

import ast
import asyncio
import base64
import json
import operator
import os
import pickle
import re
import shlex
import sqlite3
import subprocess
from typing import Any

import asyncpg
import psycopg
import pymysql
import sqlalchemy
import yaml
from sqlalchemy import text

from pytest_agentready.patterns.results import ToolResult

from . import labelled

LOCAL = dict.fromkeys(("AR102", "AR103", "AR104", "AR202", "AR203", "AR904"), "not_applicable")
# What the program says is taken for a success, however it ends.
CARELESS = {"AR103": "failed", "AR104": "not_applicable"}
UNREAD = {**CARELESS, "AR202": "unproven", "AR203": "unproven"}  # who reads from it waits where nobody sees it
RAISING = {**CARELESS, "AR102": "failed"}  # and its timeout leaves the tool
ENDLESS = {**CARELESS, "AR202": "failed", "AR203": "not_applicable"}
SHOP = sqlite3.connect(":memory:", check_same_thread=False)
SHOP.executescript("CREATE TABLE items (name TEXT, price INTEGER); INSERT INTO items VALUES ('mug', 9), ('cup', 7);")
ENGINE = sqlalchemy.create_engine("sqlite:///:memory:", poolclass=sqlalchemy.pool.StaticPool, connect_args={"check_same_thread": False})
with ENGINE.begin() as first:
    first.execute(text("CREATE TABLE orders (customer TEXT, total INTEGER)"))
    first.execute(text("INSERT INTO orders VALUES ('ada', 12)"))
POSTGRES = {"postgresql://db.internal/crm": [{"id": 7, "name": "Ada"}]}
MYSQL = {"mysql://db.internal/crm": [{"id": 7, "name": "Ada"}]}


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"host": "example.com"}, backend={}, **RAISING, AR906="failed")
def ping(host: str) -> ToolResult:
    """Is a host there?"""
    done = subprocess.run(f"ping -c 1 {host}", shell=True, capture_output=True, timeout=5, check=False)
    return ToolResult.success(done.stdout.decode())


@labelled(args={"pattern": "TODO"}, backend={}, **UNREAD, AR906="failed")  # a double quote, or $(...), ends the quotes
def find_in_code(pattern: str) -> ToolResult:
    """Lines that match."""
    with os.popen(f'grep -rn "{pattern}" src') as found:
        return ToolResult.success(found.read())


@labelled(args={"branch": "main"}, backend={}, **ENDLESS, AR906="failed")  # what takes a semicolon out leaves $(...) in
async def log_of(branch: str) -> ToolResult:
    """What has been committed."""
    process = await asyncio.create_subprocess_exec("bash", "-lc", f"git log {branch.replace(';', '').replace('|', '')}", stdout=-1)
    out, _ = await process.communicate()
    return ToolResult.success(out.decode())


@labelled(args={"name": "mug"}, backend={}, **LOCAL, AR906="failed")
def price_of(name: str) -> ToolResult:
    """What an article costs."""
    try:
        return ToolResult.success(SHOP.execute(f"SELECT price FROM items WHERE name LIKE '%{name}%' LIMIT 5").fetchall())
    except sqlite3.Error:
        return ToolResult.permanent("There is no such article.")


@labelled(args={"order_by": "price"}, backend={}, **LOCAL, AR906="failed")  # the values are parameters, the column is not
def articles(order_by: str, at_most: int = 100) -> ToolResult:
    """All articles, in an order."""
    try:
        return ToolResult.success(SHOP.execute(f"SELECT name FROM items WHERE price < ? ORDER BY {order_by}", (at_most,)).fetchall())
    except sqlite3.Error:
        return ToolResult.permanent("There is no such column.")


@labelled(args={"table": "items"}, backend={}, **LOCAL, AR906="failed")  # whatever else it says, it is no statement any more
def columns_of(table: str) -> ToolResult:
    """The columns of a table."""
    try:
        return ToolResult.success([column[1] for column in SHOP.execute(f"PRAGMA table_info({table})")])
    except sqlite3.Error:
        return ToolResult.permanent("There is no such table.")


@labelled(args={"customer": "ada"}, backend={}, **LOCAL, AR906="failed")
def orders_of(customer: str) -> ToolResult:
    """The orders of a customer."""
    try:
        with ENGINE.connect() as connection:
            rows = connection.execute(text(f"SELECT total FROM orders WHERE customer = '{customer}'"))
            return ToolResult.success([row.total for row in rows])
    except sqlalchemy.exc.SQLAlchemyError:
        return ToolResult.permanent("There is no such customer.")


@labelled(args={"name": "Ada"}, backend=POSTGRES, kind="db", AR202="failed", AR203="not_applicable", AR906="failed")
def customer(name: str) -> ToolResult:
    """A customer, by name."""
    try:
        with psycopg.connect(
            "postgresql://app:secret@db.internal/crm", connect_timeout=2, options="-c statement_timeout=2000"
        ) as connection:
            return ToolResult.success(connection.execute(f"SELECT id, name FROM customers WHERE name = '{name}'").fetchall())
    except (psycopg.Error, ValueError):
        return ToolResult.transient("The customers cannot be reached.")


@labelled(args={"name": "Ada"}, backend=MYSQL, kind="db", AR906="failed")  # to MySQL a backslash escapes the first of two quotes
def customer_with_doubled_quotes(name: str) -> ToolResult:
    """A customer, by name."""
    try:
        connection = pymysql.connect(
            host="db.internal", user="app", password="secret", database="crm", connect_timeout=2, read_timeout=2, write_timeout=2
        )
        try:
            with connection.cursor() as cursor:
                escaped = name.replace("'", "''")
                cursor.execute(f"SELECT id, name FROM customers WHERE name = '{escaped}'")
                return ToolResult.success(cursor.fetchall())
        finally:
            connection.close()
    except (pymysql.Error, OSError, ValueError):
        return ToolResult.transient("The customers cannot be reached.")


@labelled(args={"expression": "2 + 2"}, backend={}, **LOCAL, AR906="failed")  # no builtins are no protection
def calculate(expression: str) -> ToolResult:
    """Calculate."""
    try:
        return ToolResult.success(eval(expression, {"__builtins__": {}}))
    except Exception:
        return ToolResult.permanent("That cannot be calculated.")


@labelled(args={"state": base64.b64encode(pickle.dumps({"page": 1})).decode()}, backend={}, **LOCAL, AR906="failed")
def go_on(state: str) -> ToolResult:
    """Go on with a list where it was left."""
    try:
        return ToolResult.success(pickle.loads(base64.b64decode(state)))
    except Exception:
        return ToolResult.permanent("That is no state.")


# --- look-alikes without it ----------------------------------------------------------------------------------------------


@labelled(args={"host": "example.com"}, backend={}, **RAISING, AR906="passed")
def ping_without_a_shell(host: str) -> ToolResult:
    """Is a host there?"""
    return ToolResult.success(subprocess.run(["ping", "-c", "1", "--", host], capture_output=True, timeout=5, check=False).stdout.decode())


@labelled(args={"pattern": "TODO"}, backend={}, **UNREAD, AR906="passed")
def find_in_code_with_quotes(pattern: str) -> ToolResult:
    """Lines that match."""
    with os.popen(f"grep -rn -- {shlex.quote(pattern)} src") as found:
        return ToolResult.success(found.read())


@labelled(args={"name": "mug cup"}, backend={}, **LOCAL, AR906="passed")  # as many conditions as words, and all of them parameters
def prices_of(name: str) -> ToolResult:
    """What articles cost."""
    names = name.split()
    marks = " OR ".join("name LIKE ?" for _ in names) or "1"
    return ToolResult.success(SHOP.execute(f"SELECT price FROM items WHERE {marks}", [f"%{each}%" for each in names]).fetchall())


@labelled(args={"order_by": "price"}, backend={}, **LOCAL, AR906="passed")
def articles_by_a_known_column(order_by: str) -> ToolResult:
    """All articles, in an order."""
    if order_by not in ("name", "price"):
        return ToolResult.permanent("order_by is name or price.")
    return ToolResult.success(SHOP.execute(f"SELECT name FROM items ORDER BY {order_by}").fetchall())


NOTES = sqlite3.connect(":memory:", check_same_thread=False)
NOTES.executescript("CREATE VIRTUAL TABLE notes USING fts5 (body); INSERT INTO notes VALUES ('red mug'), ('blue cup');")


@labelled(args={"words": "mug"}, backend={}, **LOCAL, AR906="passed")  # a question of the search breaks, and not the statement
def notes_with(words: str) -> ToolResult:
    """Notes in which these words stand."""
    try:
        found = NOTES.execute("SELECT body FROM notes WHERE notes MATCH ? ORDER BY rank", (words,)).fetchall()
        return ToolResult.success([body for (body,) in found])
    except sqlite3.Error as error:
        return ToolResult.permanent(f"The words make no question: {error}")


@labelled(args={"customer": "ada"}, backend={}, **LOCAL, AR906="passed")
def orders_of_a_customer(customer: str) -> ToolResult:
    """The orders of a customer."""
    with ENGINE.connect() as connection:
        rows = connection.execute(text("SELECT total FROM orders WHERE customer = :customer"), {"customer": customer})
        return ToolResult.success([row.total for row in rows])


@labelled(args={"name": "Ada"}, backend=POSTGRES, kind="db", AR906="passed")
async def customer_by_a_parameter(name: str) -> ToolResult:
    """A customer, by name."""
    try:
        connection = await asyncpg.connect("postgresql://app:secret@db.internal/crm", timeout=2, command_timeout=2)
        try:
            return ToolResult.success([dict(row) for row in await connection.fetch("SELECT id, name FROM customers WHERE name = $1", name)])
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, asyncio.TimeoutError):
        return ToolResult.transient("The customers cannot be reached.")


@labelled(args={"name": "Ada"}, backend=MYSQL, kind="db", AR906="passed")  # the client escapes it
def customer_by_pymysql(name: str) -> ToolResult:
    """A customer, by name."""
    try:
        connection = pymysql.connect(
            host="db.internal", user="app", password="secret", database="crm", connect_timeout=2, read_timeout=2, write_timeout=2
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT id, name FROM customers WHERE name = %s", (name,))
                return ToolResult.success(cursor.fetchall())
        finally:
            connection.close()
    except (pymysql.Error, OSError, ValueError):
        return ToolResult.transient("The customers cannot be reached.")


OPERATORS: dict[type, Any] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


def value_of(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return float(OPERATORS[type(node.op)](value_of(node.left), value_of(node.right)))
    raise ValueError("only sums and products can be calculated")


@labelled(args={"expression": "2 + 2"}, backend={}, **LOCAL, AR906="not_applicable")  # it is parsed, and nothing is evaluated
def calculate_a_sum(expression: str) -> ToolResult:
    """Calculate."""
    try:
        return ToolResult.success(value_of(ast.parse(expression, mode="eval").body))
    except (ValueError, SyntaxError):
        return ToolResult.permanent("That cannot be calculated.")


@labelled(args={"expression": "2 + 2"}, backend={}, **LOCAL, AR906="passed")
def calculate_digits(expression: str) -> ToolResult:
    """Calculate."""
    if not re.fullmatch(r"[\d+\-*/(). ]{1,40}", expression):
        return ToolResult.permanent("Only digits and operators.")
    try:
        return ToolResult.success(eval(expression))
    except (SyntaxError, ArithmeticError, TypeError):
        return ToolResult.permanent("That cannot be calculated.")


@labelled(args={"settings": "colour: blue"}, backend={}, **LOCAL, AR906="passed")
def read_settings(settings: str) -> ToolResult:
    """Read settings in YAML."""
    try:
        return ToolResult.success(json.loads(json.dumps(yaml.safe_load(settings))))
    except (yaml.YAMLError, TypeError, ValueError):
        return ToolResult.permanent("That is no YAML.")


@labelled(args={"query": "SELECT name FROM items"}, backend={}, **LOCAL, AR906="not_applicable")  # running it is what it is for
def query_shop(query: str) -> ToolResult:
    """Run a statement in the shop's database."""
    try:
        return ToolResult.success(SHOP.execute(query).fetchall())
    except sqlite3.Error:
        return ToolResult.permanent("That is no statement of SQL.")


@labelled(args={"command": "ls"}, backend={}, **RAISING, AR906="not_applicable")
def run_command(command: str) -> ToolResult:
    """Run a command."""
    return ToolResult.success(subprocess.run(command, shell=True, capture_output=True, timeout=5, check=False).stdout.decode())
