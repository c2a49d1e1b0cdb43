"""Names bound early: `from time import sleep` keeps the real function, whatever `time.sleep` becomes.

One pass over what the garbage collector knows finds every place that holds one of them: names of modules, values of
dicts, attributes, list items, closures, defaults. It costs some 30 ms, and is made again for each subject, and when modules were
imported since. What `functools.partial` and C structures hold cannot be reached.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import types
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from pytest_agentready.world import clocks, guard, real, selecting

_SKIPPED = ("_pytest", "pluggy", "pytest_agentready.world")  # pytest's own clock is real


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
        self._modules = -1
        self._subject: object = None

    def look(self, subject: object = None) -> bool:
        """Look again where modules were imported since, or another subject is at hand; True for another subject."""
        another = subject is not None and subject is not self._subject
        if another or len(sys.modules) != self._modules:
            self._places = list(_find())
            self._modules = len(sys.modules)
        if another:
            self._subject = subject
        return another

    def replace(self) -> None:
        for place in self._places:
            with contextlib.suppress(Exception):  # an owner may refuse by now
                if place.get() is place.original:  # and may hold something else
                    place.put(place.replacement)

    def restore(self) -> None:
        for place in self._places:
            with contextlib.suppress(Exception):
                if place.get() is place.replacement:
                    place.put(place.original)
        # What was imported meanwhile bound our dispatcher, which is the real function outside of a run.
        self._modules = len(sys.modules)


def _find() -> Iterable[Place]:
    pairs = {getattr(real, name): replacement for name, replacement in clocks.REPLACEMENTS.items()}
    pairs[real.select] = selecting.select_
    if real.fork_exec is not None:
        pairs[real.fork_exec] = guard.fork_exec
    replacements = {id(function): replacement for function, replacement in pairs.items()}
    functions = list(pairs)
    own = {id(functions), id(pairs), id(vars(sys.modules["time"])), id(vars(sys.modules["select"]))}
    own |= {id(vars(sys.modules[name])) for name in ("subprocess", "_posixsubprocess") if name in sys.modules}
    own |= {id(cell) for replacement in pairs.values() for cell in replacement.__closure__ or ()}  # what a replacement falls back on
    modules = {id(vars(module)): name for name, module in tuple(sys.modules.items()) if isinstance(module, types.ModuleType)}
    tuples: list[tuple[Any, ...]] = []
    for holder in gc.get_referrers(*functions):
        if id(holder) in own or modules.get(id(holder), "").startswith(_SKIPPED):
            continue
        if type(holder) is tuple:
            tuples.append(holder)
        else:
            yield from _places_in(holder, replacements)
    yield from _defaults(tuples, replacements)


def _places_in(holder: Any, replacements: dict[int, Any]) -> Iterable[Place]:
    """Where in this object: an item, the content of a cell, or an attribute."""
    if isinstance(holder, (dict, list)):
        for key, value in tuple(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if id(value) in replacements:
                yield Place(partial(holder.__getitem__, key), partial(holder.__setitem__, key), value, replacements[id(value)])
    elif not isinstance(holder, (types.FrameType, types.BuiltinFunctionType, types.FunctionType, types.ModuleType)):
        # From 3.11 on an instance refers to its attributes itself, without a dict between.
        for name, value in _attributes(holder):
            if id(value) in replacements:
                yield Place(partial(getattr, holder, name), partial(setattr, holder, name), value, replacements[id(value)])


def _attributes(holder: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(holder, types.CellType):
        yield "cell_contents", holder.cell_contents
    yield from tuple(getattr(holder, "__dict__", {}).items())
    for cls in type(holder).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            yield name, getattr(holder, name, None)


def _defaults(tuples: list[tuple[Any, ...]], replacements: dict[int, Any]) -> Iterable[Place]:
    """Default arguments are tuples that a function refers to."""
    if not tuples:
        return
    wanted = {id(found) for found in tuples}
    for function in gc.get_referrers(*tuples):
        if isinstance(function, types.FunctionType) and id(function.__defaults__) in wanted:
            old = function.__defaults__
            new = tuple(replacements.get(id(value), value) for value in old or ())
            yield Place(partial(getattr, function, "__defaults__"), partial(setattr, function, "__defaults__"), old, new)
