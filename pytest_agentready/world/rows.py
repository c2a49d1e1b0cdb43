"""How many rows a statement can give, by its words alone: a LIMIT, a key that names one row, a count of all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_agentready.domain import sql as text
from pytest_agentready.domain.sql import Word
from pytest_agentready.world.statements import Statement

# A column that names one row, in whatever table; `order_id` does in `orders`, and not in `items`.
KEY = re.compile(r"(?:id|uuid|guid|key|slug|email|sku|code|login|username)")
KEY_OF_TABLE = re.compile(r"(\w{2,})_(?:id|uuid|guid|key|code|no|number|sku)")
AGGREGATES = frozenset({
    "COUNT", "SUM", "AVG", "MIN", "MAX", "EXISTS", "BOOL_AND", "BOOL_OR", "EVERY", "STDDEV", "VARIANCE",
    "ARRAY_AGG", "STRING_AGG", "JSON_AGG", "JSONB_AGG", "JSON_ARRAYAGG", "GROUP_CONCAT", "TOTAL", "JSON_GROUP_ARRAY", "JSON_GROUP_OBJECT",
})  # fmt: skip
CONSTANT = re.compile(r"\s*SELECT\s+(?:\d+|'[^']*'|NULL|TRUE)\s+(?:AS\s+\w+\s+)?FROM\b", re.IGNORECASE)  # whether there is one
VALUES = ("parameter", "text", "number")


def at_most(statement: Statement, given: Sequence[object]) -> int | None:
    """The most rows that it can give, and never fewer than the backend gives; None where they have no bound."""
    bounds = [bound for bound in (_limit(statement), _of_one(statement)) if bound is not None]
    return max(len(given), min(bounds)) if bounds else None


def gives_one(statement: Statement) -> bool:
    """Does it give a single row by its nature, equal ones, or as many as its caller names? A LIMIT makes no single row of many."""
    return _of_one(statement) is not None or CONSTANT.match(statement.sql) is not None


def _limit(statement: Statement) -> int | None:
    """That of the statement itself, else the largest of those within it; 0 where there is one that cannot be read."""
    outer: list[int] = []
    inner: list[int] = []
    found = text.words(statement.sql)
    depth = 0
    for place, (kind, word) in enumerate(found):
        depth += (word == "(") - (word == ")")
        if kind == "word" and word in ("LIMIT", "FETCH"):
            number = _number(statement, found[place + 1 : place + 4], word)
            if number is not None:
                (inner if depth else outer).append(number)
    return max(outer or inner, default=None)


def _number(statement: Statement, after: tuple[Word, ...], opener: str) -> int | None:
    if opener == "FETCH":  # FIRST 10 ROWS ONLY, NEXT ROW ONLY; FORWARD 100 FROM a cursor
        return next((int(word) for kind, word in after[1:2] if kind == "number" and word.isdecimal()), 1 if after[1:2] else 0)
    if after and after[0][1] in ("ALL", "NULL"):
        return None
    shown = after[2:3] if after[1:2] == (("mark", ","),) else after[:1]  # MySQL's LIMIT 20, 10
    for kind, word in shown:
        value: object = word
        if kind == "parameter":
            place = int(word[1:]) - 1
            value = statement.params[place] if place < len(statement.params) else None
        if str(value).isdecimal():
            return int(str(value))
    return 0


def _of_one(statement: Statement) -> int | None:
    """1 where it gives a single row, 0 where as many as the caller names; None for a query of many."""
    found = list(_outermost(text.words(statement.sql)))
    words = [word if kind == "word" else "" for kind, word in found]
    if statement.verb == "INSERT":  # the rows that were inserted
        return 0
    if statement.verb == "SELECT" and "FROM" not in words:
        return 1
    if statement.verb == "SELECT" and "GROUP" not in words and "OVER" not in words and _is_of_all(text.words(statement.sql)):
        return 1
    return 1 if "JOIN" not in words and _names_a_row(found, words) else None


def _is_of_all(found: tuple[Word, ...]) -> bool:
    """Is one of the columns made of all rows, `COALESCE(SUM(total), 0)` say? SQLite's `MAX(a, b)` is made of one."""
    depth, inside = 0, False
    for place, (kind, word) in enumerate(found):
        depth += (word == "(") - (word == ")")
        if kind != "word":
            continue
        if depth == 0 and word == "SELECT":
            inside = True
        elif inside and (word == "SELECT" or (depth == 0 and word == "FROM")):
            return False
        elif (
            inside
            and word in AGGREGATES
            and found[place + 1 : place + 2] == (("mark", "("),)
            and not _has_several(found[place + 2 :], word)
        ):
            return True
    return False


def _has_several(after: tuple[Word, ...], function: str) -> bool:
    """Arguments, in a function that is none of all rows then."""
    if function not in ("MIN", "MAX"):
        return False
    depth = 0
    for _, word in after:
        depth += (word == "(") - (word == ")")
        if depth < 0 or (depth == 0 and word == ","):
            return depth == 0
    return False


def _outermost(found: tuple[Word, ...]) -> list[Word]:
    """The words outside of parentheses; of a parenthesis its opening."""
    outside, depth = [], 0
    for kind, word in found:
        depth -= word == ")"
        if depth == 0:
            outside.append((kind, word))
        depth += word == "("
    return outside


def _names_a_row(found: list[Word], words: list[str]) -> bool:
    if "WHERE" not in words or "OR" in words:
        return False
    opener = next((word for word in ("FROM", "UPDATE") if word in words), "")
    table = next((text.name_of(each) for each in found[words.index(opener) + 1 :] if each[0] in ("word", "quoted")), "") if opener else ""
    for place in range(words.index("WHERE") + 2, len(found) - 1):
        is_compared = found[place][1] == "=" and (found[place + 1][0] in VALUES or words[place + 1] == "ANY")
        if (is_compared or words[place] == "IN") and _is_key(text.name_of(found[place - 1]).lower(), table.lower()):
            return True
    return False


def _is_key(column: str, table: str) -> bool:
    if KEY.fullmatch(column):
        return True
    of_table = KEY_OF_TABLE.fullmatch(column)
    return of_table is not None and table.startswith(of_table[1][:-1]) and abs(len(table) - len(of_table[1])) <= 3
