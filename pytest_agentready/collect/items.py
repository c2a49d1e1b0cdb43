"""From a marker to items: the tool that the mark names meets every check of the profile."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from pytest_agentready.collect.breaker_marker import MARK as BREAKER_MARK
from pytest_agentready.collect.breaker_marker import BreakerMarks
from pytest_agentready.collect.imports import Misuse, sentence
from pytest_agentready.collect.loop_marker import MARK as LOOP_MARK
from pytest_agentready.collect.loop_marker import LoopMarks
from pytest_agentready.collect.marker import MARK, Marks
from pytest_agentready.collect.nodes import Case, Examination, Targets
from pytest_agentready.collect.unmarked import Unmarked, UnmarkedLoops, UnmarkedTools
from pytest_agentready.domain import PROPERTY, AnySubject, Check, Result, Subject, did_you_mean
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Unloadable
from pytest_agentready.settings import Settings

FIXTURE = "readiness_check"
BY_HAND = ("agent_tool", "agent_loop")  # the fixtures that call the subject
TARGETS = {"tool": "agentready_tools", "loop": "agentready_loops"}
MARKS = {MARK: "tool", LOOP_MARK: "loop", BREAKER_MARK: "breaker"}


@dataclass
class Collection:
    """What one session has collected. Equal marks give the same Tool: its experiments are made once."""

    engine: Engine
    settings: Settings
    marks: Marks
    chosen: tuple[str, ...] = ()  # the nodes below `agentready` that the command line names; none: all
    examined: set[str] = field(
        default_factory=set
    )  # ids of the nodes whose mark a test has asked readiness_check or a fixture of BY_HAND for

    def __post_init__(self) -> None:
        self.loop_marks = LoopMarks(self.marks)
        self.breaker_marks = BreakerMarks(self.marks)
        self.unmarked = UnmarkedTools(self.marks)
        self.unmarked_loops = UnmarkedLoops(self.loop_marks)
        self.awaited: Counter[AnySubject] = Counter()  # items of each tool that have not been run
        self.notes: list[str] = []  # what the summary says of the targets
        self.nodes: set[str] = set()  # the ids that could have been chosen

    def targets(self, session: pytest.Session) -> Targets:
        return Targets.below(session, self)

    def behind(self, target: str, kind: str = "tool") -> list[tuple[Subject, list[tuple[str, Case]]]]:
        """Who is to be examined for this target, with a name and a case for each item. Raises Misuse."""
        unmarked = self.unmarked_loops.behind(target) if kind == "loop" else self.unmarked.behind(target)
        found = [(self._subject(each.name, each.source, each.subject, kind), self._cases(each, kind)) for each in unmarked]
        if kind == "tool" and (hidden := self.unmarked.hidden(target)):
            self.notes.append(hidden)
        return found

    def wants(self, *ids: str) -> bool:
        """Is this item, by its own id or one of a node above it, to be collected?"""
        self.nodes.update(ids)
        return not self.chosen or any(id in self.chosen for id in ids)

    def missed(self) -> list[str]:
        """The complaints about nodes that the command line names and that are not there."""
        return [f"not found: {node}.{did_you_mean(node, self.nodes)}" for node in self.chosen if node not in self.nodes]

    def _cases(self, unmarked: Unmarked, kind: str) -> list[tuple[str, Case]]:
        try:
            if unmarked.subject is None:
                raise unmarked.problem or Misuse()
            return [(check.label, (unmarked.subject, check)) for check in self._checks(unmarked.subject)]
        except Misuse as misuse:
            return [(TARGETS[kind], (None, told(TARGETS[kind], misuse)))]

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """One item per check; where the mark is unusable, one item that says so."""
        definition = metafunc.definition
        owner = _owner(definition)
        if owner is None:
            return  # the fixture says that the mark is missing
        self.examined.add(owner.nodeid)
        name = _nearest(definition)
        try:
            read = {MARK: self.marks.tool, LOOP_MARK: self.loop_marks.loop, BREAKER_MARK: self.breaker_marks.breaker}
            subject = read[name](definition)  # type: ignore[operator]
            checks = self._checks(subject)
        except Misuse as misuse:
            cases = [pytest.param((None, told(name, misuse)), id=name)]
        else:
            cases = [pytest.param((subject, check), id=check.label) for check in checks]
        metafunc.parametrize(FIXTURE, cases, indirect=True)

    def prepare(self, config: pytest.Config, items: list[pytest.Item]) -> dict[pytest.Item, str]:
        """Tie our items to what they judge. Returns the items that must not pass, with the reason."""
        complaints: dict[pytest.Item, str] = {}
        blamed: set[str] = set()
        by_hand = [item for item in items if not set(BY_HAND).isdisjoint(getattr(item, "fixturenames", ()))]
        self.examined |= {owner.nodeid for item in by_hand if (owner := _owner(item)) is not None}
        for item in items:
            if FIXTURE in getattr(item, "fixturenames", ()):
                self._tie(config, item)
                continue
            owner = _owner(item)
            if owner is None or owner.nodeid in blamed or item in by_hand:
                continue
            if owner is not item and (owner.nodeid in self.examined or _selected_by_id(config)):
                continue  # a test beside this one examines the tool, or may do so in another run
            blamed.add(owner.nodeid)
            complaints[item] = _nothing_examined(item, owner)
            self._carry(item, Result.misuse(_nearest(item), self._place(item), item.nodeid))
        return complaints

    def expect(self, items: list[pytest.Item]) -> None:
        """These are to be run: what is observed of a tool is kept for as long as one of its own is among them."""
        self.awaited = Counter(subject for item in items if (subject := _case(item)[0]))

    def deselected(self, items: list[pytest.Item]) -> list[str]:
        """What is wrong with the marks of items that are not to be run, each in one line: no error of what was asked for, and not lost."""
        found = ((item, _case(item)) for item in items if FIXTURE in getattr(item, "fixturenames", ()))
        return [f"{item.nodeid}: {' '.join(case[1].split())}" for item, case in found if case[0] is None and case[1]]

    def done(self, item: pytest.Item) -> None:
        if subject := _case(item)[0]:
            self.awaited[subject] -= 1
            if not self.awaited[subject]:
                self.engine.forget(subject)

    def _tie(self, config: pytest.Config, item: pytest.Item) -> None:
        case = _case(item)
        if case[0] is None:
            name = TARGETS[item.subject.kind] if isinstance(item, Examination) else _nearest(item)
            self._carry(item, Result.misuse(name, self._place(item), item.nodeid))
            return
        subject, check = case
        self._carry(item, Result.expected(check, self._subject(subject.name, subject.source, subject), item.nodeid))
        if subject.source:
            _point_at(item, subject.source)
        if hasattr(config, "workerinput") and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(subject.name))  # one subject, one worker: its experiments are made once

    def _carry(self, item: pytest.Item, result: Result) -> None:
        item.user_properties.append((PROPERTY, result.to_json()))

    def _subject(self, name: str, source: str, subject: AnySubject | None, kind: str = "tool") -> Subject:
        source = self.engine.relative(source)
        return Subject(name, source, subject.kind, subject.framework) if subject else Subject(name, source, kind)

    def _place(self, item: pytest.Item) -> Subject:
        """The test stands for a tool that could not be made out."""
        if isinstance(item, Examination):
            return item.subject
        path, line, _ = item.reportinfo()
        return Subject(item.nodeid.partition("[")[0], self.engine.relative(f"{path}:{(line or 0) + 1}"), MARKS[_nearest(item)])

    def _checks(self, subject: AnySubject) -> tuple[Check, ...]:
        """Those of the profile, without what is known not to concern the subject."""
        try:
            checks = self.engine.registry.in_profile(self.settings.profile, subject)
        except Unloadable as failure:
            raise Misuse(f"the checks cannot be loaded: {failure}. Update or remove the package that brings them") from failure
        if not checks:
            raise Misuse(f"profile {self.settings.profile!r} has no checks. Set agentready_profile to a wider one")
        return tuple(check for check in checks if check.concerns(subject))


def _owner(node: pytest.Item) -> pytest.Item | pytest.Collector | None:
    """The test, class or module on which the closest mark stands."""
    found = next(node.iter_markers_with_node(_nearest(node)), None)
    return cast("pytest.Item | pytest.Collector", found[0]) if found else None


def _nearest(node: pytest.Item) -> str:
    """The name of the closest of our marks."""
    chain = node.listchain()
    owners = {name: found[0] for name in MARKS if (found := next(node.iter_markers_with_node(name), None))}
    return max(owners, key=lambda name: chain.index(owners[name]), default=MARK)


def _case(item: pytest.Item) -> Case:
    if isinstance(item, Examination):
        return item.case
    callspec = getattr(item, "callspec", None)
    case: Case = callspec.params.get(FIXTURE, (None, "")) if callspec else (None, "")
    return case


def told(name: str, misuse: Misuse) -> str:
    """What is wrong with a mark or a target, as its item says it."""
    problems = [sentence(problem) for problem in misuse.args]
    if len(problems) == 1:
        return f"{name}: {problems[0]}"
    return "\n".join([f"{name}: {len(problems)} problems", *(f"  - {problem}" for problem in problems)])


def _nothing_examined(item: pytest.Item, owner: object) -> str:
    stands = f"{_nearest(item)} stands on {getattr(owner, 'nodeid', owner)}"
    unittest = sys.modules.get("unittest")
    if unittest and issubclass(getattr(item, "cls", None) or object, unittest.TestCase):
        return f"{stands}, but unittest's methods take no fixtures: nothing is examined. Write a function that takes `{FIXTURE}`."
    what = "which does not ask" if owner is item else "but none of its tests asks"
    return f"{stands}, {what} for `{FIXTURE}`: nothing is examined. Take `{FIXTURE}` as an argument of a test, and call it there."


def _selected_by_id(config: pytest.Config) -> bool:
    """With `file::test` on the command line the tests beside it are not collected: who asks is not known then."""
    return any("::" in argument for argument in config.args)


def _point_at(item: pytest.Item, source: str) -> None:
    """A failure's place is the user's tool, for terminals, IDEs and junitxml alike."""
    path, _, line = source.rpartition(":")
    place = (Path(path), int(line) - 1, item.reportinfo()[2])
    setattr(item, "reportinfo", lambda: place)
