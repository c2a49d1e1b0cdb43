"""What the database protocols have in common: statements are asked of the backend, transactions kept, answers shaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pytest_agentready.domain import sql as text
from pytest_agentready.world import inflation, rows
from pytest_agentready.world.backend_calls import BackendFailed
from pytest_agentready.world.peer import Peer
from pytest_agentready.world.services.exchange import Exchange
from pytest_agentready.world.statements import Answer, Database, DatabaseError, Statement

BEGINS = ("BEGIN", "START")
ENDS = ("COMMIT", "END", "ROLLBACK", "ABORT")
WITHIN = ("SAVEPOINT", "RELEASE")  # and ROLLBACK TO: they leave the transaction open
# Traffic of the drivers, which no tool asks for by itself: answered in good health, and no request.
DRIVERS = re.compile(
    r"\s*(?:set\b|show\b|reset\b|discard\b|deallocate\b|use\b|listen\b|unlisten\b|close\s+all|select\s+(?:pg_catalog\.)?(?:version|current_schema|database|"
    r"pg_advisory_unlock_all|current_database|pg_backend_pid|pg_is_in_recovery|current_setting)\s*\(|select\s+@@|select\s+set_config)",
    re.IGNORECASE,
)
CATALOGUE = re.compile(r"\b(?:pg_catalog\.|pg_type\b|pg_class\b|information_schema\.)", re.IGNORECASE)
CONSTANT = re.compile(r"\s*select\s+('(?:[^']|'')*'|\d+)(?:\s+as\s+(\w+))?\s*;?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gives: rows under these columns, or the number of rows that it changes."""

    columns: tuple[str, ...] = ()  # none: it gives no rows
    rows: tuple[tuple[Any, ...], ...] = ()
    affected: int = 0
    identity: int = 0  # of the row that was inserted, where the backend gives it an `id`


