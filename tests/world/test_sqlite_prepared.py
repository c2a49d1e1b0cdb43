"""A table that is made behind a flag is there in the later runs too, in which the flag is set."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pytest_agentready.domain import Run
from tests.world.entering import enter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")


class Notes:
    """Sees to its table once in the life of the process."""

    def __init__(self, definition: str) -> None:
        self.definition = definition
        self.ready = False

    def add(self, text: str) -> int:
        with closing(sqlite3.connect("notes.db")) as notes, notes:
            if not self.ready:
                notes.execute(self.definition)
                self.ready = True
            notes.execute("INSERT INTO notes VALUES (?)", (text,))
            return int(notes.execute("SELECT count(*) FROM notes").fetchone()[0])


def runs(notes: Notes) -> list[Run]:
    return [enter(lambda: notes.add("tea")) for _ in range(3)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_there_without_the_rows_of_the_run_before(here: Path) -> None:
    found = runs(Notes("CREATE TABLE IF NOT EXISTS notes (text)"))
    assert [run.value for run in found] == [1, 1, 1]
    assert [[effect.verb for effect in run.local_effects] for run in found] == [["CREATE", "INSERT"], ["INSERT"], ["INSERT"]]
    assert os.listdir(here) == []


def test_who_makes_it_in_each_call_finds_it_there() -> None:
    found = [enter(lambda: Notes("CREATE TABLE IF NOT EXISTS notes (text)").add("tea")) for _ in range(2)]
    assert [run.value for run in found] == [1, 1]


def test_what_is_made_anew_in_each_call_is_not_kept() -> None:
    found = [enter(lambda: Notes("CREATE TABLE notes (text)").add("tea")) for _ in range(2)]
    assert [run.value for run in found] == [1, 1]


def test_a_real_table_is_left_as_it_is(here: Path) -> None:
    with closing(sqlite3.connect("notes.db")) as notes, notes:
        notes.execute("CREATE TABLE notes (text)")
        notes.execute("INSERT INTO notes VALUES ('cup')")
    assert [run.value for run in runs(Notes("CREATE TABLE IF NOT EXISTS notes (text)"))] == [2, 2, 2]
    with closing(sqlite3.connect("notes.db")) as notes:
        assert notes.execute("SELECT * FROM notes").fetchall() == [("cup",)]
