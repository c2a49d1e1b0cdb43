"""The tools and loops behind targets that no test marks: each once, under a name of its own, and ready to be called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from pytest_agentready.collect import names
from pytest_agentready.collect.imports import BrokenImport, Misuse, imported, sentence, traced
from pytest_agentready.collect.loop_marker import LoopMarks
from pytest_agentready.collect.marker import Marks, same_object
from pytest_agentready.collect.targets import Candidate, Reader
from pytest_agentready.domain import AnySubject, Tool

OF_A_LOOP = "They are given by a test of this loop: `@pytest.mark.agent_loop(loop=..., args={...})`"
IN_A_TEST = "They are given by a test of this tool: `@pytest.mark.agent_tool(tool=..., args={...})`"


@dataclass(frozen=True, slots=True)
class Unmarked:
    """A tool, or what keeps it from being examined."""

    name: str
    source: str
    subject: AnySubject | None
    problem: Misuse | None = None


@dataclass
class UnmarkedTools:
    """What the targets of one session have brought so far."""

    marks: Marks
    met: list[Candidate] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)  # modules whose traceback has been shown

    def behind(self, target: str) -> list[Unmarked]:
        """Raises Misuse where nothing is behind it; nothing new may well be."""
        candidates = [candidate for candidate in self._read(target) if not _is_any(candidate, [met.subject for met in self.met])]
        self.met += candidates
        tools = [self.marks.adapted(candidate.subject) for candidate in candidates]
        wanted = [(_name(tool, candidate), candidate.key) for tool, candidate in zip(tools, candidates, strict=True)]
        # All are named before those are left out that a test marks: a name shall not depend on which tests are collected.
        given = list(names.distinct(wanted, self.named))
        self.named.update(given)
        marked = [stated.subject for stated in self.marks.stated]
        named = zip(candidates, tools, given, strict=True)
        return [self._ready(replace(tool, name=name)) for candidate, tool, name in named if not _is_any(candidate, marked)]

    def hidden(self, target: str) -> str:
        """What the summary says of a module's functions that its registry hides, without those that a test or a target names itself."""
        known = [candidate.subject for candidate in self.met] + [stated.subject for stated in self.marks.stated]
        return Reader(self.marks.registry).hidden(target, known)

    def _read(self, target: str) -> list[Candidate]:
        try:
            return _once(Reader(self.marks.registry).read(target))
        except BrokenImport as broken:
            home = target.partition(":")[0]
            if home in self.broken:
                raise Misuse(f"{target!r}: {home} cannot be imported, as another target has shown") from None
            self.broken.add(home)
            raise Misuse(f"{target!r}: {home} cannot be imported\n{traced(broken.failure)}") from None

    def _ready(self, tool: Tool) -> Unmarked:
        try:
            return Unmarked(tool.name, tool.source, self.marks.with_arguments(tool))
        except Misuse as misuse:
            told = [f"{sentence(problem)} {IN_A_TEST}" for problem in misuse.args]
            return Unmarked(tool.name, tool.source, None, Misuse(*told))


@dataclass
class UnmarkedLoops:
    """The loops behind targets, each of which names one."""

    marks: LoopMarks
    met: list[object] = field(default_factory=list)

    def behind(self, target: str) -> list[Unmarked]:
        """Raises Misuse where the target names no function."""
        if ":" not in target:
            module_name, _, name = target.rpartition(".")
            if module_name and find_spec_of(target) is None:
                raise Misuse(f"{target!r} names no module. Did you mean '{module_name}:{name}'?")
            raise Misuse(f"{target!r} is a module: name the loop in it, such as '{target}:run_agent'")
        subject = imported(target)
        if any(same_object(subject, known) for known in (*self.met, *(stated.subject for stated in self.marks.stated))):
            return []
        self.met.append(subject)
        loop = self.marks.adapted(subject)
        self.marks.marks.loops.append(loop.name)
        try:
            return [Unmarked(loop.name, loop.source, self.marks.with_facts(loop, {}))]
        except Misuse as misuse:
            told = [f"{sentence(problem)} {OF_A_LOOP}" for problem in misuse.args]
            return [Unmarked(loop.name, loop.source, None, Misuse(*told))]


def find_spec_of(name: str) -> object:
    """None where there is no such module; whatever its package raises, there is none."""
    try:
        return find_spec(name)
    except Exception:
        return None


def _once(candidates: list[Candidate]) -> list[Candidate]:
    """A registry may have one tool under two keys."""
    found: list[Candidate] = []
    for candidate in candidates:
        if not _is_any(candidate, [known.subject for known in found]):
            found.append(candidate)
    return found


def _is_any(candidate: Candidate, subjects: Iterable[object]) -> bool:
    return any(_is_same(candidate, subject) for subject in subjects)


def _is_same(candidate: Candidate, subject: object) -> bool:
    if same_object(candidate.subject, subject):
        return True
    mine, other = getattr(candidate.subject, "__func__", None), getattr(subject, "__func__", None)
    return candidate.was_made and mine is not None and mine is other  # of another object of its class


def _name(tool: Tool, candidate: Candidate) -> str:
    """As its adapter names it; a lambda, or a function made by another, goes by the name under which its target has it."""
    path = getattr(candidate.subject, "__qualname__", "")
    if "<lambda>" in path or ("<locals>" in path and not candidate.key.isdigit()):
        return f"{candidate.home}.{names.word(candidate.key)}"
    return tool.name
