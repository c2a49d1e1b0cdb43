"""What a run does on this machine that its record does not show: the paths that it touches, the processes that it would start,
the statements that SQLite carries out, the code that is made of a text.

Only who asks for a witness gets one: it is told by the audit hook, and by SQLite itself. It may refuse what is touched.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pytest_agentready.domain import Code, Command, Touch, Traces
from pytest_agentready.world import active, sql, stack

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events of the system's calls: where their paths stand, and what they do.
OPENING = "open"
LISTING = ("os.listdir", "os.scandir", "os.chdir")
CHANGING = {
    **dict.fromkeys(("os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.rmtree"), (0,)),
    **dict.fromkeys(("os.rename", "os.link", "os.symlink"), (0, 1)),
}
STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
CACHES = "__pycache__"
LOADED = (".py", ".pyc", ".so")  # by an import
MANY = 5_000  # objects within a subject
current: Witness | None = None


class Witness:
    """Of all runs that are made while it is there."""

    def __init__(self, refuses: Callable[[Touch], bool], mark: str) -> None:
        self._refuses = refuses
        self._mark = mark  # the text that tells hostile statements and code from others
        self._aborted: set[int] = set()  # connections of SQLite whose statement is not to go on
        self.touches: list[Touch] = []
        self.commands: list[Command] = []
        self.statements: list[Code] = []  # of SQLite
        self.compiled: list[Code] = []  # by eval or exec, with the names in it
        self.loaded: list[Code] = []  # modules that were imported or unpickled from, which the mark names

    def sees(self, event: str, args: tuple[Any, ...]) -> str:
        """Told of an audit event. What is to be refused about it, or nothing."""
        if event == OPENING:
            return self._touched(args[0], changes=bool((args[2] or 0) & WRITING))
        if event in LISTING:
            return self._touched(args[0] if args[0] is not None else ".", is_folder=True)
        if event in CHANGING:
            seen = [self._touched(args[place], changes=True) for place in CHANGING[event] if place < len(args)]
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

    def _touched(self, path: Any, *, changes: bool = False, is_folder: bool = False) -> str:
        if not isinstance(path, (str, bytes, os.PathLike)) or path in ("", ":memory:") or not _concerns():
            return ""
        with active.bypassed():  # what is asked about the path is no doing of the run
            name = os.path.join(os.getcwd(), os.fsdecode(path))
            if CACHES in name or (not changes and name.endswith(LOADED)):
                return ""
            found = resolved(name)
            if found is None:
                return ""
            touch = Touch(found, is_folder or os.path.isdir(found), changes, stack.here(3))
        self.touches.append(touch)
        return f"{'a change of' if changes else 'a look at'} {found}" if self._refuses(touch) else ""

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
        )

    # -- SQLite

    def watch(self, connection: Any) -> None:
        """Be told of each statement. One that the mark stands in as code, and that would change something, is broken off."""

        def starts(statement: str) -> None:
            if _concerns():
                self.statements.append(Code(statement, stack.here()))
            if sql.is_code(statement, self._mark) and sql.writes(statement):
                self._aborted.add(id(connection))
            else:
                self._aborted.discard(id(connection))

        with contextlib.suppress(Exception):  # it is closed, or another thread's
            connection.set_trace_callback(starts)
            connection.set_progress_handler(lambda: id(connection) in self._aborted, 1)


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
def witnessed(subject: object, mark: str, refuses: Callable[[Touch], bool] = lambda _: False) -> Iterator[Witness]:
    """Of the runs that are made meanwhile."""
    global current
    before, current = current, Witness(refuses, mark)
    try:
        with _sqlite_watched(current, subject):
            yield current
    finally:
        current = before


@contextlib.contextmanager
def _sqlite_watched(witness: Witness, subject: object) -> Iterator[None]:
    """The connections that a module or a pool keeps, and those that are made meanwhile: no event gives them when they are ready."""
    import sqlite3.dbapi2 as sqlite3

    connect = sqlite3.connect
    older = _within(subject, sqlite3.Connection)
    names = [(vars(module), name) for module in tuple(sys.modules.values()) for name in _names_of(module, connect)]

    def watched(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        witness.watch(connection)
        return connection

    for connection in older:
        witness.watch(connection)
    for namespace, name in names:
        namespace[name] = watched
    try:
        yield
    finally:
        for namespace, name in names:
            namespace[name] = connect
        for connection in older:
            with contextlib.suppress(Exception):
                connection.set_trace_callback(None)
                connection.set_progress_handler(None, 0)


def _names_of(module: Any, connect: Any) -> list[str]:
    """How this module calls it: a library by its own name, the user's code by any."""
    namespace = getattr(module, "__dict__", None) or {}
    if stack.is_users_file(namespace.get("__file__") or "<"):
        return [name for name, value in namespace.items() if value is connect]
    return ["connect"] if namespace.get("connect") is connect else []


def _within(subject: object, kind: type) -> list[Any]:
    """What the subject refers to of this kind, through the names in the user's code and objects of any, but not through libraries."""
    waiting = deque([subject])  # what is near comes first
    seen: set[int] = set()
    found: list[Any] = []
    while waiting and len(seen) < MANY:
        holder = waiting.popleft()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        if issubclass(type(holder), kind):
            found.append(holder)
        waiting += [referent for referent in _referents(holder) if gc.is_tracked(referent)]
    return found


def _referents(holder: Any) -> Iterable[Any]:
    """Of a module, a class or a function of the user's own, what its code may name; of those of a library nothing."""
    if isinstance(holder, FunctionType):
        if stack.is_librarys(holder.__code__):
            return ()
        known = [holder.__globals__[name] for name in _names(holder.__code__) if name in holder.__globals__]
        return [*known, *gc.get_referents(holder.__closure__ or (), holder.__dict__)]
    if isinstance(holder, (type, ModuleType)):
        module = sys.modules.get(holder.__module__) if isinstance(holder, type) else holder
        return tuple(vars(holder).values()) if stack.is_users_file(str(getattr(module, "__file__", None) or "<")) else ()
    return gc.get_referents(holder)
