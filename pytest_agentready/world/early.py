"""Names bound early: `from time import sleep` keeps the real function, whatever `time.sleep` becomes.

One pass over what the garbage collector knows finds every place that holds one of them: names of modules, values of
dicts, attributes, list items, closures, defaults. It costs 30 to 80 ms, and is made again when modules were imported since, but for
our own, which come one by one with the experiments.
For each subject, what its own code and the threads refer to is looked through once more: objects are made at any time.
What `functools.partial` and C structures hold cannot be reached.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

from pytest_agentready.world import clocks, exits, foreign, guard, real, selecting, sqlite, stack
from pytest_agentready.world.files import replacements as of_files
from pytest_agentready.world.sqlite import replacements as of_databases

_SKIPPED = ("_pytest", "pluggy", "hypothesis", "pytest_agentready.world")  # whose own clocks are real
_OURS = "pytest_agentready."
_identity = object.__hash__  # as `id`, which tells every audit hook of each call, ours too
# What is replaced there is a patch, and what lies below them is real.
_THEIRS = (
    "builtins",
    "io",
    "os",
    "sqlite3",
    "sqlite3.dbapi2",
    "_io",
    "posix",
    "_signal",
    "signal",
)
_MANY = 100_000  # objects within a subject, after which a pass over all that there is takes no longer


class Place(NamedTuple):
    """Somewhere that holds a real function, and how to put another there."""

    get: Callable[[], Any]
    put: Callable[[Any], None]
    original: Any
    replacement: Any


class EarlyNames:
    """All such places of the process, as of the last look."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._within: list[Place] = []  # those of the subject at hand
        self._modules: frozenset[str] = frozenset()  # that were looked through
        self._subject: object = None

    def look(self, subject: object = None) -> bool:
        """Look again where modules were imported since, or another subject is at hand; True for another subject."""
        another = subject is not None and subject is not self._subject
        if self._are_others_imported():
            # Between the runs of a subject the collector does not know what is older: that was found before, and stays.
            older = self._places if gc.get_freeze_count() else []
            self._places = [*older, *_find()]
            self._within.clear()
        if another:
            connections: list[Any] = []
            self._within = list(_find_within(subject, connections))
            sqlite.remember(connections)
            self._subject = subject
        return another

    def _are_others_imported(self) -> bool:
        """Since the last look, or taken out."""
        if len(sys.modules) == len(self._modules):
            return False
        former, self._modules = self._modules, frozenset(sys.modules)
        return not all(name.startswith(_OURS) for name in former ^ self._modules)

    def replace(self) -> None:
        for place in (*self._places, *self._within):
            with contextlib.suppress(Exception):  # an owner may refuse by now
                if place.get() is place.original:  # and may hold something else
                    place.put(place.replacement)

    def restore(self) -> None:
        for place in (*self._places, *self._within):
            with contextlib.suppress(Exception):
                if place.get() is place.replacement:
                    place.put(place.original)
        # What was imported meanwhile bound our dispatcher, which is the real function outside of a run.
        if len(sys.modules) != len(self._modules):
            self._modules = frozenset(sys.modules)


def _replacements() -> dict[int, tuple[Any, Any]]:
    """By the real function's id, that function and what takes its place; the entry points of clients in C likewise."""
    return _of_python() | foreign.early_names()


@cache
def _of_modules() -> dict[int, tuple[Any, Any]]:
    """Likewise those that are too many for the collector, which would compare each with everything: modules are looked through alone."""
    return of_files.PAIRS | exits.PAIRS | of_databases.PAIRS


def _all() -> dict[int, tuple[Any, Any]]:
    return _replacements() | _of_modules()


@cache
def _of_python() -> dict[int, tuple[Any, Any]]:
    pairs: dict[Any, Any] = {getattr(real, name): replacement for name, replacement in clocks.REPLACEMENTS.items()}
    pairs[real.select] = selecting.select_
    if real.fork_exec is not None:
        pairs[real.fork_exec] = guard.fork_exec
    return {id(function): (function, replacement) for function, replacement in pairs.items()}


def _find() -> Iterator[Place]:
    """Everywhere in the process."""
    pairs = _replacements()
    functions = [function for function, _ in pairs.values()]
    own = {id(functions), id(vars(sys.modules["time"])), id(vars(sys.modules["select"])), *map(id, pairs.values())}
    own |= {
        id(vars(sys.modules[name])) for name in ("subprocess", "_posixsubprocess", *foreign.EARLY, *foreign.BLIND) if name in sys.modules
    }
    own |= {
        id(cell) for _, replacement in pairs.values() for cell in getattr(replacement, "__closure__", None) or ()
    }  # what a replacement falls back on
    # A copy is made in one step; what makes objects on the way may set off a finalizer that imports.
    modules = {id(vars(module)): name for name, module in sys.modules.copy().items() if isinstance(module, types.ModuleType)}
    tuples: list[tuple[Any, ...]] = []
    for holder in gc.get_referrers(*functions):
        if id(holder) in own or _name_of(holder, modules).startswith(_SKIPPED):
            continue
        if type(holder) is tuple:
            tuples.append(holder)
        else:
            yield from _places_in(holder)
    wanted = {id(found) for found in tuples}
    for function in gc.get_referrers(*tuples) if tuples else ():
        if isinstance(function, types.FunctionType) and id(function.__defaults__) in wanted:
            yield _defaults(function)
    yield from _in_modules()


