"""Calls whose path leads out of the folder that the normal call works in; what counts is which file is opened, made or removed.

The folder is found from the normal call: the path that it opens, without the part that is the argument. Nothing is opened outside of
it, and nothing new is written: the call is broken off there. The files that are aimed at are one of our own, and one that every
system has, so that a tool which looks first whether there is a file goes on.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from pytest_agentready.arguments.escapes import UP, disguised, file_urls, plain
from pytest_agentready.domain import Abuse, Breach, Deed, Effect, Run, Tool, Touch, Traces
from pytest_agentready.experiments.abused import Calls, in_one_world
from pytest_agentready.experiments.internal_addresses import is_address
from pytest_agentready.experiments.texts import Text, texts_of
from pytest_agentready.world.witness import Witness, witnessed

EVERYWHERE = "/etc/passwd"
MARK = "agentready"
NAME = "notes"  # of our file, without its suffix
NOTHING = "none of its arguments names a file or folder of this machine"
PATH = re.compile(r"[\w./*-]*(?:/[\w.*-]+|\.[a-z]{1,5})")  # 2026/may, notes.txt, *.md
NAMES = frozenset({"path", "file", "filename", "filepath", "dir", "directory", "folder", "paths", "files", "pattern", "glob"})  # last words
PARAMETERS = 3  # at most
DEEDS: dict[str, Deed] = {"remove": "removed", "rename": "removed"}  # by the verb of an effect
SHORT = 2  # characters of a value that stands in a path by chance


@dataclass(frozen=True, slots=True)
class Root:
    """The folder that a text is meant to stay in."""

    folder: str = ""  # not known: the normal call opened nothing
    behind: str = ""  # what the tool puts behind the text, such as ".json"
    is_folder: bool = False  # a folder is named, and listed

    def holds(self, path: str) -> bool:
        return self.folder != "" and (self.folder in (os.sep, path) or path.startswith(self.folder + os.sep))

    @property
    def twin(self) -> str:
        """A folder beside it, whose name begins alike."""
        return f"{self.folder}-{MARK}"

    @property
    def is_scratch(self) -> bool:
        """A temporary one: something may be put there, which never happens among the user's own files."""
        return _is_temporary(self.folder) and os.path.isdir(self.folder)


@dataclass(frozen=True, slots=True)
class Case:
    """One text, its folder, and what is aimed at."""

    text: Text
    root: Root
    outside: str  # a folder of ours

    @property
    def suffix(self) -> str:
        """What the names of the tool's files end with."""
        return "" if self.root.is_folder else self.root.behind or os.path.splitext(self.text.value)[1]

    @property
    def target(self) -> str:
        """The file, or the folder, that is aimed at."""
        if self.root.is_folder:
            return self.outside
        return os.path.join(self.outside, f"{'*' if '*' in self.text.value else NAME}{self.suffix}")

    @property
    def link(self) -> str:
        """In a folder of the folder, to what is aimed at: who takes nothing but plain names cannot be led there."""
        return os.path.join(self.root.folder, MARK, f"{MARK}{self.suffix}")

    @property
    def up(self) -> int:
        """How many folders lie above the text's own, and one more."""
        return self.root.folder.count(os.sep) + self.text.value.count("/") + 1 if self.root.folder else UP

    def is_hit(self, touch: Touch) -> bool:
        aimed = (f"{self.outside}/", f"{EVERYWHERE}/", f"{EVERYWHERE}.", f"{self.root.twin}/")
        return f"{touch.path}/".startswith(aimed) and not self.root.holds(touch.path)


class Aim:
    """What a hostile call may touch: what the normal one does, but for what it is after."""

    def __init__(self, usual: frozenset[str]) -> None:
        self.case: Case | None = None
        self._usual = usual

    def refuses(self, touch: Touch) -> bool:
        if self.case is None:
            return False
        if self.case.is_hit(touch):
            return True
        own = not self.case.root.holds(touch.path) and _is_temporary(touch.path)  # a temporary file of the tool's own
        return touch.changes and touch.path not in self._usual and not own


def run(tool: Tool, traced_call: Traces) -> Abuse:
    texts = texts_of(tool)
    if not texts:
        return Abuse(nothing="it takes no text")
    found = list(_roots(traced_call.touches, texts))[:PARAMETERS]
    guessed = not found
    if guessed:
        found = [(text, Root()) for text in texts if is_path(text)][:PARAMETERS]
    addresses = [(text, Root()) for text in texts if is_address(text, ()) and all(text is not other for other, _ in found)][:PARAMETERS]
    if not found and not addresses:
        return Abuse(nothing=NOTHING, might=True)
    aim = Aim(frozenset(touch.path for touch in traced_call.touches))
    with _planted([*found, *addresses]) as cases, witnessed(MARK, aim.refuses) as witness:

        def visit(calls: Calls) -> Abuse:
            breaches = [breach for case in cases[: len(found)] for breach in _tried(calls, witness, aim, case)]
            breaches += [breach for case in cases[len(found) :] for breach in _opened(calls, witness, aim, case)]
            if guessed and not breaches and not calls.held_back:
                return Abuse(nothing=NOTHING, might=True)
            return Abuse(tuple(case.text.name for case in cases), tuple(breaches), gap=calls.gap or calls.beyond_programs)

        return in_one_world(tool, tool.facts.backend, visit)


