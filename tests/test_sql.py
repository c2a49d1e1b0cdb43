"""What is read from a statement's text."""

from __future__ import annotations

import pytest

from pytest_agentready.domain import sql


@pytest.mark.parametrize(
    ("statement", "verb", "writes"),
    [
        ("select 1", "SELECT", False),
        ("-- why\nSELECT 'DELETE FROM orders'", "SELECT", False),
        ("/* DELETE */ INSERT INTO orders VALUES (1)", "INSERT", True),
        ("WITH late AS (SELECT id FROM orders) SELECT * FROM late", "SELECT", False),
        ("WITH late AS (SELECT id FROM orders) DELETE FROM orders USING late", "DELETE", True),
        ("WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone", "SELECT", True),
        ("SELECT * FROM orders FOR UPDATE", "SELECT", False),
        ("SELECT id INTO archive FROM orders", "SELECT", True),
        ("SELECT (SELECT max(id) FROM orders)", "SELECT", False),
        ("update orders set state = 'x'", "UPDATE", True),
        ("REPLACE INTO orders VALUES (1)", "REPLACE", True),
        ("CALL ship(7)", "CALL", True),
        ("BEGIN", "BEGIN", False),
        ("EXPLAIN DELETE FROM orders", "EXPLAIN", False),
        ("", "", False),
    ],
)
def test_the_verb_of_a_statement_and_whether_it_writes(statement: str, verb: str, writes: bool) -> None:
    assert (sql.verb(statement), sql.writes(statement)) == (verb, writes)


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("SELECT id, state FROM orders", [("id", "id"), ("state", "state")]),
        ("SELECT DISTINCT o.total AS amount, o.id FROM orders o", [("amount", "total"), ("id", "id")]),
        ("SELECT total amount FROM orders", [("amount", "total")]),
        ('SELECT "Total" FROM orders', [("Total", "Total")]),
        ("SELECT `total` FROM orders LIMIT 3", [("total", "total")]),
        ("SELECT count(*) FROM orders", [("count", "")]),
        ("SELECT max(total) AS top, state::text FROM orders", [("top", ""), ("state", "state")]),
        ("INSERT INTO orders (state) VALUES ('new') RETURNING id, state", [("id", "id"), ("state", "state")]),
        ("SELECT * FROM orders", None),
        ("SELECT o.* FROM orders o", None),
        ("UPDATE orders SET state = 'x'", None),
    ],
)
def test_the_columns_that_a_statement_names(statement: str, columns: list[tuple[str, str]] | None) -> None:
    assert sql.selected(statement) == columns


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("SELECT * FROM orders WHERE id = $1 AND o.state LIKE $2", {1: ("", "id"), 2: ("", "state")}),
        ("SELECT * FROM orders WHERE id = $1::int", {1: ("int", "id")}),
        ("SELECT CAST($1 AS date), $2::text[]", {1: ("date", ""), 2: ("text[]", "")}),
        ("SELECT * FROM orders LIMIT $1 OFFSET $2", {1: ("int8", ""), 2: ("int8", "")}),
        ("SELECT * FROM orders WHERE id = ANY($1)", {1: ("", "id[]")}),
        (
            "SELECT * FROM orders WHERE id IN ($1, $2) AND total BETWEEN $3 AND $4",
            {1: ("", "id"), 2: ("", "id"), 3: ("", "total"), 4: ("", "total")},
        ),
        ("SELECT * FROM orders WHERE state NOT IN ($1) AND $2 < total", {1: ("", "state"), 2: ("", "total")}),
        ("INSERT INTO orders (id, state) VALUES ($1, lower($2)), ($3, $4)", {1: ("", "id"), 2: ("", ""), 3: ("", "id"), 4: ("", "state")}),
        ("UPDATE orders SET state = $1, total = $2 WHERE id = $3", {1: ("", "state"), 2: ("", "total"), 3: ("", "id")}),
        ("SELECT '$1'", {}),
    ],
)
def test_what_the_parameters_of_a_statement_are(statement: str, parameters: dict[int, tuple[str, str]]) -> None:
    assert sql.parameters(statement) == parameters


def test_statements_are_split_where_a_semicolon_ends_them() -> None:
    assert sql.split("BEGIN; INSERT INTO notes VALUES ('a;b') -- ; no\n; COMMIT;") == [
        "BEGIN",
        "INSERT INTO notes VALUES ('a;b') -- ; no",
        "COMMIT",
    ]
    assert sql.split(" ; -- nothing") == []


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT 1 WHERE name = 'x' OR 'ZZ'='ZZ' OR ''", True),
        ("SELECT 1 ORDER BY name, 'ZZ'='ZZ'", True),
        ("SELECT * FROM orders WHERE 'ZZ'='ZZ' -- ", True),
        ("SELECT 1 WHERE name = 'x\\'' OR ZZ = 1 -- '", True),
        ("SELECT 1 WHERE name = 'x'' OR ''ZZ''=''ZZ'' OR '''", False),
        ("SELECT 1 ORDER BY \"name, 'ZZ'='ZZ'\"", False),
        ("SELECT 1 ORDER BY [name, 'ZZ'='ZZ']", False),
        ("SELECT a[1], 'ZZ'='ZZ'", True),
        ("SELECT 1 WHERE name = 'ZZ'", False),
        ("SELECT 1 WHERE name = $1 -- x' OR 'ZZ'='ZZ' OR '", False),
        ("SELECT 1", False),
    ],
)
def test_a_mark_is_code_where_it_is_a_part_of_the_statement(statement: str, code: bool) -> None:
    assert sql.is_code(statement, "ZZ") is code


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("INSERT INTO orders (a) VALUES (1)", ("orders",)),
        ('insert or replace into "My Orders" values (1)', ("my orders",)),
        ("UPDATE ONLY shop.orders SET a = 1 FROM x", ("shop.orders",)),
        ("DELETE FROM orders WHERE id IN (SELECT id FROM x)", ("orders",)),
        ("CREATE UNIQUE INDEX i ON orders (a)", ("orders",)),
        ("CREATE TABLE IF NOT EXISTS `x` (a int)", ("x",)),
        ("DROP TABLE IF EXISTS a, b", ("a", "b")),
        ("TRUNCATE a, b", ("a", "b")),
        ("WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone", ("a", "b")),
        ("INSERT INTO a SELECT REPLACE(x, '1', '2') FROM b ON CONFLICT (id) DO UPDATE SET a = 1", ("a",)),
        ("REPLACE INTO t VALUES (1)", ("t",)),
        ("MERGE INTO t USING s ON true", ("t",)),
        ("-- INSERT INTO a\nDELETE FROM b", ("b",)),
        ("SELECT * FROM t FOR UPDATE", ()),
        ("SELECT 'DELETE FROM t'", ()),
    ],
)
def test_the_tables_that_a_statement_writes_to(statement: str, tables: tuple[str, ...]) -> None:
    assert sql.tables(statement) == tables