def _in_modules() -> Iterator[Place]:
    """What the namespaces of modules hold of the many."""
    pairs = _of_modules()
    for name, module in sys.modules.copy().items():
        if name in _THEIRS or name.startswith(_SKIPPED) or not isinstance(module, types.ModuleType):
            continue
        holder = vars(module)
        for key, value in tuple(holder.items()):
            if id(value) in pairs:
                yield Place(partial(holder.__getitem__, key), partial(holder.__setitem__, key), *pairs[id(value)])


def _name_of(holder: Any, modules: dict[int, str]) -> str:
    """Of the module whose namespace this is, also where that was imported anew since; "" for anything else."""
    return modules.get(id(holder)) or (str(holder.get("__name__", "")) if type(holder) is dict else "")


def _find_within(subject: object, connections: list[Any]) -> Iterator[Place]:
    """In what a subject and the threads refer to: the user's code, and objects of any kind, but not libraries.

    The connections to a SQLite that are met on the way are added to the list. Where there is so much on the way that all of the process
    is looked through for the names, it is gone on for them, for as long as there are any that were not met.
    """
    wanted = {_identity(function) for function, _ in _all().values()}
    seen = _libraries()
    beginning = len(seen)
    is_skipped: dict[type, bool] = {}
    tuples: set[int] = set()
    functions: list[types.FunctionType] = []
    level: list[Any] = [subject, *threading.enumerate()]
    referents: list[Any] = []
    further: dict[int, Any] = {}
    there_are: float | None = None  # connections in this process, once there is too much on the way
    seen.update(map(_identity, level))
    while level:
        connections += filter(sqlite.is_older, level)
        if there_are is None and len(seen) - beginning > _MANY:
            there_are = sqlite.count_older()
        if there_are is not None and len(connections) >= there_are:
            break
        # Of all of them at once: each question is told to the audit hooks.
        referents = gc.get_referents(*level)
        if there_are is None:
            if not wanted.isdisjoint(map(_identity, referents)):
                holders = [holder for holder in level if not wanted.isdisjoint(map(_identity, gc.get_referents(holder)))]
                tuples.update(_identity(holder) for holder in holders if type(holder) is tuple)
                for holder in holders:
                    yield from () if type(holder) is tuple else _places_in(holder)
            functions += [holder for holder in level if type(holder) is types.FunctionType]
        further = dict(zip(map(_identity, referents), referents, strict=True))
        news = further.keys() - seen
        seen |= news
        level = [further[new] for new in news if gc.is_tracked(further[new]) and _is_to_be_followed(further[new], is_skipped)]
    if there_are is not None:
        for own in (level, functions, referents, further):  # they would be found to hold what is looked for
            own.clear()
        yield from _find()
        return
    for function in functions if tuples else ():
        if _identity(function.__defaults__) in tuples:
            yield _defaults(function)


def _is_to_be_followed(holder: Any, is_skipped: dict[type, bool]) -> bool:
    """Into what pytest and the world hold themselves nobody looks, nor into the modules and classes of libraries.

    No object is asked for its class, as `isinstance` does: one that is made when it is first needed would be made by that.
    """
    kind = type(holder)
    skipped = is_skipped.get(kind)
    if skipped is None:
        skipped = is_skipped[kind] = kind.__module__.startswith(_SKIPPED)
    return not skipped and (not issubclass(kind, (type, types.ModuleType)) or _is_users(holder))


def _libraries() -> set[int]:
    """The namespaces of all modules that are not the user's, as of now: where one is gone, another object may have its identity."""
    modules = [module for module in sys.modules.copy().values() if isinstance(module, types.ModuleType)]
    return {_identity(vars(module)) for module in modules if not _is_users(module)}


def _is_users(owner: Any) -> bool:
    """Is this module, or the one in which this class is defined, the user's own?"""
    module = owner if isinstance(owner, types.ModuleType) else sys.modules.get(owner.__module__)
    return stack.is_users_file(str(getattr(module, "__file__", None) or "<"))


def _places_in(holder: Any) -> Iterator[Place]:
    """Where in this object: an item, the content of a cell, or an attribute."""
    pairs = _all()
    if isinstance(holder, (dict, list)):
        for key, value in tuple(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if id(value) in pairs:
                yield Place(partial(holder.__getitem__, key), partial(holder.__setitem__, key), *pairs[id(value)])
    elif not isinstance(holder, (types.FrameType, types.BuiltinFunctionType, types.FunctionType, types.ModuleType)):
        # From 3.11 on an instance refers to its attributes itself, without a dict between.
        for name, value in _attributes(holder):
            if id(value) in pairs:
                yield Place(partial(getattr, holder, name), partial(setattr, holder, name), *pairs[id(value)])


def _attributes(holder: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(holder, types.CellType):
        yield "cell_contents", holder.cell_contents
    yield from tuple(getattr(holder, "__dict__", {}).items())
    for cls in type(holder).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            yield name, getattr(holder, name, None)


def _defaults(function: types.FunctionType) -> Place:
    """Default arguments are a tuple that the function refers to, replaced as a whole."""
    pairs, old = _all(), function.__defaults__ or ()
    new = tuple(pairs[id(value)][1] if id(value) in pairs else value for value in old)
    return Place(partial(getattr, function, "__defaults__"), partial(setattr, function, "__defaults__"), old, new)