class Session:
    """The server's side of one connection."""

    def __init__(self, peer: Peer, protocol: str, unknown: str | int, to_driver: Callable[[Statement], Result]) -> None:
        self.peer = peer
        self.protocol = protocol
        self.name = ""  # of the database
        self.status = "I"  # idle, T in a transaction, E in one that has failed
        self.autocommit = True
        self._unknown = unknown  # the code of an error about what the database does not have
        self._to_driver = to_driver
        self._foreseen: tuple[Statement, Answer | None] | None = None  # a statement that is about to be carried out, and its answer
        self._pending: list[SQLExchange] = []  # writes of the open transaction

    @property
    def url(self) -> str:
        where = self.peer.connection.name if self.peer.port else "localhost"  # by a socket of this machine
        return f"{self.protocol}://{where}{f'/{self.name}' if self.name else ''}"

    @property
    def database(self) -> Database | None:
        return self.peer.network.backend.database(self.protocol, self.peer.host, self.peer.port, self.name)

    def is_drivers(self, sql: str) -> bool:
        """Does the driver ask, and not the tool?"""
        return not self._is_named(Statement(sql)) and bool(DRIVERS.match(sql) or CATALOGUE.search(sql))

    def is_write(self, statement: Statement) -> bool:
        """A COMMIT is one when something has been written before it."""
        return bool(self._pending) if statement.verb in ("COMMIT", "END") else text.writes(statement.sql)

    def ask(self, statement: Statement) -> Result | DatabaseError | None:
        """The backend's answer, in shape; None where it has none."""
        database = self.database
        if self.is_drivers(statement.sql):
            return self._to_driver(statement)
        if not self._is_named(statement) and (constant := CONSTANT.fullmatch(statement.sql)):
            value = constant[1]
            return Result((constant[2] or "?column?",), ((value.strip("'") if value[0] == "'" else int(value),),))
        if self._foreseen is not None and self._foreseen[0] == statement:  # whoever remembers what it was asked is asked once
            (_, found), self._foreseen = self._foreseen, None
        else:
            found = None if database is None else self._backends(database.answer, statement)
        return None if found is None else shaped(statement, found)

    def _is_named(self, statement: Statement) -> bool:
        """Has the backend an answer to this statement in particular?"""
        return self.database is not None and self.database.names(statement)

    def _backends(self, question: Callable[[Statement], Answer | None], statement: Statement) -> Answer | None:
        return self.peer.network.ask(lambda: question(statement), lambda failure: DatabaseError(f"the backend itself failed: {failure}"))

    def knows(self, statement: Statement) -> bool:
        """Is there an answer? It may need the parameters."""
        if not text.words(statement.sql) or statement.verb in (*BEGINS, *ENDS, *WITHIN) or self.is_drivers(statement.sql):
            return True
        database = self.database
        if CONSTANT.fullmatch(statement.sql) or database is None:
            return bool(CONSTANT.fullmatch(statement.sql))
        return database.knows(statement)

    def foresee(self, statement: Statement, *, is_bound: bool = False) -> Result | DatabaseError | None:
        """What a statement will give that is only prepared, or `is_bound` to its parameters. Raises what the user's own callable raises."""
        if statement.verb in (*BEGINS, *ENDS, *WITHIN) or not text.gives_rows(statement.sql):
            return Result()
        database = self.database
        if database is None or self.is_drivers(statement.sql) or (CONSTANT.fullmatch(statement.sql) and not self._is_named(statement)):
            return self.ask(statement)
        found = database.answer(statement)
        self._foreseen = (statement, found) if is_bound else None
        return None if found is None else shaped(statement, found)

    def holds(self, exchange: SQLExchange) -> bool:
        """Is this a write of the transaction that is still open?"""
        return exchange in self._pending

    def carry_out(self, exchange: SQLExchange | None, statement: Statement) -> Result | DatabaseError:
        """Act on the statement: the transaction begins, goes on or ends with it."""
        verb = statement.verb
        if self.status == "E" and (verb not in ENDS):
            return DatabaseError("current transaction is aborted, commands ignored until end of transaction block", "25P02")
        if verb in BEGINS:
            self.status = "T"
            return Result()
        if verb in WITHIN or (verb == "ROLLBACK" and ("word", "TO") in text.words(statement.sql)):
            self.status = "T"
            return Result()
        if verb in ENDS:
            if verb in ("COMMIT", "END") and self.status == "T":
                for earlier in self._pending:
                    earlier.note(committed=True)
            self._pending.clear()
            self.status = "I"
            return Result()
        found = self.ask(statement) if exchange is None or exchange.refusal is None else exchange.refusal
        if exchange is not None:
            exchange.note(routed=found is not None)
            exchange.weigh(statement, found)
        if found is None:
            found = DatabaseError(f"the backend has no answer for: {statement.sql}", self._unknown)
        if not self.autocommit and self.status == "I":
            self.status = "T"
        if isinstance(found, DatabaseError) and self.status == "T" and self.protocol == "postgresql":
            self.status = "E"
        if exchange is not None and exchange.refusal is None and self.status == "T" and text.writes(statement.sql):
            self._pending.append(exchange)
        return exchange.sized(statement, found) if exchange is not None and isinstance(found, Result) and found.columns else found


def setting_asked_for(sql: str) -> str | None:
    """`SHOW x`, `SELECT version()` and `SELECT @@x` ask for a setting, by this name; None where a statement does not."""
    words = text.folded(sql).replace("(", " ").replace(")", " ").replace("pg_catalog.", "").split()
    return " ".join(words[1:]) if words[0] in ("show", "select") and len(words) > 1 else None


