"""What can be read from a statement's text without knowing the database: its verb, its columns, what its parameters are.

No parser: a look at the words outside of quotes and comments, in their order. What it cannot tell it leaves open.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator

_WORDS = re.compile(
    r"""--[^\n]*|/\*.*?\*/                                   # comments
    |(?P<text>'(?:[^'\\]|''|\\.)*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
    |(?P<parameter>\$\d+)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<mark>::|<=|>=|<>|!=|\S)""",
    re.VERBOSE | re.DOTALL,
)
WRITES = frozenset({
    "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE", "CREATE", "DROP", "ALTER", "COPY", "CALL", "DO", "GRANT", "REVOKE",
    "LOAD", "RENAME", "NOTIFY", "REFRESH", "COMMENT",
})  # fmt: skip
VERBS = (
    *sorted(WRITES), "SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "BEGIN", "START", "COMMIT", "END", "ROLLBACK",
    "SAVEPOINT", "RELEASE", "SET", "RESET", "USE", "LOCK", "FETCH",
)  # fmt: skip
_COMPARISONS = frozenset({"=", "<", ">", "<=", ">=", "<>", "!=", "LIKE", "ILIKE", "IN", "BETWEEN"})
# Between a column and the parameter that it is compared with: `= ANY($1)`, `IN ($1, $2)`, `BETWEEN $1 AND $2`, `NOT LIKE $1`.
_BETWEEN = frozenset({"(", ",", "ANY", "ALL", "SOME", "NOT", "AND"})
_KEYWORDS = frozenset({
    "WHERE", "AND", "OR", "NOT", "ON", "SET", "WHEN", "THEN", "ELSE", "SELECT", "RETURNING", "HAVING", "BY", "USING", "VALUES", "FROM",
})  # fmt: skip
Word = tuple[str, str]  # kind ("word", "text", "quoted", "parameter", "number", "mark") and text; a word is in upper case


@functools.lru_cache(maxsize=512)
def words(sql: str) -> tuple[Word, ...]:
    return tuple(_read(sql))


def _read(sql: str) -> Iterator[Word]:
    for match in _WORDS.finditer(sql):
        kind = match.lastgroup if match.lastgroup != "tag" else "text"
        if kind is not None:
            text = match.group()
            yield kind, text.upper() if kind == "word" else text


def is_code(sql: str, mark: str) -> bool:
    """Does `'mark' = 'mark'`, or the mark as a word of its own, stand in it as a part of the statement, and not within a value?

    `[order by]` is a name in quotes, as SQLite has it.
    """
    if mark not in sql:
        return False
    found = words(sql)
    bracketed = False
    for place, (kind, text) in enumerate(found):
        bracketed = text == "[" or (bracketed and text != "]")
        if bracketed:
            continue
        if kind == "word" and text == mark.upper():
            return True
        if [text for _, text in found[place : place + 3]] == [f"'{mark}'", "=", f"'{mark}'"]:
            return True
    return False


def verb(sql: str) -> str:
    """SELECT, INSERT, ...; that of the statement itself where it begins with WITH; "" where there is none."""
    depth = 0
    first = ""
    for kind, text in words(sql):
        depth += (text == "(") - (text == ")")
        if kind != "word":
            continue
        first = first or text
        if first != "WITH":
            return first
        if depth == 0 and text in ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"):
            return text
    return first


def writes(sql: str) -> bool:
    """Does it change the database? In a WITH, too: `WITH gone AS (DELETE ...) SELECT ...`."""
    if verb(sql) in WRITES:
        return True
    found = words(sql)
    opened = {text for (_, before), (_, text) in itertools.pairwise(found) if before == "("}
    return bool(opened & {"INSERT", "UPDATE", "DELETE", "MERGE"}) or (verb(sql) == "SELECT" and ("word", "INTO") in found)


def tables(sql: str) -> tuple[str, ...]:
    """The tables that a statement writes to, as far as its text tells, without their quotes and in lower case: `shop.orders`."""
    found = words(sql)
    named: dict[str, None] = {}
    for place, (kind, word) in enumerate(found):
        if kind != "word" or word not in _OPENERS or not _opens(found, place):
            continue
        for name in _names(found, place + 1, several=word in ("DROP", "TRUNCATE")):
            named.setdefault(name)
    return tuple(named)


# The verbs of writes, and what may stand between them and the name of the table.
_OPENERS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE", "CREATE", "DROP", "ALTER", "COPY", "LOAD", "REFRESH"})
_FILLERS = frozenset({
    "INTO", "FROM", "ONLY", "TABLE", "IF", "NOT", "EXISTS", "OR", "REPLACE", "IGNORE", "ABORT", "FAIL", "ROLLBACK", "TEMP",
    "TEMPORARY", "UNLOGGED", "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "QUICK", "MATERIALIZED", "VIEW", "CONCURRENTLY", "UNIQUE",
    "GLOBAL", "LOCAL", "VIRTUAL",
})  # fmt: skip
_BEFORE_AN_INDEX_ON = frozenset({"INDEX", "TRIGGER"})


def _opens(found: tuple[Word, ...], place: int) -> bool:
    """Does a statement begin here, or one within a WITH?"""
    before = found[place - 1] if place else ("mark", ";")
    if before[1] in ("(", ";", ")") and found[place][1] != "REPLACE":
        return True
    return before[1] == ";" or place == 0


def _names(found: tuple[Word, ...], place: int, *, several: bool) -> Iterator[str]:
    while place < len(found) and found[place][0] == "word" and found[place][1] in _FILLERS:
        place += 1
    if place < len(found) and found[place][1] in _BEFORE_AN_INDEX_ON:  # CREATE INDEX name ON table
        on = next((number for number in range(place, len(found)) if found[number][1] == "ON"), None)
        if on is None:
            return
        place = on + 1
    while place < len(found) and found[place][0] in ("word", "quoted"):
        parts = [name_of(found[place])]
        while place + 2 < len(found) and found[place + 1][1] == "." and found[place + 2][0] in ("word", "quoted"):
            parts.append(name_of(found[place + 2]))
            place += 2
        yield ".".join(parts).lower()
        if not several or place + 1 >= len(found) or found[place + 1][1] != ",":
            return
        place += 2


def gives_rows(sql: str) -> bool:
    return verb(sql) not in WRITES or ("word", "RETURNING") in words(sql)


def split(sql: str) -> list[str]:
    """The statements of a text, without their semicolons."""
    parts, start = [], 0
    for match in _WORDS.finditer(sql):
        if match.lastgroup == "mark" and match.group() == ";":
            parts.append(sql[start : match.start()])
            start = match.end()
    return [part.strip() for part in [*parts, sql[start:]] if words(part)]


def folded(sql: str) -> str:
    """For comparing: white space and case do not count."""
    return " ".join(sql.split()).rstrip("; ").casefold()


def selected(sql: str) -> list[tuple[str, str]] | None:
    """The columns that it gives, each as (name in the result, column that it comes from or ""); None where they are not named (`*`)."""
    opener = "SELECT" if verb(sql) == "SELECT" else "RETURNING"
    columns: list[tuple[str, str]] = []
    item: list[Word] = []
    depth, inside = 0, False
    for kind, text in (*words(sql), ("word", "FROM")):
        depth += (text == "(") - (text == ")")
        if not inside:
            inside = depth == 0 and kind == "word" and text == opener
        elif depth == 0 and (text in (",", ";") or (kind == "word" and text in ("FROM", "INTO", "LIMIT", "WHERE"))):
            columns.append(_column(item))
            item = []
            if text not in (",", ";"):
                break
        elif not (kind == "word" and text in ("DISTINCT", "ALL") and not item):
            item.append((kind, text))
    return None if not columns or any(name == "*" for name, _ in columns) else columns


def _column(item: list[Word]) -> tuple[str, str]:
    """`o.total AS amount` is amount, from total; `count(*)` is count, from nothing."""
    if not item:
        return "*", ""
    source = ""
    plain = [word for word in item if word[0] in ("word", "quoted")]
    if item[-1][1] == "*":
        return "*", ""
    named = [text for _, text in item]
    if "::" in named:  # total::text
        named, item = named[: named.index("::")], item[: named.index("::")]
    if all(
        kind in ("word", "quoted") or text == "." for kind, text in item[: item.index(("word", "AS")) if ("word", "AS") in item else None]
    ):
        before = item[: item.index(("word", "AS"))] if ("word", "AS") in item else item
        source = name_of(before[-1]) if len(before) != 2 else name_of(before[0])  # `total amount` has an alias, too
    if ("word", "AS") in item or (len(item) > 1 and item[-1][0] in ("word", "quoted") and item[-2][1] != "."):
        return name_of(item[-1]), source
    return source or (name_of(plain[0]) if plain else "?column?"), source


def name_of(word: Word) -> str:
    kind, text = word
    return text[1:-1] if kind == "quoted" else text.lower()


def parameters(sql: str) -> dict[int, tuple[str, str]]:
    """For each `$n`: the type that it is cast to, or "", and the column that it is compared with or stored in, or ""."""
    found = words(sql)
    stored = _stored(found)
    known: dict[int, tuple[str, str]] = {}
    for place, (kind, text) in enumerate(found):
        if kind != "parameter":
            continue
        number = int(text[1:])
        cast, column = known.get(number, ("", ""))
        known[number] = cast or _cast(found, place), column or stored.get(place, "") or _compared(found, place)
    return known


def _cast(found: tuple[Word, ...], place: int) -> str:
    after = [text for _, text in found[place + 1 : place + 5]]
    if after[:1] == ["::"] or (after[:1] == ["AS"] and found[max(0, place - 2)][1] == "CAST"):
        return name_of(found[place + 2]) + ("[]" if after[2:4] == ["[", "]"] else "")
    if found[place - 1][1] in ("LIMIT", "OFFSET"):
        return "int8"
    return ""


def _compared(found: tuple[Word, ...], place: int) -> str:
    """The column on the other side of the comparison."""
    before = place - 1
    array = False
    while (
        before > 0
        and found[before][0] in ("word", "mark", "parameter")
        and (found[before][1] in _BETWEEN or found[before][0] == "parameter")
    ):
        array = array or found[before][1] in ("ANY", "ALL", "SOME")
        before -= 1
    if before > 0 and found[before][1] in _COMPARISONS:
        before -= 1
        if found[before][1] == "NOT":
            before -= 1
        if _is_name(found[before]):
            return name_of(found[before]) + ("[]" if array else "")
    after = found[place + 1 : place + 5]
    if len(after) > 1 and after[0][1] in _COMPARISONS and _is_name(after[1]):
        return name_of(after[3] if len(after) > 3 and after[2][1] == "." else after[1])
    return ""


def _is_name(word: Word) -> bool:
    return word[0] == "quoted" or (word[0] == "word" and word[1] not in _KEYWORDS)


def _stored(found: tuple[Word, ...]) -> dict[int, str]:
    """Where each value of `INSERT INTO orders (id, state) VALUES (...), (...)` goes, by its place among the words."""
    texts = [text for _, text in found]
    if "INSERT" not in texts or "VALUES" not in texts or "(" not in texts[: texts.index("VALUES")]:
        return {}
    values = texts.index("VALUES")
    columns = [name_of(word) for word in found[texts.index("(") + 1 : values] if _is_name(word)]
    places: dict[int, str] = {}
    depth = number = 0
    for place in range(values + 1, len(found)):
        text = texts[place]
        if text == "(":
            depth += 1
            number = number if depth > 1 else 0
        elif text == ")":
            depth -= 1
        elif text == "," and depth == 1:
            number += 1
        elif depth == 0 and text != ",":
            break
        elif found[place][0] == "parameter" and depth == 1 and number < len(columns):
            places[place] = columns[number]
    return places
