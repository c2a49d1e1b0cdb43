"""Calls whose texts would be code if they were put into a line for the shell, a statement of SQL, or Python's own eval.

What counts is the line, the statement or the code as it arrives. A text is tried where the normal call gets to any of these, and is left
alone where running it is what the parameter is for. A process is refused, so that what a tool does after its first one is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass

from pytest_agentready.arguments.injections import MARK, of_loaders, of_python, of_shell, of_sql
from pytest_agentready.arguments.names import words_of
from pytest_agentready.domain import Abuse, Breach, Code, Command, Request, Run, Tool
from pytest_agentready.domain.shell import lines_of, runs
from pytest_agentready.experiments.abused import Calls, in_one_world, usual_run
from pytest_agentready.experiments.reach import names_in
from pytest_agentready.experiments.texts import Text, texts_of
from pytest_agentready.world import sql
from pytest_agentready.world.witness import Witness, witnessed

TEXTS = 6  # at most
DATABASES = ("postgresql:", "mysql:")
# Words of a parameter's name that say that it is code, and those of a tool's that say so of a plain `query`, `input` or `text`.
CODE = frozenset({"sql", "command", "commands", "cmd", "cmdline", "code", "script", "shell", "bash", "python", "program", "snippet", "argv", "statement"})
OPEN = frozenset({"query", "input", "text", "expression", "q"})
RUNNERS = frozenset({"sql", "python", "shell", "bash", "code", "repl", "interpreter", "terminal", "command"})
EVALUATING = frozenset({"eval", "exec", "compile"})
LOADING = frozenset({"pickle", "dill", "cloudpickle", "yaml", "jsonpickle", "Unpickler", "UnsafeLoader", "unsafe_load", "shelve"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call carried out as code, or handed to who does."""

    commands: tuple[Command, ...]
    statements: tuple[Code, ...]
    compiled: tuple[Code, ...]
    loaded: tuple[Code, ...]

    @property
    def lines(self) -> Iterator[Code]:
        for command in self.commands:
            for line in lines_of(command.words):
                yield Code(line, command.where)

    def shows(self, text: str) -> bool:
        """Does the text stand anywhere in it, as data or as code?"""
        everywhere = [word for command in self.commands for word in (*command.words, command.folder)]
        return any(text in each for each in (*everywhere, *(code.text for code in (*self.statements, *self.compiled))))


def run(tool: Tool) -> Abuse:
    texts = texts_of(tool)
    if not texts:
        return Abuse(nothing="it takes no text")
    with witnessed(tool.call, lambda _: False, MARK) as witness:
        watched = _Watched(witness)
        with_defaults = {text.parameter.name: text.value for text in texts if not text.keys and text.as_json}
        normal = watched.seen(lambda: usual_run(tool, {**with_defaults, **texts[0].given}))
        names = names_in(tool)
        ways = list(_ways(normal, names))
        if not ways:
            return Abuse(nothing="it starts no process, sends no statement and evaluates nothing", might=True)
        on_purpose = {text for text in texts if is_code(tool, text, normal)}
        tried = [text for text in texts if text not in on_purpose][:TEXTS]
        if not tried:
            return Abuse(nothing=f"running {_listed(on_purpose)} is what it is for: whether that is confirmed is judged by AR401")

        def visit(calls: Calls) -> Abuse:
            breaches: list[Breach] = []
            unseen: list[Text] = []
            for text in tried:
                shown = normal.shows(text.value)
                for way in ways:
                    for form, value in way.forms(text.value):
                        seen = watched.seen(lambda text=text, value=value: calls.made(text, value))  # type: ignore[misc]
                        shown = shown or seen.shows(MARK)
                        if (found := way.found(seen)) is not None:
                            breaches.append(Breach(text.name, form, value, found.text, found.where, way.kind))
                            break
                if not shown:
                    unseen.append(text)
            cut = _cut(normal, unseen) if not breaches else ""
            return Abuse(tuple(text.name for text in tried), tuple(breaches), gap=calls.gap or cut)

        return in_one_world(tool, tool.facts.backend, visit)


def _cut(normal: Seen, unseen: list[Text]) -> str:
    """A process does not start, so that nobody sees what would have come after it."""
    if not normal.commands or not unseen:
        return ""
    program = normal.commands[0].words[0]
    return f"what it does after it has started {program} is not seen, and {_listed(unseen)} is not in that command: processes are refused"


def _listed(texts: Iterable[Text]) -> str:
    return " and ".join(sorted({text.name for text in texts}))


class _Watched:
    """A witness, and what is new since the last call."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def seen(self, call: Callable[[], Run | None]) -> Seen:
        witness = self._witness
        before = [len(kind) for kind in (witness.commands, witness.statements, witness.compiled, witness.loaded)]
        run = call()
        sent = tuple(Code(_text(request), request.where) for request in run.requests if _is_statement(request)) if run else ()
        return Seen(
            tuple(witness.commands[before[0] :]),
            (*witness.statements[before[1] :], *sent),
            tuple(witness.compiled[before[2] :]),
            tuple(witness.loaded[before[3] :]),
        )


def _is_statement(request: Request) -> bool:
    return request.url.startswith(DATABASES)


def _text(request: Request) -> str:
    return request.body.decode("utf-8", "replace")


# -- the ways into code


@dataclass(frozen=True, slots=True)
class Way:
    kind: str
    forms: Callable[[str], Iterable[tuple[str, str]]]
    found: Callable[[Seen], Code | None]


def _ways(normal: Seen, names: Set[str]) -> Iterator[Way]:
    """Those that the normal call goes, or that the tool's code names."""
    if any(normal.lines):
        yield Way("a shell", of_shell, _in_a_line)
    if normal.statements:
        yield Way("SQL", lambda usual: of_sql(usual, backslashes=True), _in_a_statement)
    if normal.compiled or names & EVALUATING:
        yield Way("Python", of_python, _in_python)
    if names & LOADING:
        yield Way("a loader of objects", lambda _: of_loaders(), lambda seen: next(iter(seen.loaded), None))


def _in_a_line(seen: Seen) -> Code | None:
    return next((line for line in seen.lines if runs(line.text, MARK)), None)


def _in_a_statement(seen: Seen) -> Code | None:
    return next((statement for statement in seen.statements if sql.is_code(statement.text, MARK)), None)


def _in_python(seen: Seen) -> Code | None:
    return next((Code("", code.where) for code in seen.compiled if MARK in code.text.split()), None)


# -- what is code on purpose


def is_code(tool: Tool, text: Text, normal: Seen) -> bool:
    """By its name, or because all of it is the line or the statement, or names the program."""
    words = set(text.words)
    if words & CODE:
        return True
    if words & OPEN and RUNNERS & set(words_of(tool.name.rpartition(".")[2])):
        return True
    value = text.value.strip()
    whole = {sql.folded(statement.text.partition(" -- ")[0]) for statement in normal.statements}
    if sql.folded(value) in whole or (sql.verb(value) in sql.VERBS and any(sql.folded(value) in each for each in whole)):
        return True
    first = value.split()[:1]
    return bool(first) and any(line.text.split()[:1] == first for line in normal.lines)
