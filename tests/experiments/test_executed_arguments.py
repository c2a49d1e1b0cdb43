"""A text is code where it arrives as a command, a part of a statement or a name in what is evaluated, and data everywhere else."""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
import subprocess
from typing import Any

import pytest

from pytest_agentready.domain import Abuse, Outcome, Verdict
from tests.examining import as_tool, engine

SHOP = sqlite3.connect(":memory:", check_same_thread=False)
SHOP.executescript("CREATE TABLE items (name, price); INSERT INTO items VALUES ('mug', 9), ('cup', 7);")


def abuse(function: Any, **facts: Any) -> Abuse:
    observed: Abuse = engine()._observe(as_tool(function, facts), "executed_arguments")
    return observed


def verdict(function: Any, **facts: Any) -> Verdict:
    return engine().examine(as_tool(function, facts), engine().registry.check("AR906"))


def rows(statement: str, *values: Any) -> Any:
    return SHOP.execute(statement, values).fetchall()


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT * FROM items WHERE name = '{}'", "mug"),
        ("SELECT * FROM items WHERE name LIKE '%{}%' ORDER BY price", "mug"),
        ('SELECT * FROM items WHERE name = "{}"', "mug"),
        ("SELECT * FROM items WHERE (name = '{}' AND price > 1) OR price > 5", "mug"),
        ("SELECT * FROM items WHERE price = {}", "7"),
        ("SELECT * FROM items WHERE price IN ({})", "7"),
        ("SELECT {} FROM items", "name"),
        ("SELECT * FROM {}", "items"),
        ('SELECT * FROM "{}"', "items"),
        ("SELECT * FROM items ORDER BY {}", "price"),
        ("SELECT * FROM items ORDER BY price {}", "DESC"),
        ('SELECT * FROM items ORDER BY "{}"', "price"),
        ("SELECT * FROM items LIMIT {}", "1"),
        ("DELETE FROM items WHERE name = '{}'", "pot"),
        ("UPDATE items SET name = '{}' WHERE price = 100", "pot"),
        ("INSERT INTO items SELECT '{}', 1 WHERE 0", "pot"),
    ],
)
def test_a_text_in_any_place_of_a_statement_is_code(statement: str, value: str) -> None:
    def tool(text: str) -> Any:
        return rows(statement.format(text))

    (breach,) = abuse(tool, args={"text": value}).breaches
    assert breach.kind == "SQL"
    assert rows("SELECT count(*), sum(price) FROM items") == [(2, 16)]
    SHOP.rollback()


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("PRAGMA table_info({})", "items"),
        ("CREATE TABLE IF NOT EXISTS {} (name)", "pots"),
        ("SELECT price FROM items WHERE name IN ({!r})", "mug"),
    ],
)
def test_a_statement_that_a_text_breaks_was_made_of_it(statement: str, value: str) -> None:
    def tool(text: str) -> Any:
        try:
            return rows(statement.format(text))
        except sqlite3.Error as error:
            return f"no: {error}"

    (breach,) = abuse(tool, args={"text": value}).breaches
    assert breach.kind == "SQL"
    assert breach.reached.startswith("the statement breaks (")


NOTES = sqlite3.connect(":memory:", check_same_thread=False)
NOTES.executescript("CREATE VIRTUAL TABLE notes USING fts5 (body); INSERT INTO notes VALUES ('red mug');")


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM notes WHERE notes MATCH ?", "SELECT json_extract('{}', '$.' || ?)", "SELECT ? LIKE 'a' ESCAPE 'b'"]
)
def test_what_a_parameter_breaks_is_no_statement(statement: str) -> None:
    def tool(text: str) -> Any:
        try:
            return NOTES.execute(statement, (text,)).fetchall()
        except sqlite3.Error as error:
            return f"no: {error}"

    assert verdict(tool, args={"text": "mug"}).outcome is Outcome.PASSED


def test_a_statement_that_never_fits_proves_nothing() -> None:
    def tool(text: str) -> Any:
        with contextlib.suppress(sqlite3.Error):
            rows("SELEC name")
        return rows("SELECT price FROM items WHERE name = ?", text)

    assert verdict(tool, args={"text": "mug"}).outcome is Outcome.PASSED


