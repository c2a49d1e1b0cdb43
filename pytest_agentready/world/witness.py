"""What a run does on this machine that its record does not show: the paths that it touches, the processes that it would start,
the statements that SQLite carries out, the code that is made of a text.

Only who asks for a witness gets one: it is told by the audit hook, and by SQLite itself. It may refuse what is touched.
"""

from __future__ import annotations

import contextlib
import os
import sys
from _thread import get_ident
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any

from pytest_agentready.domain import Code, Command, Deed, Touch, Traces
from pytest_agentready.world import active, runs, stack
from pytest_agentready.world.sqlite import failures

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events of the system's calls: where their paths stand, and what they do.
OPENING = "open"
LISTING = ("os.listdir", "os.scandir", "os.chdir")
CHANGING: dict[str, tuple[Deed, ...]] = {  # what becomes of the paths that they are given
    **dict.fromkeys(("os.remove", "os.rmdir", "shutil.rmtree"), ("removed",)),
    **dict.fromkeys(("os.truncate", "os.chmod", "os.chown", "os.utime"), ("changed",)),
    "os.mkdir": ("made",),
    "os.rename": ("removed", "made"),
    "os.link": ("read", "made"),
    "os.symlink": ("read", "made"),
}
STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
CACHES = "__pycache__"
LOADED = (".py", ".pyc", ".so")  # by an import, or to show a line of a traceback; a tool may well read such a file as any other
LOADERS = frozenset({"importlib", "linecache", "tokenize", "inspect", "pkgutil", "zipimport", "traceback"})
LOADING = 12  # frames between the opening of a file and what wants it
current: Witness | None = None


class Witness:
    """Of all runs that are made while it is there."""

    def __init__(self, refuses: Callable[[Touch], bool], mark: str) -> None:
        self._refuses = refuses
        self._mark = mark  # the text that tells hostile statements and code from others
        self.touches: list[Touch] = []
        self.commands: list[Command] = []
        self.statements: list[Code] = []  # of SQLite
        self.broken: list[Code] = []  # what SQLite says of statements that do not fit its grammar
        self.compiled: list[Code] = []  # by eval or exec, with the names in it
        self.loaded: list[Code] = []  # modules that were imported or unpickled from, which the mark names

    def sees(self, event: str, args: tuple[Any, ...]) -> str:
        """Told of an audit event. What is to be refused about it, or nothing."""
        if event == OPENING:
            return self._touched(args[0], "written" if (args[2] or 0) & WRITING else "read")
        if event in LISTING:
            return self._touched(args[0] if args[0] is not None else ".", is_folder=True)
        if event in CHANGING:
            seen = [self._touched(path, deed) for path, deed in zip(args, CHANGING[event], strict=False)]
            return next(filter(None, seen), "")
        if event in STARTING:
            self._starts(event, args)
        elif event == "sqlite3.connect":
            return self._touched(args[0])
        elif event == "exec":
            self._runs(args[0])
        elif event in ("pickle.find_class", "import") and self._mark in f"{args[0]}":
            self.loaded.append(Code("pickle" if event == "pickle.find_class" else "import", stack.here(2)))
        return ""

    def _touched(self, path: Any, deed: Deed = "read", *, is_folder: bool = False) -> str:
        if not isinstance(path, (str, bytes, os.PathLike)) or path in ("", ":memory:") or not _concerns():
            return ""
        if runs.is_bypassed(get_ident()):
            return ""
        with runs.bypassed():  # what is asked about the path is no doing of the run
            name = os.path.join(os.getcwd(), os.fsdecode(path))
            if CACHES in name or (deed == "read" and name.endswith(LOADED) and _is_loaded()):
                return ""
            found = resolved(name)
            if found is None:
                return ""
            is_folder = is_folder or os.path.isdir(found)
            if active.world is not None:
                found = active.world.files.overlay.seen(found)
            touch = Touch(found, is_folder, deed, stack.here(3))
        self.touches.append(touch)
        return f"{'a change of' if touch.changes else 'a look at'} {found}" if self._refuses(touch) else ""

    def _starts(self, event: str, args: tuple[Any, ...]) -> None:
        if not _concerns():
            return
        folder = ""
        words: Sequence[Any]
        match event:
            case "os.system":
                words = ("/bin/sh", "-c", args[0])
            case "subprocess.Popen":
                words, folder = args[1], args[2]
            case "os.spawn":
                words = args[2]
            case _:
                words = args[1]
        plain = [words] if isinstance(words, (str, bytes, os.PathLike)) else words
        text = tuple(os.fsdecode(word) for word in plain if isinstance(word, (str, bytes, os.PathLike)))
        announced = event == "os.posix_spawn" and any(command.words == text for command in self.commands[-1:])
        if text and not announced:  # from Python 3.13 on subprocess starts by it what it has told of before
            self.commands.append(Command(text, str(folder or ""), stack.here(3)))

    def _runs(self, code: Any) -> None:
        """Not a module: what was compiled from a text has no file."""
        if isinstance(code, CodeType) and code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen") and _concerns():
            self.compiled.append(Code(" ".join(sorted(_names(code))), stack.here(3)))

    def traces(self, since: Traces | None = None) -> Traces:
        """All that was seen, or what is new since then."""
        start = since or Traces()
        statements = tuple(self.statements[len(start.statements) :])
        return Traces(
            tuple(self.touches[len(start.touches) :]),
            tuple(self.commands[len(start.commands) :]),
            statements,
            tuple(self.compiled[len(start.compiled) :]),
            tuple(self.loaded[len(start.loaded) :]),
            frozenset({"sqlite"} if statements else ()),
            tuple(self.broken[len(start.broken) :]),
        )

    def hears(self, statement: str) -> None:
        """Told of a statement of SQLite that is about to run; the database is a copy, and gone with the run."""
        if _concerns():
            self.statements.append(Code(statement, stack.here(1)))

    def hears_failure(self, problem: str) -> None:
        """Told of a statement of SQLite that does not fit its grammar."""
        if _concerns():
            self.broken.append(Code(problem, stack.here(2)))


def _is_loaded() -> bool:
    """Is it Python itself that opens the file: for an import, or for the lines of a traceback?"""
    frame = sys._getframe(1)
    for _ in range(LOADING):
        if str(frame.f_globals.get("__name__")).partition(".")[0] in LOADERS or frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def overhear(statement: str) -> None:
    """A statement of SQLite is about to run."""
    if current is not None:
        current.hears(statement)


def _concerns() -> bool:
    return active.world is not None and active.world.concerned


def _names(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)))


def resolved(path: str) -> str | None:
    """As the system follows an absolute path, step by step; None where it would fail on the way: `missing/../notes.txt`."""
    current = os.sep
    for part in path.split(os.sep):
        if part == "..":
            if not os.path.isdir(current):
                return None
            current = os.path.dirname(current)
        elif part not in ("", "."):
            try:
                current = os.path.realpath(os.path.join(current, part))
            except (OSError, ValueError):  # a NUL, or a ring of links
                return None
    return current


@contextlib.contextmanager
def witnessed(mark: str, refuses: Callable[[Touch], bool] = lambda _: False) -> Iterator[Witness]:
    """Of the runs that are made meanwhile."""
    global current
    before, current = current, Witness(refuses, mark)
    try:
        with failures.told(current.hears_failure):
            yield current
    finally:
        current = before
