"""The nodes of tools that no test file names: `agentready::shop.tools.send_email::AR202-unbounded-wait`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest

from pytest_agentready.collect.imports import Misuse, sentence
from pytest_agentready.domain import AnySubject, Check, Subject
from pytest_agentready.settings import Settings

ROOT = "agentready"
Case = tuple[AnySubject, Check] | tuple[None, str]  # what an item judges, or why it cannot


class Catalogue(Protocol):
    """Who is to be examined, as far as the nodes ask: the session's collection."""

    settings: Settings

    def behind(self, target: str, kind: str) -> list[tuple[Subject, list[tuple[str, Case]]]]:
        """Who is to be examined for this target, with a name and a case for each item. Raises Misuse."""

    def wants(self, *ids: str) -> bool:
        """Is this item, by its own id or one of a node above it, to be collected?"""


class Targets(pytest.Collector):
    """The root of all targets. It collects after all files, so that it is known which tools a test marks."""

    @classmethod
    def below(cls, session: pytest.Session, collection: Catalogue) -> Targets:
        node = cls.from_parent(session, name=ROOT, nodeid=ROOT)
        node.collection = collection
        return node

    collection: Catalogue

    def collect(self) -> Iterator[pytest.Collector]:
        _importable(self.config)
        settings = self.collection.settings
        for kind, targets in (("tool", settings.tools), ("loop", settings.loops)):
            for target in targets:
                node = Target.from_parent(self, name=target, nodeid=f"{ROOT}::{target}")
                node.collection, node.kind = self.collection, kind
                yield node


class Target(pytest.Collector):
    """A module, or what `module:name` names."""

    collection: Catalogue
    kind: str  # of what is to be found there: "tool" or "loop"

    def collect(self) -> Iterator[pytest.Collector]:
        try:
            tools = self.collection.behind(self.name, self.kind)
        except Misuse as misuse:
            raise self.CollectError("\n".join(map(sentence, misuse.args))) from None
        for subject, cases in tools:
            node = Examined.from_parent(self, name=subject.name, nodeid=f"{ROOT}::{subject.name}")
            node.subject = subject
            node.cases = [(name, case) for name, case in cases if self.collection.wants(self.nodeid, node.nodeid, f"{node.nodeid}::{name}")]
            if node.cases:
                yield node


class Examined(pytest.Collector):
    """One tool; for fixtures of a module's scope it stands for the module."""

    subject: Subject
    cases: list[tuple[str, Case]]

    @property
    def obj(self) -> ModuleType:
        found = [module for name, module in sys.modules.copy().items() if self.name.startswith(f"{name}.")]
        return max(found, key=lambda module: len(module.__name__), default=ModuleType(ROOT))

    def collect(self) -> Iterator[pytest.Item]:
        for name, case in self.cases:
            item = Examination.from_parent(self, name=name, callobj=_examine)
            item.subject, item.case = self.subject, case
            yield item


class Examination(pytest.Function):
    """One check of one tool. Fixtures that hold everywhere (autouse, in the root's conftest.py) hold here too."""

    subject: Subject
    case: Case

    def getparent(self, cls: Any) -> Any:
        return self.parent if cls is pytest.Module else super().getparent(cls)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        path, _, line = self.subject.source.rpartition(":")
        title = f"{self.subject.name} {self.name}"
        return (self.config.rootpath / path, int(line) - 1, title) if path else (self.path, None, title)


def _examine(readiness_check: Callable[[], object]) -> None:
    readiness_check()


def _importable(config: pytest.Config) -> None:
    """As for `python -m pytest`: the project's own folder is on the path, for as long as the session lasts."""
    root = str(config.rootpath)
    if root not in sys.path:
        sys.path.insert(0, root)
        config.add_cleanup(lambda: sys.path.remove(root) if root in sys.path else None)