def _roots(touches: Iterable[Touch], texts: tuple[Text, ...]) -> Iterator[tuple[Text, Root]]:
    """The texts by which the tool finds a file or folder, each with the folder that it starts from."""
    for text in texts:
        root = next(filter(None, (root_of(text.value, touch) for touch in touches)), None)
        if root is not None:
            yield text, root


def is_path(text: Text) -> bool:
    """Does it look like one: by its value, or by its name?"""
    return bool(PATH.fullmatch(text.value)) or (bool(text.value) and not NAMES.isdisjoint(text.words[-1:]))


def root_of(value: str, touch: Touch) -> Root | None:
    """The folder from which the text leads to what was touched; None where it does not lead there."""
    if not value or "\0" in value or "://" in value:
        return None
    tail = os.path.normpath(os.path.expanduser(value))
    if os.path.isabs(tail):
        tail = os.path.realpath(tail)
        if not f"{touch.path}/".startswith(f"{tail}/") or tail == os.sep:
            return None
        return Root(tail if touch.is_folder else os.path.dirname(tail), "", touch.is_folder)
    if tail == os.curdir:
        return Root(touch.path, "", True) if touch.is_folder else None
    before, found, behind = touch.path.rpartition(f"{os.sep}{tail}")
    if not found and len(tail) > SHORT:
        before, found, behind = touch.path.rpartition(tail)
        before = os.path.dirname(before)
    if not found or behind[:1].isalnum():
        return None
    inside = behind.startswith(os.sep)  # a file within the folder that the text names
    return Root(before or os.sep, "" if inside else behind, touch.is_folder or inside)


def _opened(calls: Calls, witness: Witness, aim: Aim, case: Case) -> Iterator[Breach]:
    """The first URL of a file by which a text that is an address gets there."""
    aim.case = case
    found = (breach for form, value in file_urls(case.target) for breach in _hit(calls, witness, case, form, value))
    yield from itertools.islice(found, 1)


def _hit(calls: Calls, witness: Witness, case: Case, form: str, value: str) -> Iterator[Breach]:
    before = len(witness.touches)
    made = calls.made(case.text, value.removesuffix(case.root.behind))
    changed = [Touch(one.target, False, DEEDS.get(one.verb, "written"), one.where) for one in _of_files(made)]
    touch = next((touch for touch in (*witness.touches[before:], *changed) if case.is_hit(touch)), None)
    if touch is not None:
        kind = "listed" if touch.is_folder and not touch.changes else touch.deed
        yield Breach(case.text.name, form, value, touch.path, touch.where, kind)


def _tried(calls: Calls, witness: Witness, aim: Aim, case: Case) -> Iterator[Breach]:
    aim.case = case
    hit = partial(_hit, calls, witness, case)
    usual = case.text.value
    open_to: list[Breach] = []
    for target in [case.target] if case.root.is_folder else [case.target, EVERYWHERE]:
        if not open_to:
            open_to = [breach for form, value in plain(usual, target, case.up) for breach in hit(form, value)]
    yield from open_to
    if not case.root.folder:
        return
    if not open_to:
        for form, value in disguised(usual, case.target, case.up):
            yield from hit(form, value)
    yield from hit("a folder beside it whose name begins alike", f"../{os.path.basename(case.root.twin)}/{NAME}{case.suffix}")
    if case.root.is_scratch:
        yield from hit("a symbolic link", os.path.relpath(case.link, case.root.folder))


def _of_files(run: Run | None) -> list[Effect]:
    return [effect for effect in run.local_effects if effect.kind == "file"] if run is not None else []


@contextlib.contextmanager
def _planted(found: list[tuple[Text, Root]]) -> Iterator[list[Case]]:
    """A file outside for each text; where its folder is a temporary one, also a link in it, and a folder beside it."""
    outside = os.path.realpath(tempfile.mkdtemp(prefix=f"{MARK}-"))
    links: list[str] = []
    twins: list[str] = []
    cases: list[Case] = []
    try:
        for text, root in found:
            case = Case(text, root, outside)
            cases.append(case)
            with contextlib.suppress(OSError, ValueError):  # a suffix that no file can have
                _write(os.path.join(outside, f"{NAME}{case.suffix}"))
            if root.is_scratch:
                with contextlib.suppress(OSError):  # there is one from another text
                    os.makedirs(folder := os.path.dirname(case.link))
                    links.append(folder)
                    os.symlink(case.target, case.link)
                    os.mkdir(root.twin)
                    twins.append(root.twin)
                    _write(os.path.join(root.twin, f"{NAME}{case.suffix}"))
        yield cases
    finally:
        for folder in (*links, *twins, outside):
            shutil.rmtree(folder, ignore_errors=True)


def _write(path: str) -> None:
    with open(path, "w") as file:
        file.write(f"{MARK}\n")


def _is_temporary(path: str) -> bool:
    return path.startswith(os.path.realpath(tempfile.gettempdir()) + os.sep)
