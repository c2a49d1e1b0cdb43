"""Calls whose texts would be code if they were put into a line for the shell, a statement of SQL, or Python's own eval.

What counts is the line, the statement or the code as it arrives. A text is tried where the normal call gets to any of these, and is left
alone where running it is what the parameter is for. A process is refused, so that what a tool does after its first one is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass

from pytest_agentready.arguments.injections import MARK, of_loaders, of_python, of_shell, of_sql
from pytest_agentready.arguments.names import words_of
from pytest_agentready.domain import Abuse, Breach, Code, Tool, Traces, listed, sql
from pytest_agentready.domain.shell import runs
from pytest_agentready.experiments.abused import Calls, in_one_world
from pytest_agentready.experiments.reach import names_in
from pytest_agentready.experiments.texts import Text, texts_of
from pytest_agentready.experiments.traced_call import traces_of
from pytest_agentready.world.witness import Witness, witnessed

TEXTS = 6  # at most
SQL = "SQL"
# Words of a parameter's name that say that it is code, and those of a tool's that say so of a plain `query`, `input` or `text`.
CODE = frozenset(
    {"sql", "command", "commands", "cmd", "cmdline", "code", "script", "shell", "bash", "python", "program", "snippet", "argv", "statement"}
)
OPEN = frozenset({"query", "input", "text", "expression", "q"})
RUNNERS = frozenset({"sql", "python", "shell", "bash", "code", "repl", "interpreter", "terminal", "command"})
EVALUATING = frozenset({"eval", "exec", "compile"})
LOADING = frozenset({"pickle", "dill", "cloudpickle", "yaml", "jsonpickle", "Unpickler", "UnsafeLoader", "unsafe_load", "shelve"})


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which a text can become code."""

    kind: str
    forms: Callable[[str], Iterable[tuple[str, str]]]
    found: Callable[[Traces], Code | None]


def run(tool: Tool, traced_call: Traces) -> Abuse:
    texts = texts_of(tool)
    if not texts:
        return Abuse(nothing="it takes no text")
    ways = list(_ways(traced_call, names_in(tool)))
    if not ways:
        return Abuse(nothing="it starts no process, sends no statement and evaluates nothing", might=True)
    on_purpose = [text for text in texts if is_code(tool, text, traced_call)]
    tried = [text for text in texts if text not in on_purpose][:TEXTS]
    if not tried:
        return Abuse(nothing=f"running {_named(on_purpose)} is what it is for: whether that is confirmed is judged by AR401")

    with witnessed(MARK) as witness:

        def visit(calls: Calls) -> Abuse:
            breaches: list[Breach] = []
            unseen: list[Text] = []
            for text in tried:
                found, shown = _tried(calls, witness, text, ways, fits=not traced_call.broken)
                breaches += found
                if not shown and not traced_call.show(text.value):
                    unseen.append(text)
            cut = calls.beyond_programs if _goes_on(traced_call) else _cut(traced_call, unseen)
            return Abuse(tuple(text.name for text in tried), tuple(breaches), gap=calls.gap or cut)

        return in_one_world(tool, tool.facts.backend, visit)


def _tried(calls: Calls, witness: Witness, text: Text, ways: Iterable[Way], *, fits: bool) -> tuple[list[Breach], bool]:
    """The first form of each way that got through, and whether any of the texts was seen to arrive.

    `fits`: the usual statements fit the grammar. Where one does not any more, it was not data that was put into it.
    """
    breaches: list[Breach] = []
    shown = False
    for way in ways:
        broken: Breach | None = None
        for form, value in way.forms(text.value):
            before = witness.traces()
            made = calls.made(text, value)
            traces = traces_of(witness, *([made] if made else []), since=before)
            shown = shown or traces.show(MARK)
            if (code := way.found(traces)) is not None:
                breaches.append(Breach(text.name, form, value, code.text, code.where, way.kind))
                break
            if way.kind == SQL and traces.broken and fits and broken is None:
                code = traces.broken[0]
                broken = Breach(text.name, form, value, f"the statement breaks ({code.text})", code.where, way.kind)
        else:
            if broken is not None:
                breaches.append(broken)
    return breaches, shown


def _goes_on(normal: Traces) -> bool:
    """Is a program among several things that the normal call has others do, so that it was started?"""
    return len(normal.commands) > 1 or (bool(normal.commands) and bool(normal.statements or normal.compiled))


def _cut(normal: Traces, unseen: list[Text]) -> str:
    """A process does not start, so that nobody sees what would have come after it."""
    if not normal.commands or not unseen:
        return ""
    program = normal.commands[0].words[0]
    return f"processes are refused: what it does after it has started {program} is not seen, and {_named(unseen)} is not in that command"


def _named(texts: Iterable[Text]) -> str:
    return listed(dict.fromkeys(text.name for text in texts))


def _ways(normal: Traces, names: Set[str]) -> Iterator[Way]:
    """Those that the normal call goes, or that the tool's code names."""
    if normal.commands:
        yield Way("a shell", of_shell, _in_a_line)
    if normal.statements:
        yield Way(SQL, lambda usual: of_sql(usual, normal.dialects), _in_a_statement)
    if normal.compiled or names & EVALUATING:
        yield Way("Python", of_python, _in_python)
    if names & LOADING:
        yield Way("a loader of objects", lambda _: of_loaders(), _by_a_loader)


def _in_a_line(traces: Traces) -> Code | None:
    return next((line for line in traces.lines if runs(line.text, MARK)), None)


def _in_a_statement(traces: Traces) -> Code | None:
    return next((statement for statement in traces.statements if sql.is_code(statement.text, MARK)), None)


def _in_python(traces: Traces) -> Code | None:
    return next((Code("", code.where) for code in traces.compiled if MARK in code.text.split()), None)


def _by_a_loader(traces: Traces) -> Code | None:
    return next((Code("", code.where) for code in traces.loaded), None)


def is_code(tool: Tool, text: Text, normal: Traces) -> bool:
    """Is it there to be run? By its name, or because all of it is the line or the statement, or names the program."""
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
