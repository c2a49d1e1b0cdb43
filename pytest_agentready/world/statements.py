"""What a simulated database answers to a statement: the backend's keys `postgresql://host/name` and `mysql://host/name`.

An answer is a list of rows (dicts) for every statement; a mapping from the beginning of a statement to rows, to the number of
rows that it changes, or to a `DatabaseError`; or a callable of the `Statement` that returns one of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_agentready.domain import nearest
from pytest_agentready.domain import sql as text
from pytest_agentready.world import backend_calls
from pytest_agentready.world.backend_calls import BackendFailed

# What stands for a value in a statement as the tool writes it, and what may stand there on the wire.
_PLACEHOLDER = re.compile(r"%s|%\(\w+\)s|\$\d+|\?|(?<!:):\w+")
_VALUE = r"(?:\$\d+|%s|\?|'(?:[^'\\]|''|\\.)*'|[-\w.]+)(?:::[\w\[\]]+)?"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the database receives it. A client that puts the values into the text itself leaves `params` empty.

    While a statement is only prepared, its parameters are not known yet, and each is None.
    """

    sql: str
    params: tuple[Any, ...] = ()

    @property
    def verb(self) -> str:
        """SELECT, INSERT, ..., in upper case; the main one of a WITH."""
        return text.verb(self.sql)


class DatabaseError(Exception):
    """An error as a database answers it: `code` is an SQLSTATE ("23505") or, for MySQL, also its number (1062)."""

    def __init__(self, message: str, code: str | int = "P0001") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


Answer = Sequence[Mapping[str, Any]] | int | DatabaseError


@dataclass(frozen=True)
class Database:
    """One database of the backend."""

    key: str
    answers: Any
    patterns: tuple[tuple[re.Pattern[str], Any], ...] = ()  # the longest first

    @classmethod
    def parse(cls, key: str, answers: object) -> Database:
        """Raises ValueError, with everything that is wrong with the answers of this key."""
        if callable(answers):
            return cls(key, answers)
        if isinstance(answers, Mapping):
            problems = [problem for sql, answer in answers.items() for problem in _problems(key, sql, answer)]
            problems += _repeated(key, answers)
            if problems:
                raise ValueError("; ".join(problems))
            longest_first = sorted(answers, key=lambda sql: len(text.folded(sql)), reverse=True)
            return cls(key, answers, tuple((_pattern(sql), answers[sql]) for sql in longest_first))
        if (problem := _no_rows(answers)) is not None:
            raise ValueError(
                f"the answer of backend key {key!r} {problem}: give rows (a list of dicts), a dict of statements and rows, or a callable"
            )
        return cls(key, answers)

    def names(self, statement: Statement) -> bool:
        """Does a key of the mapping name the statement? Nobody is asked for an answer yet."""
        return self._key_for(statement) is not None

    def knows(self, statement: Statement) -> bool:
        """Does a key name the statement, or is one answer meant for all?"""
        return not isinstance(self.answers, Mapping) or self.names(statement)

    def _key_for(self, statement: Statement) -> int | None:
        """The place of the longest key with which the statement begins."""
        folded = text.folded(statement.sql)
        return next((place for place, (pattern, _) in enumerate(self.patterns) if pattern.match(folded)), None)

    def answer(self, statement: Statement) -> Answer | None:
        """The normal answer; None where there is none for this statement. Raises BackendFailed."""
        if not isinstance(self.answers, Mapping):
            return self._called(self.answers, statement)
        place = self._key_for(statement)
        return None if place is None else self._called(self.patterns[place][1], statement)

    def _called(self, answer: Any, statement: Statement) -> Answer | None:
        if not callable(answer):
            return answer  # type: ignore[no-any-return]
        try:
            found = backend_calls.call(repr(self.key), answer, statement, "the statement")
        except BackendFailed as failure:
            if isinstance(failure.__cause__, DatabaseError):
                return failure.__cause__
            raise
        found = [found] if isinstance(found, Mapping) else found
        if found is not None and (problem := _no_answer(found)) is not None:
            told = f"gives an answer to {statement.sql!r} that {problem}: return rows, a number of rows, or a DatabaseError"
            raise backend_calls.answered(repr(self.key), answer, told)
        return found

    def samples(self, column: str) -> list[Any]:
        """The values that the rows of this backend have for a column, whatever the statement."""
        answers = self.answers.values() if isinstance(self.answers, Mapping) else [self.answers]
        rows = [row for answer in answers if isinstance(answer, (list, tuple)) for row in answer]
        return [row[name] for row in rows for name in row if name.lower() == column.lower() and row[name] is not None]


def _repeated(key: str, answers: Mapping[Any, Any]) -> list[str]:
    """Statements that are the same to the database, of which only one would be asked."""
    first: dict[str, str] = {}
    found = []
    for sql in answers:
        if isinstance(sql, str) and (known := first.setdefault(_pattern(sql).pattern, sql)) is not sql:
            found.append(f"backend key {key!r} has the statements {known!r} and {sql!r}, which are the same: keep one of them")
    return found


def _pattern(sql: str) -> re.Pattern[str]:
    folded = text.folded(sql)
    end = r"(?!\w)" if folded[-1:].isalnum() else ""  # `UPDATE orders` is not the beginning of `UPDATE orders_archive`
    return re.compile(_VALUE.join(re.escape(piece) for piece in _PLACEHOLDER.split(folded)) + end)


def _problems(key: str, sql: object, answer: object) -> list[str]:
    if not isinstance(sql, str):
        return [f"backend key {key!r} has the statement {sql!r}: give the beginning of its text"]
    found = []
    first = sql.split(maxsplit=1)[0] if sql.split() else ""
    if first.upper() not in text.VERBS:
        near = nearest(first.upper(), text.VERBS, cutoff=0.7)
        hint = f"did you mean {near}?" if near else "begin it with its verb, such as SELECT"
        found.append(f"backend key {key!r} has the statement {sql!r}, which begins with {first!r}: {hint}")
    if not callable(answer) and (problem := _no_answer(answer)) is not None:
        found.append(
            f"the answer to {sql!r} of backend key {key!r} {problem}: give rows (a list of dicts), the number of rows that it changes, "
            "a DatabaseError, or a callable"
        )
    return found


def _no_answer(answer: object) -> str | None:
    if isinstance(answer, DatabaseError) or (isinstance(answer, int) and not isinstance(answer, bool)):
        return None
    return _no_rows(answer)


def _no_rows(answer: object) -> str | None:
    """What is wrong with a list of rows; None where nothing is."""
    if not isinstance(answer, (list, tuple)):
        return f"is {answer!r}"
    wrong = next((row for row in answer if not isinstance(row, Mapping) or not all(isinstance(name, str) for name in row)), None)
    return None if wrong is None else f"has the row {wrong!r}, which is no dict of columns"
