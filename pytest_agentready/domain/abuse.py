"""Arguments that a hostile text can make a model give, and how far they got: to an inner address, out of a folder, into code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_agentready.domain.shell import lines_of

Deed = Literal["read", "written", "made", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Touch:
    """A path that a run opened, listed, made or removed, or was about to."""

    path: str  # as the system resolves it
    is_folder: bool
    deed: Deed
    where: str

    @property
    def changes(self) -> bool:
        return self.deed != "read"


@dataclass(frozen=True, slots=True)
class Command:
    """A process that a run was about to start."""

    words: tuple[str, ...]  # a line for the shell stands behind `sh -c`
    folder: str
    where: str


@dataclass(frozen=True, slots=True)
class Code:
    """Something that was carried out as code: a statement of SQL, or what was compiled, unpickled or imported."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Traces:
    """What calls did on this machine, and what they handed to somebody who carries out code."""

    touches: tuple[Touch, ...] = ()
    commands: tuple[Command, ...] = ()
    statements: tuple[Code, ...] = ()  # of SQLite, and of the databases in the world
    compiled: tuple[Code, ...] = ()  # by eval or exec: the names in it
    loaded: tuple[Code, ...] = ()  # by an import or a pickle, of what only a hostile text names
    dialects: frozenset[str] = frozenset()  # of the statements: "sqlite", "mysql", "postgresql"
    broken: tuple[Code, ...] = ()  # what SQLite says of statements that do not fit its grammar

    @property
    def lines(self) -> tuple[Code, ...]:
        """The lines for a shell."""
        return tuple(Code(line, command.where) for command in self.commands for line in lines_of(command.words))

    def show(self, text: str) -> bool:
        """Does the text stand anywhere in what was carried out, as data or as code?"""
        words = [word for command in self.commands for word in (*command.words, command.folder)]
        return any(text in each for each in (*words, *(code.text for code in (*self.statements, *self.compiled))))


@dataclass(frozen=True, slots=True)
class Breach:
    """One argument that got where it should not."""

    parameter: str
    form: str  # in few words, for a list: "127.0.0.1", "a symbolic link"
    value: str
    reached: str  # the address, the path, the command
    where: str
    kind: str = ""  # of what was reached, where there are several: "shell", "SQL", "Python"


@dataclass(frozen=True, slots=True)
class Abuse:
    """What became of one kind of hostile values."""

    parameters: tuple[str, ...] = ()  # that were tried
    breaches: tuple[Breach, ...] = ()
    nothing: str = ""  # why there was nothing to try; "" where there was
    gap: str = ""  # what could not be tried, and why
    might: bool = False  # where there was nothing to try: another call might show that there is

    @property
    def guards(self) -> Iterator[tuple[Breach, ...]]:
        """The breaches that one look at an argument would prevent: the same argument, or the same line, whatever is done there."""
        groups: list[list[Breach]] = []
        for breach in self.breaches:
            same = [group for group in groups if any(one.parameter == breach.parameter or one.where == breach.where for one in group)]
            groups = [group for group in groups if group not in same]
            groups.append([*(one for group in same for one in group), breach])
        return (tuple(group) for group in groups)

    @property
    def causes(self) -> Iterator[tuple[Breach, ...]]:
        """The breaches that one guard would mend: the same line, and the same kind."""
        found: dict[tuple[str, str], list[Breach]] = {}
        for breach in self.breaches:
            found.setdefault((breach.where, breach.kind), []).append(breach)
        return (tuple(breaches) for breaches in found.values())
