"""What a statement assigns to its columns: whether the same once more would store something else.

It would, where the column that is assigned stands on the right of its own `=`, as in `n = 1 + n` or `tags = array_append(tags, 'a')`.
What only tidies a value (`lower(email)`, `coalesce(n, 0)`) gives the same again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_agentready.domain import sql
from pytest_agentready.domain.sql import Word

ENDS = frozenset({"WHERE", "FROM", "RETURNING", "ORDER", "LIMIT"})  # of the clause
OPERATORS = frozenset({"+", "-", "*", "/", "|", "^", "#", "&"})
SYNTAX = frozenset({
    "CASE", "WHEN", "THEN", "ELSE", "END", "AND", "OR", "NOT", "IN", "IS", "NULL", "AS", "SELECT", "FROM", "WHERE", "VALUES", "EXISTS",
    "BETWEEN", "LIKE",
})  # fmt: skip
# Functions that give the same again of what they have given.
TIDYING = frozenset({
    "LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM", "BTRIM", "INITCAP", "COALESCE", "IFNULL", "NVL", "GREATEST", "LEAST", "MAX", "MIN", "ABS",
    "ROUND", "FLOOR", "CEIL", "CEILING", "REPLACE", "CAST", "JSON_SET", "JSONB_SET", "JSON_REPLACE", "JSON_REMOVE", "JSON_PATCH",
    "JSON_MERGE_PATCH", "ARRAY_REMOVE", "JSON", "JSONB",
})  # fmt: skip
OFFERED = frozenset({"EXCLUDED", "NEW"})  # an upsert's names of the row that was to be inserted


def grows(statement: str) -> bool:
    """Does what it stores depend on what was there?"""
    return any(_depends_on_itself(left, right) for left, right in _assignments(sql.words(statement)))


def _assignments(found: Sequence[Word]) -> Iterator[tuple[Sequence[Word], Sequence[Word]]]:
    """What stands on both sides of each `=` behind a SET, or behind MySQL's ON DUPLICATE KEY UPDATE."""
    for place, word in enumerate(found):
        if word != ("word", "SET") and (word != ("word", "UPDATE") or place == 0 or found[place - 1] != ("word", "KEY")):
            continue
        for item in _items(found, place + 1):
            texts = [text for _, text in item]
            if "=" in texts:
                sign = texts.index("=")
                yield item[:sign], item[sign + 1 :]


def _items(found: Sequence[Word], place: int) -> Iterator[list[Word]]:
    item: list[Word] = []
    depth = 0
    for kind, text in found[place:]:
        depth += (text == "(") - (text == ")")
        if depth < 0 or (depth == 0 and (text == ";" or (kind == "word" and text in ENDS))):
            break
        if depth == 0 and text == ",":
            yield item
            item = []
        else:
            item.append((kind, text))
    yield item


def _depends_on_itself(left: Sequence[Word], right: Sequence[Word]) -> bool:
    names = [sql.name_of(word).lower() for word in left if word[0] in ("word", "quoted")]
    columns = set(names if left and left[0][1] == "(" else names[-1:])
    own = [place for place in range(len(right)) if _is_own(right, place, columns)]
    return bool(own) and (any(right[place - 1][1] == "NOT" for place in own if place) or any(_changes(right, n) for n in range(len(right))))


def _is_own(right: Sequence[Word], place: int, columns: set[str]) -> bool:
    """Is it the column itself, as it was? No function of its name, no table, and no value that was to be inserted."""
    if right[place][0] not in ("word", "quoted") or sql.name_of(right[place]).lower() not in columns:
        return False
    after = right[place + 1][1] if place + 1 < len(right) else ""
    before = [text.upper() for _, text in right[max(0, place - 2) : place]]
    if before[-1:] == ["."] and before[0] in OFFERED:
        return False
    return after not in ("(", ".") and before != ["VALUES", "("]


def _changes(right: Sequence[Word], place: int) -> bool:
    """An operator between two values, or a function that makes something new of what it gets."""
    kind, text = right[place]
    after = right[place + 1][1] if place + 1 < len(right) else ""
    if kind == "mark" and text in OPERATORS:
        before = right[place - 1] if place else ("mark", "(")
        return after != ">" and (before[0] in ("text", "quoted", "parameter", "number") or before[1] in (")", "]", "?") or _is_name(before))
    return kind in ("word", "quoted") and after == "(" and text not in SYNTAX and sql.name_of((kind, text)).upper() not in TIDYING


def _is_name(word: Word) -> bool:
    return word[0] == "word" and word[1] not in SYNTAX