class SQLExchange(Exchange):
    """One statement, or a text of several that were sent as one."""

    def __init__(
        self,
        session: Session,
        statements: list[Statement],
        *,
        encode: Callable[[SQLExchange], bytes],
        endless: tuple[bytes, bytes],
        then: Callable[[], None],
    ) -> None:
        self.session = session
        self.statements = statements
        self._encode = encode
        self._endless = endless
        self.changes = False  # one of the statements so far has changed something
        self._then = then
        self.refusal: DatabaseError | None = None  # with which it is answered, whatever the backend says
        verbs = [statement.verb for statement in statements]
        super().__init__(
            session.peer,
            method=next((verb for verb in verbs if verb not in BEGINS), verbs[0]),
            url=session.url,
            body="; ".join(map(_written, statements)).encode("utf-8", "replace"),
            is_write=any(session.is_write(statement) for statement in statements),
        )
        self.note(places=tuple(dict.fromkeys(table for statement in statements for table in text.tables(statement.sql))))
        # BEGIN and COMMIT need no route, and have no rows; about the others the session says it.
        self.note(routed=True, bounded=True)

    def act(self) -> bytes:
        return self._encode(self)

    def weigh(self, statement: Statement, found: Result | DatabaseError | None) -> None:
        """Has the statement changed anything? One of several that has is enough; and where nobody knows, it has."""
        if not text.writes(statement.sql):
            return
        affected = found.affected or len(found.rows) if isinstance(found, Result) else 0
        counts = statement.verb in ("INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE")
        self.changes |= not isinstance(found, DatabaseError) and (found is None or not counts or affected > 0)
        self.note(changed=self.changes)

    def sized(self, statement: Statement, result: Result) -> Result:
        """The rows of one statement, grown where this answer is to be huge."""
        self.note(empty=not result.rows)
        if self.network.order is not None:
            result = replace(result, rows=self.network.order.of_rows(statement, result.rows))
        most = rows.at_most(statement, [dict(zip(result.columns, row, strict=True)) for row in result.rows])
        grown = inflation.inflated_rows(result.columns, result.rows, self.growth or 1, most)
        if grown is not None or most is None:  # without a row nothing can grow here, and does in life
            self.note(bounded=False)
        if grown is None or not self.growth:
            return result
        self.grown = True
        return replace(result, rows=grown, affected=len(grown))

    def refuse(self) -> bool:
        """A transaction can always be begun and ended."""
        if all(statement.verb in (*BEGINS, *ENDS, *WITHIN) for statement in self.statements):
            return False
        code: str | int = "57014" if self.session.protocol == "postgresql" else 3024
        self.refusal = DatabaseError("canceling statement due to statement timeout", code)
        self.send_normal()
        return True

    @property
    def settled(self) -> bool:
        return self.refusal is None and not self.session.holds(self)

    def endless(self) -> tuple[bytes, bytes]:
        return self._endless

    def answered(self) -> None:
        self._then()


def _written(statement: Statement) -> str:
    """The statement with its parameters behind it, in a comment: what one asks for is not what the same text asks for with others."""
    return statement.sql + (f" -- {', '.join(map(repr, statement.params))}" if statement.params else "")


def shaped(statement: Statement, answer: Answer) -> Result | DatabaseError:
    """An answer of the backend as this statement gives it: the columns that it names, in its order."""
    if isinstance(answer, DatabaseError):
        return answer
    if isinstance(answer, int):
        if not text.writes(statement.sql):
            raise BackendFailed(f"it answers {answer} to {statement.sql!r}, which gives rows: answer with a list of dicts")
        return Result(affected=answer)
    rows = [dict(row) for row in answer]
    if not text.gives_rows(statement.sql):
        number = rows[0].get("id") if rows and statement.verb in ("INSERT", "REPLACE") else 0
        return Result(affected=min(1, len(rows)), identity=number if isinstance(number, int) else 0)
    columns, named = _columns(statement.sql, rows)
    return Result(tuple(columns), tuple(tuple(_value(row, *pair) for pair in named) for row in rows), len(rows))


def _columns(sql: str, rows: list[dict[str, Any]]) -> tuple[list[str], list[tuple[str, str]]]:
    """The names in the result, and for each where in a row its value stands. Rows that lack one are given whole."""
    known = list(dict.fromkeys(name for row in rows for name in row))
    lower = {name.lower() for name in known}
    named = text.selected(sql)
    if named is not None and (not rows or all(name.lower() in lower or source.lower() in lower for name, source in named)):
        return [name for name, _ in named], named
    return known, [(name, "") for name in known]


def _value(row: dict[str, Any], name: str, source: str) -> Any:
    for wanted in (name, source):
        for key, value in row.items():
            if key.lower() == wanted.lower():
                return value
    return None
