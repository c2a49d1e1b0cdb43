"""A witness is told of the files, processes, statements and code of the runs, and of nothing else."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sqlite3
import subprocess
import traceback
from pathlib import Path
from typing import Any

import pytest

from pytest_agentready.domain import Touch, Traces
from pytest_agentready.world import observe
from pytest_agentready.world.installation import prepare
from pytest_agentready.world.witness import resolved, witnessed

MARK = "never_seen_elsewhere"


def _once(statement: str) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(statement)


def seen(call: Any, subject: Any = None, **arguments: Any) -> Traces:
    prepare(subject or call)
    with witnessed(MARK) as witness:
        observe(call, arguments)
    return witness.traces()


def test_files_are_seen_as_the_system_resolves_them(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")

    def work() -> None:
        (tmp_path / "in" / "link" / ".." / tmp_path.name / "notes.txt").read_text()
        os.listdir(tmp_path / "in")
        os.rename(tmp_path / "notes.txt", tmp_path / "old.txt")
        (tmp_path / "new.txt").write_bytes(b"")
        os.remove(tmp_path / "old.txt")

    here = tmp_path.resolve()
    found = [(Path(touch.path).relative_to(here).as_posix(), touch.changes, touch.is_folder) for touch in seen(work).touches]
    assert list(dict.fromkeys(found)) == [
        ("notes.txt", False, False),
        ("in", False, True),
        ("notes.txt", True, False),
        ("old.txt", True, False),
        ("new.txt", True, False),
    ]


def test_a_module_is_seen_where_it_is_read_and_not_where_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / f"{MARK}_module.py"
    module.write_text("raise ValueError('not today')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def load() -> str:
        try:
            importlib.import_module(module.stem)
        except ValueError:
            return traceback.format_exc()
        return ""

    assert module not in {Path(touch.path) for touch in seen(load).touches}
    assert {touch.deed for touch in seen(module.read_text).touches if touch.path == str(module)} == {"read"}  # by one function, or by two


def test_a_touch_names_the_users_line(tmp_path: Path) -> None:
    def work() -> None:
        shutil.copy(tmp_path / "a", tmp_path / "b")

    assert {touch.where.rpartition(":")[0] for touch in seen(work).touches} == {__file__}


def test_what_is_refused_does_not_happen(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("as it was")

    def refuses(touch: Touch) -> bool:
        return touch.path == str(kept.resolve())

    def overwrite() -> None:
        with contextlib.suppress(Exception):  # it cannot be suppressed
            kept.write_text("gone")

    with witnessed(MARK, refuses) as witness:
        run = observe(overwrite, {})
    assert kept.read_text() == "as it was"
    assert run.ending is not None
    assert "kept.txt" in run.refused[0]
    assert [touch.changes for touch in witness.touches] == [True]


def test_nothing_is_seen_outside_of_a_run(tmp_path: Path) -> None:
    with witnessed(MARK, lambda _: True) as witness:
        (tmp_path / "mine.txt").write_text("hello")
        _once("SELECT 1")
        eval("1 + 1")
    assert witness.traces() == Traces()


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (lambda: subprocess.run("ls; pwd", shell=True, check=False), ("/bin/sh", "-c", "ls; pwd")),
        (lambda: subprocess.run(["ls", "-l"], check=False), ("ls", "-l")),
        (lambda: subprocess.run("ls", check=False), ("ls",)),
        (lambda: os.system("ls; pwd"), ("/bin/sh", "-c", "ls; pwd")),
        (lambda: os.popen("ls | wc"), ("/bin/sh", "-c", "ls | wc")),
        (lambda: os.posix_spawn("/bin/ls", ["ls", "-l"], {}), ("ls", "-l")),
    ],
)
def test_processes_are_seen_with_their_words_before_they_are_refused(start: Any, words: tuple[str, ...]) -> None:
    def work() -> None:
        start()

    assert [command.words for command in seen(work).commands] == [words]


OLD = sqlite3.connect(":memory:", check_same_thread=False)


class Shop:
    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)

    def price(self, name: str) -> Any:
        return self.connection.execute("SELECT ?", (name,)).fetchall()


def test_statements_of_sqlite_are_seen_also_on_connections_that_a_module_or_an_object_keeps() -> None:
    def new() -> None:
        _once("SELECT 1")

    def old() -> None:
        OLD.execute("SELECT 2")

    assert [statement.text for statement in seen(new).statements] == ["SELECT 1"]
    assert [statement.text for statement in seen(old).statements] == ["SELECT 2"]
    shop = Shop()
    assert [statement.text for statement in seen(shop.price, name="it's").statements] == ["SELECT 'it''s'"]
    shop.connection.close()


def test_what_a_hostile_statement_changes_is_put_back() -> None:
    OLD.execute("CREATE TABLE IF NOT EXISTS items (name)")
    OLD.executemany("INSERT INTO items VALUES (?)", [("mug",), ("cup",)])
    OLD.commit()

    def remove(name: str) -> None:
        OLD.execute(f"DELETE FROM items WHERE name = '{name}'")
        OLD.commit()

    hostile = f"x' OR '{MARK}'='{MARK}' OR '"
    assert f"DELETE FROM items WHERE name = '{hostile}'" in [statement.text for statement in seen(remove, name=hostile).statements]
    assert OLD.execute("SELECT count(*) FROM items").fetchall() == [(2,)]


def test_what_is_made_of_a_text_is_seen_by_its_names() -> None:
    def evaluate(text: str) -> Any:
        return eval(text, {"double": lambda number: 2 * number})

    assert [code.text for code in seen(evaluate, text="double(4)").compiled] == ["double"]


def test_what_only_the_mark_names_is_seen_where_it_is_loaded() -> None:
    import pickle

    def load(data: bytes) -> None:
        pickle.loads(data)

    def bring_in(name: str) -> None:
        __import__(name)

    assert [code.text for code in seen(load, data=f"c{MARK}\nrun\n.".encode()).loaded] == ["pickle", "import"]
    assert [code.text for code in seen(bring_in, name=MARK).loaded] == ["import"]
    assert seen(bring_in, name="json").loaded == ()


def test_traces_since_a_moment_are_the_new_ones() -> None:
    def first() -> None:
        _once("SELECT 1")

    def second() -> None:
        _once("SELECT 2")

    with witnessed(MARK) as witness:
        observe(first, {})
        before = witness.traces()
        observe(second, {})
    assert [statement.text for statement in witness.traces(before).statements] == ["SELECT 2"]
    assert witness.traces(before).dialects == {"sqlite"}
    assert witness.traces(witness.traces()) == Traces()


def test_a_path_is_followed_step_by_step_as_the_system_does(tmp_path: Path) -> None:
    here = tmp_path.resolve()
    (here / "in").mkdir()
    (here / "up").symlink_to(here.parent)
    assert resolved(f"{here}/in/../in/./a.txt") == f"{here}/in/a.txt"
    assert resolved(f"{here}/up/..") == str(here.parent.parent)
    assert resolved(f"{here}/missing/../a.txt") is None
    assert resolved(f"{here}/a\0b/../c") is None
    assert resolved("/../..") == "/"


def test_a_statement_that_does_not_fit_is_told_although_the_code_catches_it() -> None:
    def call() -> None:
        for statement in ("SELECT 'a' 'b' c d", "SELECT 1; SELECT 2", "SELECT a FROM nowhere", "SELECT ("):
            with contextlib.suppress(sqlite3.Error, sqlite3.Warning):
                _once(statement)

    assert [code.text for code in seen(call).broken] == [
        'near "c": syntax error',
        "You can only execute one statement at a time.",
        "incomplete input",
    ]
    assert "__init__" not in vars(sqlite3.OperationalError)