def test_values_as_parameters_and_names_that_are_escaped_are_data() -> None:
    def by_parameter(text: str) -> Any:
        return rows("SELECT * FROM items WHERE name = ?", text)

    def by_quotes(text: str) -> Any:
        doubled = text.replace('"', '""')
        return rows(f'SELECT price AS "{doubled}" FROM items')

    def by_brackets(text: str) -> Any:
        return rows(f"SELECT price AS [{text.replace(']', '')}] FROM items")

    for tool in (by_parameter, by_quotes, by_brackets):
        assert verdict(tool, args={"text": "mug"}).outcome is Outcome.PASSED


def test_the_finding_shows_the_line_as_it_arrives_and_how_to_mend_it() -> None:
    def ping(host: str) -> str:
        return subprocess.run(f"ping -c 1 {host}", shell=True, capture_output=True, text=True, check=False).stdout

    (finding,) = verdict(ping, args={"host": "example.com"}).findings
    assert finding.message == "host reaches a shell as code, a semicolon in it is enough: ping -c 1 example.com; agentready_was_here"
    assert finding.where.startswith("tests/experiments/test_executed_arguments.py:")
    assert "shlex.quote" in finding.fix


def test_words_of_a_command_and_quoted_lines_are_data() -> None:
    def words(host: str) -> str:
        return subprocess.run(["ping", host], capture_output=True, text=True, check=False).stdout

    def quoted(host: str) -> str:
        return subprocess.run(f"ping {shlex.quote(host)}", shell=True, capture_output=True, text=True, check=False).stdout

    for tool in (words, quoted):
        assert verdict(tool, args={"host": "example.com"}).outcome is Outcome.PASSED


def test_what_comes_after_the_first_process_is_not_claimed() -> None:
    def tag(name: str) -> str:
        subprocess.run(["git", "fetch"], check=True)
        return subprocess.run(f"git tag {name}", shell=True, capture_output=True, text=True, check=True).stdout

    found = verdict(tag, args={"name": "v1"})
    assert found.outcome is Outcome.UNPROVEN
    assert "what it does after it has started git is not seen, and name is not in that command" in found.reason


@pytest.mark.parametrize(
    ("name", "value"),
    [("command", "ls"), ("sql", "SELECT 1"), ("code", "print(1)"), ("query", "SELECT name FROM items"), ("line", "ls -l")],
)
def test_what_is_there_to_be_run_is_left_to_the_gate(name: str, value: str) -> None:
    def run(**given: str) -> Any:
        (text,) = given.values()
        if text.startswith("SELECT"):
            return rows(text)
        return exec(text) if text.startswith("print") else subprocess.run(text, shell=True, check=False)

    namespace: dict[str, Any] = {"run": run}
    exec(f"def tool({name}: str): return run({name}={name})", namespace)  # a parameter of this name
    found = verdict(namespace["tool"], args={name: value})
    assert found.outcome is Outcome.NOT_APPLICABLE
    assert found.reason == f"running {name} is what it is for: whether that is confirmed is judged by AR401"


def test_another_text_of_a_tool_that_runs_code_is_tried() -> None:
    def run_in(command: str, folder: str) -> Any:
        return subprocess.run(f"cd {folder} && {command}", shell=True, check=False)

    assert {breach.parameter for breach in abuse(run_in, args={"command": "ls", "folder": "src"}).breaches} == {"folder"}


def test_what_is_evaluated_is_code_and_what_is_parsed_is_not() -> None:
    def evaluate(text: str) -> Any:
        return eval(f"float({text})", {"__builtins__": {"float": float}})

    def parse(text: str) -> Any:
        import ast

        return ast.literal_eval(text)

    def fields(text: str) -> Any:
        from collections import namedtuple

        return namedtuple("Row", [text])._fields

    assert [breach.kind for breach in abuse(evaluate, args={"text": "1"}).breaches] == ["Python"]
    assert verdict(parse, args={"text": "1"}).outcome is Outcome.NOT_APPLICABLE
    assert verdict(fields, args={"text": "price"}).outcome is not Outcome.FAILED


def test_a_tool_that_runs_nothing_has_nothing_to_try_and_one_that_fails_is_unproven() -> None:
    def greet(name: str) -> str:
        return f"Hello {name}"

    def fail(name: str) -> str:
        raise ValueError("not now")

    def double(number: int) -> int:
        return 2 * number

    assert verdict(greet, args={"name": "Ada"}).reason == "it starts no process, sends no statement and evaluates nothing"
    assert verdict(fail, args={"name": "Ada"}).outcome is Outcome.UNPROVEN
    assert verdict(double, args={"number": 2}).reason == "it takes no text"
