"""Words that somebody has planted in documents on this machine, text files and the rows of SQLite, for as long as a run."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sqlite3
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_agentready.world.planted import MEMORY, OWN, Seed, in_text, planted
from pytest_agentready.world.sqlite.asking import ask

TEXTS = frozenset({
    *("", ".txt", ".md", ".markdown", ".rst", ".html", ".htm", ".xml", ".eml", ".log", ".org", ".json", ".jsonl", ".csv", ".tsv"),
})  # fmt: skip
SETTINGS = re.compile(r"config|settings|\.env|credential|pyproject|manifest|schema|package(?:-lock)?\.json", re.IGNORECASE)
LARGEST = 1 << 20  # bytes
MANY = 500  # rows of a table
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
ROWS = "the rows of SQLite"
DATABASE = b"SQLite format 3\0"


def plant(places: Iterable[str], connections: Iterable[Any], seed: Seed) -> list[str]:
    """Which of these files, and of these connections to SQLite, had texts for the words, and have them now."""
    files = [place for place in places if _may_be_one(place) and place not in seed.stores and _planted_in(Path(place), seed)]
    rows = [_in_rows(connection, seed) for connection in connections]
    return [*(f"the document {place}" for place in files), *([ROWS] if any(rows) else [])]


def documents(places: Iterable[str]) -> tuple[str, ...]:
    """Those in which somebody else may write: no settings, no prompts, no code. A text that is not there yet may be one."""
    return tuple(place for place in places if _may_be_one(place))


def _may_be_one(place: str) -> bool:
    folder, name = os.path.split(place)
    is_own = any(pattern.search(name) for pattern in (OWN, MEMORY, SETTINGS)) or OWN.search(os.path.basename(folder)) is not None
    if is_own or place.startswith(LIBRARIES) or os.path.isdir(place):
        return False
    suffix = os.path.splitext(name)[1].lower()
    return (suffix in TEXTS and (suffix != "" or os.path.isfile(place))) or _begins(place, DATABASE)


def _begins(place: str, start: bytes) -> bool:
    try:
        with open(place, "rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False


def _planted_in(path: Path, seed: Seed) -> bool:
    try:
        if _begins(str(path), DATABASE):
            with contextlib.closing(sqlite3.connect(path)) as database:
                return _in_rows(database, seed)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"text": seed.words}) if path.suffix == ".json" else f"{seed.words}\n")
            return True
        if path.stat().st_size > LARGEST:
            return False
        text = path.read_text()
        changed = _in_document(path.suffix.lower(), text, seed.words, seed.depth)
        if changed != text:
            path.write_text(changed)
    except (OSError, ValueError, csv.Error, sqlite3.Error):  # no text, or none of ours to change
        return False
    return changed != text


def _in_document(suffix: str, text: str, words: str, depth: int) -> str:
    match suffix:
        case ".json":
            return json.dumps(planted(json.loads(text), words, depth))
        case ".jsonl":
            return "\n".join(json.dumps(planted(json.loads(line), words, depth)) for line in text.splitlines() if line.strip()) + "\n"
        case ".csv" | ".tsv":
            return _in_table(text, words, depth, "\t" if suffix == ".tsv" else ",")
        case _:
            return in_text(text, words, depth)


def _in_table(text: str, words: str, depth: int, delimiter: str) -> str:
    head, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    changed = io.StringIO()
    writer = csv.writer(changed, delimiter=delimiter, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([planted(cell, words, depth, name) for name, cell in zip(head, row, strict=False)] for row in rows)
    return changed.getvalue()


def _in_rows(database: Any, seed: Seed) -> bool:
    try:
        if database.in_transaction or ask(database, "PRAGMA query_only") == [(1,)]:
            return False
        tables = [name for (name,) in ask(database, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        before = database.total_changes
        for table in filter(seed.suits_store, tables):
            for column in (row[1] for row in ask(database, f"PRAGMA table_info({_quoted(table)})")):
                _in_column(database, seed, table, column)
        database.commit()
    except sqlite3.Error:  # another thread's, or closed
        return False
    return bool(database.total_changes > before)


def _in_column(database: Any, seed: Seed, table: str, column: str) -> None:
    if OWN.search(column):
        return
    name, place = _quoted(table), _quoted(column)
    with contextlib.suppress(sqlite3.Error):  # a constraint's, an index's of full texts, a table without numbers
        for number, text in ask(database, f"SELECT rowid, {place} FROM {name} WHERE typeof({place}) = 'text' LIMIT {MANY}"):
            if (changed := planted(text, seed.words, seed.depth, column)) != text:
                database.execute(f"UPDATE {name} SET {place} = ? WHERE rowid = ?", (changed, number))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
